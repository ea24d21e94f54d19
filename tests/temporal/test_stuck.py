"""A wake that fails again and again, on the real server: it is told, and goes on once it can."""

import base64
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from journeys.changes.outcomes import Choices
from journeys.machine.state import State
from journeys.machine.woken import restored
from services.changes.planning import moving
from services.changes.planning.moving import TargetVersion
from services.definitions.journey_versions import journeys
from services.enrollments.controls import asking
from store.tables.enrollments import Decision, Enrollment

JOURNEY = """journey: welcome
enter: [{on: Signed Up}]
start: a
stages:
  a: {steps: [{send: mail_a}], transitions: [{on: Bought, to: b}]}
  b: {steps: [{send: mail_b}], final: true}
"""


def plain(history: str) -> list[bytes]:
    """A history with its payloads read."""
    return [history.encode(), *map(base64.b64decode, re.findall(r'"data": ?"([^"]+)"', history))]


def told(real: Any) -> list[str]:
    """What the timeline tells, what happened beside the journey too."""
    return [what for _, what, _ in real.story()]


def point_at(real: Any, digest: str) -> None:
    """Have Ann's enrollment follow this definition."""
    with real.parts.database.writing() as session:
        enrollment = session.exec(select(Enrollment)).one()
        enrollment.digest = digest
        session.add(enrollment)


async def test_an_enrollment_that_is_stuck_is_told_and_goes_on_with_the_next_poke(real: Any) -> None:
    await real.publish(JOURNEY)
    await real.customer()
    await real.event("Signed Up")
    await real.until(lambda: real.planned() == ["mail_a"])
    digest = real.enrollment().digest
    point_at(real, "nowhere")
    await real.event("Bought")
    await real.until(lambda: real.enrollment().stuck is not None)
    assert real.enrollment().stuck == "NotFound: there is no definition with the digest nowhere"
    assert (real.stage(), told(real).count("stuck")) == ("a", 1)
    history = await real.env.client.get_workflow_handle(real.enrollment().workflow_id).fetch_history()
    assert "nowhere" not in str(plain(history.to_json())), "what an error says may be personal"
    point_at(real, digest)
    await real.event("Bought")
    await real.until(lambda: real.enrollment().status == "ended")
    assert (real.stage(), real.enrollment().stuck) == ("b", None)


async def test_one_that_is_stuck_ends_where_a_person_asks_for_that(real: Any) -> None:
    await real.publish(JOURNEY)
    await real.customer()
    await real.event("Signed Up")
    await real.until(lambda: real.planned() == ["mail_a"])
    point_at(real, "nowhere")
    await real.event("Bought")
    await real.until(lambda: real.enrollment().stuck is not None)
    with real.parts.database.writing() as session:
        asking.ask(session, session.exec(select(Enrollment)).one(), "exit", real.clock())
    await real.dispatcher.drain()
    await real.until(lambda: real.enrollment().status == "ended")
    workflow = real.env.client.get_workflow_handle(real.enrollment().workflow_id)
    assert (await workflow.result(), real.enrollment().stuck, real.stage()) == ("exited", None, "a")


REFUSES_MAIL_B = """CREATE TRIGGER refuses_mail_b BEFORE INSERT ON message WHEN NEW.template = 'mail_b'
BEGIN SELECT RAISE(ABORT, 'there is no mail_b'); END"""
"""What makes every transaction of a wake fail that plans this mail."""


async def test_a_mended_journey_lets_an_enrollment_go_on_that_is_stuck(real: Any) -> None:
    await real.publish(JOURNEY)
    await real.customer()
    await real.event("Signed Up")
    await real.until(lambda: real.planned() == ["mail_a"])
    with real.parts.database.writing() as session:
        session.connection().exec_driver_sql(REFUSES_MAIL_B)
    await real.event("Bought")
    await real.until(lambda: real.enrollment().stuck is not None)
    assert "there is no mail_b" in real.enrollment().stuck
    assert (real.stage(), real.planned(), told(real).count("stuck")) == ("a", ["mail_a"], 1), "nothing was half done"
    await real.publish(JOURNEY.replace("mail_b", "mail_c"))
    with real.parts.database.writing() as session:
        version, program = journeys.live(session, "welcome")
        target = TargetVersion(number=version.number, program=program, choices=Choices(spread=timedelta()))
        run = session.exec(select(Enrollment)).one()
        assert moving.move(session, target, {run.id: run.customer_id}, real.clock()).total() == 1
    await real.dispatcher.drain()
    await real.until(lambda: real.enrollment().status == "ended")
    assert (real.stage(), real.enrollment().stuck, real.enrollment().version) == ("b", None, 2)
    assert real.planned() == ["mail_c"], "mail_a of the stage that was left is taken back"


async def test_a_core_that_has_changed_its_mind_is_told_and_put_right_on_record(
    real: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The row stands where another core has led it, so the workflow's core arrives elsewhere at the next wake."""
    await real.publish(JOURNEY.replace("final: true", "transitions: [{on: Paid, to: a}]"))
    await real.customer()
    await real.event("Signed Up")
    await real.until(lambda: real.planned() == ["mail_a"])
    with real.parts.database.writing() as session:
        row = session.exec(select(Enrollment)).one()
        row.state = {**row.state, "number": row.state["number"] + 7}
        session.add(row)
    await real.event("Bought")
    await real.at("b", None)
    await real.until(lambda: any(one.startswith("went_astray") for one in caplog.messages))
    assert "put_right" not in told(real)
    await real.event("Paid")
    await real.until(lambda: "put_right" in told(real))
    decisions = real.read(lambda s: s.exec(select(Decision)).all())
    assert [one.detail for one in decisions if one.what == "put_right"] == [{"wake": 3, "wakes": 3}]
    await real.gateway.hurry(real.enrollment().workflow_id)
    workflow = real.env.client.get_workflow_handle(real.enrollment().workflow_id)
    assert await workflow.query("current", result_type=State) == restored(real.enrollment().state)
    assert (real.stage(), told(real).count("put_right")) == ("a", 1), "once it is right, it goes on as any other"
