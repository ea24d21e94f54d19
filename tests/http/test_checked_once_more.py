"""Before a plan is carried out those are judged anew to whom something has happened since, and nobody else."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from services.changes.planning import moving, plan
from services.changes.planning.counted import CountedChanges
from services.changes.planning.moving import TargetVersion
from services.changes.publication import publishing
from store.queries.enrollment.live_enrollments import EnrollmentRow
from store.queries.mails import messages
from store.statuses import MessageStatus
from store.tables.access import Operation
from store.tables.enrollments import Enrollment
from store.tables.messages import Message
from tests.conftest import HandClock
from tests.http.tour import CUSTOMERS, JOURNEY, LONGER, done, put
from tests.shells import Shell
from waypost.wiring import Parts

Planned = Callable[..., dict[str, Any]]
Judged = list[str]

AT_ONCE = JOURNEY.replace("{wait: 3 days}, ", "")
AGAIN = JOURNEY.replace("{send: mail_b}]", "{send: mail_b}, {id: more, send: mail_a}]")


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Judged:
    """The enrollments that were judged since."""
    seen, judge = Judged(), moving.judge

    def noted(session: Any, target: TargetVersion, those: Sequence[EnrollmentRow], now: datetime) -> Any:
        seen.extend(one.id for one in those)
        return judge(session, target, those, now)

    monkeypatch.setattr(moving, "judge", noted)
    monkeypatch.setattr(publishing, "BETWEEN", 0.0)
    return seen


def counted(parts: Parts, token: str) -> CountedChanges:
    with parts.database.reading() as session:
        operation = session.get(Operation, token)
        assert operation is not None
        return plan.counted_anew(session, operation, parts.clock())


def test_where_nothing_happened_nobody_is_judged_and_the_counts_are_those_of_the_plan(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned, judged: Judged
) -> None:
    put(client, LONGER)
    told = planned()
    judged.clear()
    found = counted(parts, told["token"]).as_json()
    assert judged == []
    assert {name: told[name] for name in found} == found


def test_whoever_did_something_is_judged_anew_alone_and_counted_where_they_are_now(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned, judged: Judged
) -> None:
    put(client, LONGER)
    told = planned()
    client.post("/v1/track", json={"userId": "c3", "event": "Paid"})
    for one in shells:
        one.wake(parts.clock())
    client.post("/v1/track", json={"userId": "c4", "event": "Looked"})
    paid, looked = (client.get(f"/v1/customers/{one}").json()["enrollments"][0]["id"] for one in ("c3", "c4"))
    judged.clear()
    found = counted(parts, told["token"])
    assert sorted(judged) == sorted([paid, looked])
    assert dict(found.kinds) == {"retimed": CUSTOMERS - 1, "stays": 1}
    retimed, stays = found.as_json()["changes"]
    assert paid not in retimed["examples"]
    assert stays["examples"] == [paid]


def test_who_came_and_who_left_are_counted(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned
) -> None:
    put(client, LONGER)
    told = planned()
    client.post("/v1/track", json={"userId": "new", "event": "Signed Up"})
    with parts.database.writing() as session:
        gone = session.get(Enrollment, shells[0].enrollment)
        assert gone is not None
        gone.status, gone.reason = "ended", "exited"  # type: ignore[assignment]
    assert dict(counted(parts, told["token"]).kinds) == {"retimed": CUSTOMERS - 1, "unsettled": 1}


def test_an_instant_that_has_come_since_is_seen_though_nothing_else_happened(
    client: TestClient, parts: Parts, shells: list[Shell], clock: HandClock, planned: Planned, judged: Judged
) -> None:
    clock.forward(hours=23, minutes=55)
    put(client, JOURNEY.replace("3 days", "1 day"))
    told = planned(spread_minutes=0)
    assert told["kinds"] == {"retimed": CUSTOMERS}
    clock.forward(minutes=10)
    refused = client.post("/v1/journeys/tour/publish", json={"in_flight": "move", "token": told["token"]})
    assert (refused.status_code, refused.json()["kinds"]) == (409, ["mails_at_once", "retimed"])
    assert refused.json()["plan"]["kinds"] == {"mails_at_once": CUSTOMERS}
    assert client.get("/v1/journeys/tour").json()["live_version"] == 1


def test_a_mail_that_turned_out_not_to_have_gone_is_seen(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned
) -> None:
    put(client, AGAIN)
    told = planned()
    assert told["kinds"] == {"mails_again": CUSTOMERS}
    with parts.database.writing() as session:
        mail = session.exec(select(Message).where(Message.enrollment_id == shells[2].enrollment)).one()
        messages.change(session, mail, MessageStatus.SKIPPED, parts.clock(), reason="suppressed")
    assert dict(+counted(parts, told["token"]).kinds) == {"mails_again": CUSTOMERS - 1, "stays": 1}


def test_whoever_was_left_on_their_version_goes_over_to_a_later_one_with_the_same_definition(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned
) -> None:
    put(client, LONGER)
    assert client.post("/v1/journeys/tour/publish").json()["number"] == 2
    told = planned(version=1)
    assert told["kinds"] == {"stays": CUSTOMERS}
    back = client.post(
        "/v1/journeys/tour/rollback", json={"version": 1, "in_flight": "move", "token": told["token"]}
    ).json()
    assert done(client, parts, back["operation"])["result"] == {"moved": {"stays": CUSTOMERS}, "kept": {}}
    for one in shells:
        one.wake(parts.clock())
    with parts.database.reading() as session:
        assert {(one.version, one.migrating) for one in session.exec(select(Enrollment))} == {(3, False)}
