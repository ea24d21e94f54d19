"""A resume says what becomes of mails that are overdue: of a journey, of one stage, of one enrollment; as foreseen."""

from collections import Counter
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from journeys.language.words import Late
from services.enrollments.controls import asking
from services.messages.sending import claiming
from store.queries.sending import lanes
from store.queries.sending.lanes import JOURNEY as LANE
from store.tables.enrollments import Decision, Enrollment
from store.tables.messages import Message
from tests.conftest import HandClock
from tests.http.tour import CUSTOMERS
from tests.shells import Shell
from waypost.wiring import Parts

FATES: dict[Late, tuple[str, str | None]] = {
    "send": ("send", None),
    "skip": ("skip", "late"),
    "next_window": ("send", None),  # the step has no hours, so its next window is now
}


def plan(client: TestClient, **asked: str) -> dict[str, Any]:
    answer = client.get("/v1/journeys/tour/resume-plan", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fates(told: dict[str, Any]) -> Counter[tuple[str, str, str | None]]:
    return Counter({(one["template"], one["outcome"], one["reason"]): one["count"] for one in told["mails"]})


def went(parts: Parts, clock: HandClock) -> Counter[tuple[str, str, str | None]]:
    """What becomes of every mail once its lane has looked at it: those it takes are sent."""
    with parts.database.writing() as session:
        lanes.take_ownership(session, LANE, "me", clock())
    parts.database.write(lambda session: len(claiming.claim(session, LANE, "me", 100, clock())))
    with parts.database.reading() as session:
        rows = session.exec(select(Message)).all()
    said = {"claimed": "send", "skipped": "skip"}
    return Counter((one.template, said.get(one.status, "later"), one.reason) for one in rows)


def wake_all(shells: list[Shell], clock: HandClock) -> None:
    for one in shells:
        one.wake(clock())


def park(client: TestClient, shells: list[Shell], clock: HandClock, **what: str) -> None:
    """Paused with their first mails held; four days pass, so the second ones are overdue too."""
    assert client.post("/v1/journeys/tour/pause", json=what).status_code == 200
    clock.forward(days=4)
    wake_all(shells, clock)


@pytest.mark.parametrize("late", ["send", "skip", "next_window"])
@pytest.mark.parametrize("what", [{}, {"stage": "trial"}], ids=["journey", "stage"])
def test_each_overdue_mail_goes_by_what_the_resume_says_and_by_what_was_foreseen(
    client: TestClient, parts: Parts, shells: list[Shell], clock: HandClock, late: Late, what: dict[str, str]
) -> None:
    park(client, shells, clock, **what)
    foreseen = fates(plan(client, late=late, **what))
    assert foreseen == {("mail_a", *FATES[late]): CUSTOMERS, ("mail_b", *FATES[late]): CUSTOMERS}
    assert client.post("/v1/journeys/tour/resume", json={"late": late, **what}).status_code == 200
    wake_all(shells, clock)
    assert went(parts, clock) == foreseen


def test_one_enrollment_is_resumed_by_its_own_word_and_the_timeline_says_it(
    client: TestClient, parts: Parts, shells: list[Shell], clock: HandClock
) -> None:
    own = shells[0].enrollment
    _ask(parts, own, "pause", clock)
    shells[0].wake(clock())
    clock.forward(days=4)
    foreseen = plan(client, enrollment=own, late="skip")
    assert (foreseen["paused"], foreseen["customers"], foreseen["overdue"]) == (True, 1, 1)
    assert fates(foreseen) == {("mail_a", "skip", "late"): 1, ("mail_b", "skip", "late"): 1}
    _ask(parts, own, "resume", clock, late="skip")
    shells[0].wake(clock())
    went(parts, clock)
    with parts.database.reading() as session:
        mails = session.exec(select(Message).where(Message.enrollment_id == own)).all()
        resumed = session.exec(select(Decision).where(Decision.what == "resumed")).all()
    assert {(one.template, one.status, one.reason) for one in mails} == {
        ("mail_a", "skipped", "late"), ("mail_b", "skipped", "late"),
    }  # fmt: skip
    assert [one.detail["late"] for one in resumed] == ["skip"]


def _ask(parts: Parts, own: str, verb: str, clock: HandClock, late: Late | None = None) -> None:
    with parts.database.writing() as session:
        enrollment = session.get(Enrollment, own)
        assert enrollment is not None
        asking.ask(session, enrollment, verb, clock(), late=late)


def test_a_later_resume_that_says_nothing_leaves_it_to_the_steps(
    client: TestClient, parts: Parts, shells: list[Shell], clock: HandClock
) -> None:
    park(client, shells, clock)
    client.post("/v1/journeys/tour/resume", json={"late": "skip"})
    client.post("/v1/journeys/tour/pause")
    clock.forward(hours=2)
    foreseen = fates(plan(client))
    client.post("/v1/journeys/tour/resume")
    wake_all(shells, clock)
    assert went(parts, clock) == foreseen
    assert foreseen["mail_b", "send", None] == CUSTOMERS


def test_a_stage_that_is_paused_holds_its_customers_and_their_mails_alone(
    client: TestClient, parts: Parts, shells: list[Shell], clock: HandClock
) -> None:
    client.post("/v1/track", json={"userId": "c3", "event": "Paid"})
    wake_all(shells, clock)
    park(client, shells, clock, stage="trial")
    assert set(client.get("/v1/journeys/tour").json()["paused_stages"]) == {"trial"}
    now = went(parts, clock)
    assert now["mail_c", "send", None] == 1, "who stands in another stage gets their mail"
    assert now["mail_a", "later", None] == CUSTOMERS - 1
    assert now["mail_b", "send", None] == 0
    with parts.database.reading() as session:
        parked = session.exec(select(Enrollment).where(Enrollment.stage == "trial")).all()
    assert {(one.paused, one.paused_by) for one in parked} == {(True, "stage")}
    told = client.get("/v1/customers/c0/why", params={"journey": "tour"}).json()["answer"]
    assert "it is paused in trial by the pause of the stage" in told


def test_what_stays_paused_beside_sends_nothing_and_is_foreseen_so(
    client: TestClient, parts: Parts, shells: list[Shell], clock: HandClock
) -> None:
    client.post("/v1/journeys/tour/pause", json={"stage": "trial"})
    park(client, shells, clock)
    for what in ({}, {"stage": "trial"}):
        foreseen = plan(client, late="send", **what)
        assert (foreseen["paused"], foreseen["customers"], foreseen["mails"]) == (True, 0, [])
    client.post("/v1/journeys/tour/resume", json={"late": "send"})
    wake_all(shells, clock)
    assert went(parts, clock) == {("mail_a", "later", None): CUSTOMERS}
    assert fates(plan(client, stage="trial"))["mail_b", "send", None] == CUSTOMERS


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("journeys/tour/resume", {"stage": "trial"}, 409, "the stage 'trial' of 'tour' is not paused"),
        ("journeys/tour/resume", {}, 409, "the journey 'tour' is not paused"),
        ("journeys/tour/resume", {"late": "never"}, 422, "'send', 'skip' or 'next_window'"),
        ("journeys/tour/pause", {"stage": "trail"}, 404, "the journey 'tour' has no stage 'trail'"),
        ("journeys/tour/pause", {"stages": "trial"}, 422, "stages"),
        ("enrollments/{own}/pause", {"late": "skip"}, 422, "only a resume says what becomes of what is overdue"),
    ],
)
def test_what_cannot_be_is_refused(
    client: TestClient, shells: list[Shell], path: str, body: dict[str, str], status: int, told: str
) -> None:
    refused = client.post(f"/v1/{path.format(own=shells[0].enrollment)}", json=body)
    assert refused.status_code == status, refused.text
    assert told in refused.text


def test_nobody_foresees_the_resume_of_an_enrollment_that_is_not_there(client: TestClient, shells: list[Shell]) -> None:
    refused = client.get("/v1/journeys/tour/resume-plan", params={"enrollment": "enr_none"})
    assert refused.status_code == 404
    assert client.post("/v1/journeys/tour/pause", json={"stage": "trial"}).status_code == 200
    twice = client.post("/v1/journeys/tour/pause", json={"stage": "trial"})
    assert (twice.status_code, twice.json()["detail"]) == (409, "the stage 'trial' of 'tour' is paused already")
