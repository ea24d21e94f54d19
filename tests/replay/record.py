"""Records the histories that `test_replay` replays. Not a test: `make record` runs it, on purpose."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.errors import Refused
from services.reports.customer import customer_view
from store.queries.enrollment import enrollments

HERE = Path(__file__).parent
HISTORIES = HERE / "histories" / "0015"
"""Those of the shell that we have, named by the ADR that describes it."""
TEXT = (HERE / "everything.yaml").read_text()
LANGUAGE = (HERE / "language.yaml").read_text()
NAMES = ("completed", "controlled", "exited", "inactive", "moved", "waiting")


async def test_record(real: Any) -> None:
    await real.publish(TEXT)
    for name in NAMES:
        await real.customer(name)
        await real.event("Signed Up", name)
    for name in NAMES:
        await real.at("first", "first/wait:1 second", name)
    await real.event("Order Completed", "moved", total=50)
    await real.event("Order Completed", "inactive", total=5)
    await real.event("Account Closed", "exited")
    for verb in ("pause", "resume", "skip"):
        await real.control(verb, "controlled")
    with pytest.raises(Refused):
        await real.control("resume", "controlled")
    await real.event("Tour Watched", "inactive")
    await real.until(lambda: real.enrollment("moved").status == "ended")
    await real.until(lambda: real.enrollment("inactive").step not in ("first/wait:1 second",))
    await real.event("Tour Watched", "inactive")
    await real.until(
        lambda: "until" in str(real.enrollment("waiting").step) or "09:00" in str(real.enrollment("waiting").step)
    )
    await real.control("skip", "completed")
    await real.until(lambda: real.enrollment("completed").status == "ended")
    await real.control("exit", "controlled")
    HISTORIES.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        handle = real.env.client.get_workflow_handle(real.enrollment(name).workflow_id)
        (HISTORIES / f"{name}.json").write_text((await handle.fetch_history()).to_json())


async def test_record_the_rest_of_the_language(real: Any) -> None:
    await real.publish("journey: other\nstart: a\nstages: {a: {}}")
    await real.publish(LANGUAGE)
    for name in ("dated", "turned"):
        await real.customer(name)
        await real.event("Signed Up", name, cart_id="c1")
        await real.until(lambda name=name: run_of(real, name).step == "first/wait_for:guard")
    tomorrow = (await real.tick() + timedelta(days=1, seconds=2)).isoformat()
    await identify(real, "dated", plan="team")
    await real.until(lambda: run_of(real, "dated").step == "first/wait:customer.ends_at")  # which nobody knows
    await identify(real, "turned", ends_at=tomorrow)
    await identify(real, "turned", plan="team")
    await real.until(lambda: run_of(real, "turned").step == "first/wait:customer.ends_at")
    later = (await real.tick() + timedelta(days=1, seconds=1)).isoformat()
    await identify(real, "turned", ends_at=later)
    await real.event("Order Completed", "turned", total=5)
    await real.until(lambda: run_of(real, "turned").step == "first/wait:30 days")
    await real.event("Order Completed", "turned", total=1)
    await real.until(lambda: run_of(real, "turned").stage == "second")
    await identify(real, "turned", gone=True)
    await real.until(lambda: run_of(real, "turned").status == "ended")
    for name in ("dated", "turned"):
        handle = real.env.client.get_workflow_handle(run_of(real, name).workflow_id)
        (HISTORIES / f"language-{name}.json").write_text((await handle.fetch_history()).to_json())


async def identify(real: Any, user: str, **traits: Any) -> None:
    await real.happens({"type": "identify", "userId": user, "traits": traits})


def run_of(real: Any, user: str) -> Any:
    """The customer's run through the journey `language`, not the one that it started."""
    return real.read(
        lambda session: next(
            one
            for one in enrollments.of_customer(session, customer_view.customer(session, user).id)
            if one.journey == "language"
        )
    )
