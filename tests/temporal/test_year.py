"""A whole year in seconds; what a journey costs on the real server; what its histories hold."""

import asyncio
import base64
import re
from pathlib import Path
from typing import Any

CDNOW = Path(__file__).parent.parent.parent / "examples" / "cdnow" / "lifecycle.yaml"

REFERENCE = """journey: reference
enter: [{on: Signed Up}]
start: main
stages:
  main:
    final: true
    steps: [{send: mail_a}, {wait: 1 second}, {send: mail_b}, {wait_for: {event: Done, up_to: 1 second}}, {send: mail_c}]
"""

ROUND = """journey: round
enter: [{on: Signed Up}]
exit: [{on: Stop}]
start: a
stages:
  a: {steps: [{send: mail_a}], transitions: [{on: Tick, to: b}]}
  b: {steps: [{send: mail_b}], transitions: [{on: Tick, to: a}]}
"""


async def test_a_year_of_a_customers_life(skipping: Any) -> None:
    """First order, cross-sell, lapse, win-back, inactive, back by an order, and core with the fifth."""
    await skipping.publish(CDNOW.read_text())
    await skipping.customer()
    await skipping.event("Order Completed", total=10)
    await skipping.at("first_time_buyer", "first_time_buyer/wait:14 days")
    began = await skipping.tick()
    for days, place in (
        (15, ("first_time_buyer", None)),
        (76, ("lapsed", "lapsed/wait:14 days")),
        (15, ("lapsed", None)),
        (165, ("inactive", None)),
    ):
        await skipping.deliver()
        await skipping.passes(days=days)
        await skipping.at(*place)
    await skipping.deliver()
    await skipping.passes(days=94)
    assert (await skipping.tick() - began).days == 365
    for orders in (1, 2, 3):
        await skipping.event("Order Completed", total=10)
        await skipping.until(lambda seen=orders: skipping.enrollment().visit == 3 + seen)
        await skipping.at("repeat_buyer", "repeat_buyer/wait:14 days")
        await skipping.deliver()
    await skipping.event("Order Completed", total=10)
    await skipping.at("core", None)
    await skipping.deliver()
    assert skipping.decided().count("moved") == 6
    assert skipping.planned() == skipping.accepted()
    assert skipping.accepted() == [
        "thank_you", "cross_sell", "we_miss_you", "win_back_offer", "thank_you", "thank_you", "thank_you", "loyalty",
    ]  # fmt: skip


async def test_the_reference_journey_costs_few_events_and_bytes(real: Any) -> None:
    await real.publish(REFERENCE)
    await real.customer()
    await real.event("Signed Up")
    await real.until(lambda: real.enrollment().status == "ended")
    handle = real.env.client.get_workflow_handle(real.enrollment().workflow_id)
    assert await handle.result() == "completed"
    described = await handle.describe()
    assert described.history_length <= 24
    assert described.raw_description.workflow_execution_info.history_size_bytes <= 6_000


async def test_nothing_personal_is_in_a_history(real: Any) -> None:
    await real.publish(REFERENCE)
    await real.customer("ann-private")
    await real.event("Signed Up", "ann-private", secret="zebra")
    await real.until(lambda: real.enrollment("ann-private").status == "ended")
    handle = real.env.client.get_workflow_handle(real.enrollment("ann-private").workflow_id)
    assert await handle.result() == "completed", "the record is ahead of the workflow"
    text = (await handle.fetch_history()).to_json()
    plain = text + "".join(
        base64.b64decode(one + "==", validate=False).decode(errors="replace")
        for one in re.findall(r'"data": ?"([^"]+)"', text)
    )
    assert "mail_a" in plain or "main/" in plain or "planned" in plain, "the payloads were read"
    for private in ("ann-private", "example.com", "zebra"):
        assert private not in plain


async def begun_anew(handle: Any, run_id: str) -> Any:
    """The newest run of a workflow, once that is another: the record is ahead of it."""
    for _ in range(600):
        if (described := await handle.describe()).run_id != run_id:
            return described
        await asyncio.sleep(0.1)
    raise AssertionError("its history was never begun anew")


async def test_a_run_goes_on_through_many_fresh_histories(forgetful: Any) -> None:
    """The server suggests a fresh history at every turn: no event is lost, none fires twice."""
    await forgetful.publish(ROUND)
    await forgetful.customer()
    await forgetful.event("Signed Up")
    await forgetful.at("a", None)
    first = forgetful.env.client.get_workflow_handle(forgetful.enrollment().workflow_id)
    run_id = (await first.describe()).run_id
    for number in range(1, 31):
        await forgetful.event("Tick")
        if number % 3 == 0:
            await forgetful.until(lambda seen=number: forgetful.enrollment().visit == seen + 1)
    await forgetful.until(lambda: forgetful.enrollment().visit == 31)
    described = await begun_anew(first, run_id)
    assert described.history_length < 30
    assert forgetful.decided().count("moved") == 30
    await forgetful.control("pause")
    await forgetful.event("Tick")
    await forgetful.control("resume")
    await forgetful.until(lambda: forgetful.enrollment().visit == 32)
    await forgetful.event("Stop")
    await forgetful.until(lambda: forgetful.enrollment().status == "ended")
    numbers = [number for number, _, _ in forgetful.story() if number is not None]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_a_long_backlog_is_worked_off_through_fresh_histories(forgetful: Any) -> None:
    """Wakes follow one another without a pause between them, and the history is begun anew all the same."""
    await forgetful.publish(ROUND)
    await forgetful.customer()
    await forgetful.event("Signed Up")
    await forgetful.at("a", None)
    first = forgetful.env.client.get_workflow_handle(forgetful.enrollment().workflow_id)
    run_id = (await first.describe()).run_id
    await forgetful.happens(*({"type": "track", "userId": "ann", "event": "Tick"} for _ in range(180)))
    await forgetful.until(lambda: forgetful.enrollment().visit == 181)
    described = await begun_anew(first, run_id)
    assert described.history_length < 30
