"""Before a journey is resumed it is told what that will send; and that is what then goes."""

from collections import Counter
from typing import Any

from fastapi.testclient import TestClient
from sqlmodel import col, select

from services.enrollments.controls import asking
from store.tables.enrollments import Enrollment
from store.tables.messages import Message
from tests.conftest import HandClock
from tests.http.tour import CUSTOMERS, JOURNEY, put
from tests.shells import Shell
from waypost.wiring import Parts

SKIPPED = JOURNEY.replace("{send: mail_b}", "{send: {template: mail_b, late: skip}}")


def told(client: TestClient) -> dict[str, Any]:
    answer = client.get("/v1/journeys/tour/resume-plan")
    assert answer.status_code == 200, answer.text
    return answer.json()


def fates(plan: dict[str, Any]) -> dict[tuple[str, str, str | None], int]:
    return {(one["template"], one["outcome"], one["reason"]): one["count"] for one in plan["mails"]}


def went(parts: Parts) -> Counter[tuple[str, str, str | None]]:
    with parts.database.reading() as session:
        rows = session.exec(select(Message)).all()
    return Counter((one.template, one.status, one.reason) for one in rows)


def park(client: TestClient, shells: list[Shell], clock: HandClock, days: float) -> None:
    """The journey is paused; time passes, and everybody who would act is parked."""
    assert client.post("/v1/journeys/tour/pause").status_code == 200
    now = clock.forward(days=days)
    for one in shells:
        one.wake(now)


def test_what_is_foreseen_is_what_a_resume_sends(
    client: TestClient, parts: Parts, shells: list[Shell], clock: HandClock
) -> None:
    park(client, shells, clock, 4)
    client.post("/v1/track", json={"userId": "c3", "event": "Paid"})
    plan = told(client)
    assert (plan["paused"], plan["customers"], plan["overdue"], plan["leave"]) == (True, CUSTOMERS, CUSTOMERS, 1)
    before = went(parts)
    assert fates(plan) == {
        ("mail_b", "send", None): CUSTOMERS - 1, ("mail_c", "send", None): 1, ("mail_a", "send", None): CUSTOMERS - 1,
        ("mail_a", "skip", "pre_empted"): 1,
    }  # fmt: skip
    assert plan["totals"] == {"send": 2 * CUSTOMERS - 1, "later": 0, "skip": 1}
    assert plan["complete"]
    assert went(parts) == before, "nothing is changed by looking"
    client.post("/v1/journeys/tour/resume")
    for one in shells:
        one.wake(clock())
    assert went(parts) - before == {
        ("mail_b", "planned", None): CUSTOMERS - 1, ("mail_c", "planned", None): 1, ("mail_a", "skipped", "pre_empted"): 1,
    }  # fmt: skip


def test_a_step_that_is_skipped_where_it_is_late_is_told_as_skipped(
    client: TestClient, parts: Parts, shells: list[Shell], clock: HandClock
) -> None:
    put(client, SKIPPED)
    assert client.post("/v1/journeys/tour/publish").status_code == 200
    for name in ("later1", "later2"):
        client.post("/v1/identify", json={"userId": name, "traits": {"email": f"{name}@example.com"}})
        client.post("/v1/track", json={"userId": name, "event": "Signed Up"})
    with parts.database.reading() as session:
        fresh = session.exec(select(Enrollment).where(Enrollment.version == 2).order_by(col(Enrollment.id))).all()
    late = [Shell(parts.database, one) for one in fresh]
    for one in late:
        one.wake(clock())
    park(client, [*shells, *late], clock, 4)
    plan = told(client)
    assert fates(plan)["mail_b", "skip", "late"] == 2
    assert fates(plan)["mail_b", "send", None] == CUSTOMERS
    skipped = next(one for one in plan["mails"] if one["outcome"] == "skip")
    assert (skipped["stage"], skipped["step"]) == ("trial", "trial/send:mail_b")
    assert sorted(skipped["examples"]) == sorted(one.enrollment for one in late)


def test_who_was_paused_by_a_person_is_not_resumed_with_the_journey(
    client: TestClient, parts: Parts, shells: list[Shell], clock: HandClock
) -> None:
    with parts.database.writing() as session:
        enrollment = session.get(Enrollment, shells[0].enrollment)
        assert enrollment is not None
        asking.ask(session, enrollment, "pause", clock())
    shells[0].wake(clock())
    park(client, shells[1:], clock, 4)
    plan = told(client)
    assert plan["customers"] == CUSTOMERS - 1
    assert fates(plan)["mail_b", "send", None] == CUSTOMERS - 1


def test_nothing_is_sent_by_the_resume_of_a_journey_in_which_nothing_is_due(
    client: TestClient, shells: list[Shell]
) -> None:
    plan = told(client)
    assert (plan["paused"], plan["overdue"], plan["leave"]) == (False, 0, 0)
    assert client.get("/v1/journeys/nowhere/resume-plan").status_code == 404
