"""The same stories on the time-skipping server and on the real dev server, where a day lasts four seconds."""

import re
from datetime import timedelta
from typing import Any

import pytest

from services.errors import Refused

JOURNEY = """journey: welcome
lifecycle: true
enter: [{on: Signed Up}]
exit: [{on: Account Closed}]
start: new
stages:
  new:
    steps:
      - send: mail_a
      - wait: FIRST UNIT
      - branch:
          - if: customer.plan == "team"
            then: [{send: mail_b}]
          - else: [{send: mail_c}]
      - wait_for: {event: Tour Watched, up_to: 3 UNIT, else: [{set: {bored: true}}]}
    transitions:
      - {on: Order Completed, when: event.properties.total > 10, to: buyer}
      - {after: 20 UNIT, to: gone}
  buyer:
    steps: [{send: mail_b}]
    transitions: [{inactive: 4 UNIT, of: Order Completed, to: gone}]
  gone: {final: true}
"""


def first_wait(world: Any, days: int = 2) -> str:
    return f"new/wait:{days * int(world.day)} seconds"


async def begin(world: Any, days: int = 2) -> None:
    """Publish, and have Ann at the first wait, of so many days."""
    text = JOURNEY.replace("FIRST", str(days))
    await world.publish(re.sub(r"(\d+) UNIT", lambda match: f"{int(match[1]) * int(world.day)} seconds", text))
    await world.customer()
    await world.event("Signed Up")
    await world.at("new", first_wait(world, days))


async def test_a_customer_goes_through_the_steps(world: Any) -> None:
    await begin(world)
    await world.delivered("mail_a")
    await world.passes(seconds=2 * world.day + 0.2)
    await world.at("new", "new/wait_for:Tour Watched")
    await world.delivered("mail_a", "mail_c")
    await world.passes(seconds=3 * world.day + 0.2)
    await world.at("new", None)
    assert world.decided()[-2:] == ["timed_out", "attributes_set"]
    assert world.enrollment().wakes_at - world.enrollment().stage_since == timedelta(seconds=20 * world.day)


async def test_an_event_takes_the_customer_out_of_a_wait_at_once(world: Any) -> None:
    await begin(world)
    await world.event("Order Completed", total=5)
    await world.event("Order Completed", total=50)
    await world.until(lambda: world.stage() == "buyer")
    await world.until(lambda: world.enrollment().step is None)
    assert world.decided().count("moved") == 1
    await world.passes(seconds=4 * world.day + 0.5)
    await world.until(lambda: world.enrollment().status == "ended")
    assert (world.stage(), world.enrollment().reason) == ("gone", "completed")


async def test_pause_keeps_the_place_and_resume_goes_on(world: Any) -> None:
    await begin(world)
    await world.control("pause")
    assert world.enrollment().paused
    with pytest.raises(Refused, match="the enrollment is paused already"):
        await world.control("pause")
    await world.passes(seconds=4 * world.day)
    assert (world.enrollment().step, world.planned()) == (first_wait(world), ["mail_a"])
    await world.event("Order Completed", total=50)
    await world.control("resume")
    await world.until(lambda: world.stage() == "buyer")
    assert "mail_c" not in world.planned(), "the event of the pause went before the overdue step"


async def test_skip_and_exit_do_what_they_say_or_say_why_not(world: Any) -> None:
    await begin(world)
    await world.control("skip")
    await world.at("new", "new/wait_for:Tour Watched")
    await world.control("skip")
    await world.at("new", None)
    with pytest.raises(Refused, match="no step is waited in"):
        await world.control("skip")
    await world.control("exit")
    assert (world.enrollment().status, world.enrollment().reason) == ("ended", "exited")
    with pytest.raises(Refused, match="has ended"):
        await world.control("pause")


async def test_an_exit_event_ends_and_takes_back_unsent_mail(world: Any) -> None:
    await begin(world)
    await world.event("Account Closed")
    await world.until(lambda: world.enrollment().status == "ended")
    assert (world.enrollment().reason, world.planned()) == ("exited", [])


async def test_an_anonymous_run_goes_on_when_the_person_becomes_known(world: Any) -> None:
    days = 15  # more than a busy machine takes for what follows
    await begin(world, days)
    track = {"type": "track", "anonymousId": "visitor"}
    await world.happens({**track, "event": "Order Completed", "properties": {"total": 3}} | {"userId": "bob"})
    await world.happens({"type": "identify", "userId": "known", "traits": {"email": "known@example.com"}})
    await world.happens({**track, "anonymousId": "v2", "event": "Signed Up"})
    await world.until(lambda: len(world.planned()) >= 1)
    await world.settled()
    await world.happens({"type": "identify", "userId": "known", "anonymousId": "v2"})
    await world.at("new", first_wait(world, days), user="known")
    await world.event("Order Completed", user="known", total=30)
    await world.at("buyer", user="known")
