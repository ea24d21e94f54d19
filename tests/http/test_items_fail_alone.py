"""What raises unexpectedly for one line, event or customer fails that one alone: told, logged, counted."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select
from structlog.testing import capture_logs

from activities.operations import ATTEMPTS
from journeys.simulation import consequences
from services.customers.attributes import profiles
from services.enrollments.controls import asking
from services.enrollments.entering import entry
from services.jobs import erasure
from services.jobs.mails import plan_broadcast
from services.messages.deciding import withdrawing
from services.messages.waiting import resolving
from store.queries.mails import messages
from store.statuses import MessageStatus
from store.tables.access import Operation
from store.tables.customers import Consent, Customer, Event
from store.tables.enrollments import Decision, Enrollment
from store.tables.messages import Message
from tests.http.worked import TOLD, Worked, breaks_for, id_of, rows
from waypost.wiring import Parts


@pytest.fixture
def poison_traits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the attribute `poison` meets a bug of ours."""
    broken = breaks_for(profiles.take_traits, lambda customer, traits, now: "poison" in traits)
    monkeypatch.setattr(profiles, "take_traits", broken)


def _named(wanted: Any, name: str) -> bool:
    return any(one.customer.external_id == name for one in wanted)


# -- operations --------------------------------------------------------------------------------------------------------


def everybody(client: TestClient, parts: Parts, *names: str) -> None:
    """Customers in the segment `all`."""
    from services.upkeep import upkeep

    for name in names:
        client.put(f"/v1/customers/{name}", json={"attributes": {"email": f"{name}@example.com"}})
    client.put("/v1/segments/all", json={"guard": "true"})
    with parts.database.writing() as session:
        while upkeep.do(session, parts.clock()):
            pass


def position(parts: Parts, name: str) -> int:
    """The customer's place in the order of the ids, from 1."""
    return sorted(one.id for one in rows(parts, Customer)).index(id_of(parts, name)) + 1


def test_a_member_of_a_segment_that_raises_is_not_enrolled_on_record(
    client: TestClient, parts: Parts, welcome: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody(client, parts, "a", "b", "c", "d")
    poison = breaks_for(entry.enroll_all, lambda session, version, program, wanted, now: _named(wanted, "b"))
    monkeypatch.setattr(entry, "enroll_all", poison)
    operation = client.post("/v1/journeys/welcome/enrollments", json={"segment": "all"}).json()["id"]
    done = Worked(client, parts, operation)
    done.assert_failed_alone((position(parts, "b"), f"{id_of(parts, 'b')}: {TOLD}"))
    assert done.shown["result"] == {"enrolled": 3, "refused": 0, "failed": 1}
    (decision,) = rows(parts, Decision, Decision.customer_id == id_of(parts, "b"), Decision.what == "not_entered")
    assert decision.detail == {"reason": "unexpected_error", "because": "ZeroDivisionError", "operation": operation}


@pytest.mark.parametrize("kind", ["resume", "leave"])
def test_an_enrollment_that_raises_stops_no_other_of_its_journey(
    client: TestClient, parts: Parts, welcome: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for name in ("a", "b", "c"):
        client.post("/v1/track", json={"userId": name, "event": "Signed Up"})
    with parts.database.writing() as session:
        for one in session.exec(select(Enrollment)).all():
            one.paused, one.paused_by = True, "journey"
    first, second, third = sorted(one.id for one in rows(parts, Enrollment))
    name = {"resume": "poke", "leave": "leave"}[kind]
    monkeypatch.setattr(
        asking, name, breaks_for(getattr(asking, name), lambda session, those, *_: second in {one.id for one in those})
    )
    with parts.database.writing() as session:
        from services.operations import operations

        operation = operations.start(session, kind, {"journey": "welcome"}, parts.clock(), total=3)
    done = Worked(client, parts, operation.id)
    done.assert_failed_alone((2, f"{second}: {TOLD}"))
    assert (done.shown["done"], first < third) == (3, True)


def test_a_customer_whose_recorded_events_raise_is_left_out_of_a_backtest_by_name(
    client: TestClient, parts: Parts, welcome: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        client.post("/v1/track", json={"userId": name, "event": "Signed Up"})
    b = id_of(parts, "b")
    poison = breaks_for(consequences.complete, lambda program, history, *_: history.id == b)
    monkeypatch.setattr(consequences, "complete", poison)
    done = Worked(client, parts, client.post("/v1/journeys/welcome/simulate", json={}).json()["id"])
    assert (done.status, done.errors) == ("done", [(position(parts, "b"), f"{b}: {TOLD}")])
    (logged,) = done.logged
    assert "ZeroDivisionError: a bug" in str(logged["exc_info"])
    assert done.counted == ["operate"]
    result = done.shown["result"]
    assert (result["customers"], result["failed"], result["enrolled"]) == (3, 1, 2)


def test_what_cannot_be_erased_keeps_nothing_else_and_the_erasure_says_so(
    client: TestClient, parts: Parts, welcome: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.put("/v1/customers/a", json={"attributes": {"email": "a@example.com"}})
    client.post("/v1/consents", json={"customer": "a", "topic": "news", "granted": True, "source": "phone"})
    client.post("/v1/track", json={"userId": "a", "event": "Signed Up"})
    a = id_of(parts, "a")
    with monkeypatch.context() as patch:
        for phases in (erasure.ROWS, erasure.PHASES):
            patch.setitem(phases, "events", breaks_for(erasure.ROWS["events"], lambda *_: True))
        done = Worked(client, parts, client.delete("/v1/customers/a").json()["id"], attempt=ATTEMPTS)
    assert (done.status, [reason for _, reason in done.errors]) == ("failed", [f"events: {TOLD}", f"customer: {TOLD}"])
    assert rows(parts, Enrollment) == rows(parts, Consent) == []
    assert {one.customer_id for one in rows(parts, Event)} == {a}
    assert Worked(client, parts, client.delete(f"/v1/customers/{a}").json()["id"]).status == "done"
    assert rows(parts, Event) == rows(parts, Customer) == []


@pytest.fixture
def broadcast(client: TestClient, parts: Parts) -> str:
    """A broadcast to a, b, c and d, in planning."""
    everybody(client, parts, "a", "b", "c", "d")
    body = {"segment": "all", "template": "mail_a", "topic": "news"}
    assert client.put("/v1/broadcasts/spring", json=body).status_code == 200
    return "spring"


def test_a_recipient_that_raises_gets_no_mail_of_a_broadcast_and_all_others_do(
    client: TestClient, parts: Parts, broadcast: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.upkeep.clocks import broadcast_clock

    answer = client.post(f"/v1/broadcasts/{broadcast}/send")
    assert answer.status_code == 200, answer.text
    with parts.database.writing() as session:
        broadcast_clock.run_due(session, parts.clock())
    (operation,) = rows(parts, Operation)
    b = id_of(parts, "b")
    poison = breaks_for(plan_broadcast._plan, lambda row, body, terms, settings, stands, one, *_: one.id == b)
    monkeypatch.setattr(plan_broadcast, "_plan", poison)
    done = Worked(client, parts, operation.id)
    done.assert_failed_alone((position(parts, "b"), f"{b}: {TOLD}"))
    assert {one.customer_id for one in rows(parts, Message)} == {id_of(parts, name) for name in "acd"}
    (decision,) = rows(parts, Decision, Decision.customer_id == b, Decision.what == "skipped")
    assert decision.detail == {"broadcast": "spring", "reason": "unexpected_error", "because": "ZeroDivisionError"}

    mails = sorted(one.id for one in rows(parts, Message))
    broken = breaks_for(withdrawing.withdraw_all, lambda session, waiting, *_: mails[1] in {one.id for one in waiting})
    monkeypatch.setattr(withdrawing, "withdraw_all", broken)
    with parts.database.writing() as session:
        from services.operations import operations

        cancelled = operations.start(session, broadcast_clock.CANCEL, {"broadcast": "spring"}, parts.clock())
    done = Worked(client, parts, cancelled.id)
    assert (done.status, [reason for _, reason in done.errors]) == ("done", [f"{mails[1]}: {TOLD}"])
    left = {one.id: one.status for one in rows(parts, Message)}
    assert left == {mails[0]: "skipped", mails[1]: "planned", mails[2]: "skipped"}


def test_a_recipient_that_raises_is_left_out_of_a_preview_and_all_others_are_counted(
    client: TestClient, parts: Parts, broadcast: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = id_of(parts, "b")
    poison = breaks_for(plan_broadcast._plan, lambda row, body, terms, settings, stands, one, *_: one.id == b)
    monkeypatch.setattr(plan_broadcast, "_plan", poison)
    done = Worked(client, parts, client.post(f"/v1/broadcasts/{broadcast}/preview").json()["id"])
    done.assert_failed_alone((position(parts, "b"), f"{b}: {TOLD}"))
    assert done.shown["result"] == {"recipients": 3, "later": {}, "skipped": {}, "variants": {}, "failed": 1}


def test_a_mail_that_raises_stays_undecided_and_all_others_are_decided(
    client: TestClient, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody(client, parts, "a", "b", "c", "d")
    now = parts.clock() - timedelta(hours=1)
    with parts.database.writing() as session:
        about = {"template": "mail_a", "topic": "news", "lane": "journey", "due": now, "now": now}
        unsure = {"status": MessageStatus.UNKNOWN, "reason": "no_answer"}
        made = [messages.row(f"m{name}", id_of(parts, name), **about, **unsure) for name in "abcd"]
        messages.add(session, made)
    poison = breaks_for(resolving.decide_some, lambda session, ids, *_: "mb" in ids)
    monkeypatch.setattr(resolving, "decide_some", poison)
    answer = client.post("/v1/messages/decide", json={"as": "failed", "count": 4, "status": "unknown"})
    done = Worked(client, parts, answer.json()["operation"])
    done.assert_failed_alone((2, f"mb: {TOLD}"))
    assert done.shown["result"] == {"decided": 3, "failed": 1}
    left = {one.id: one.status for one in rows(parts, Message)}
    assert left == {"ma": "failed", "mb": "unknown", "mc": "failed", "md": "failed"}


# -- a call of many events ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("poison_traits")
def test_an_event_of_a_batch_that_raises_is_rejected_alone(client: TestClient, parts: Parts) -> None:
    batch = [
        {"type": "identify", "userId": f"u{number}", "traits": {"poison": 1} if number in (3, 9) else {"n": number}}
        for number in range(12)
    ]
    with capture_logs() as logs:
        answer = client.post("/v1/batch", json={"batch": [*batch, {"type": "nonsense"}]})
    told = answer.json()
    reason = "something failed here that nobody expected; it was logged"
    assert (answer.status_code, told["accepted"], len(rows(parts, Customer))) == (200, 10, 10)
    assert [(one["index"], one["reason"]) for one in told["rejected"] if one["index"] != 12] == [
        (3, reason),
        (9, reason),
    ]
    assert [type(one["exc_info"]) for one in logs if one["event"] == "event_failed"] == [ZeroDivisionError] * 2
    listed = client.get("/v1/rejections").json()["items"]
    assert sorted(one["reason"] == reason for one in listed) == [False, True, True]
    assert 'waypost_unexpected_total{doing="ingest"} 2.0' in client.get("/metrics").text


@pytest.mark.usefixtures("poison_traits")
def test_one_event_alone_that_raises_is_an_error_of_ours_so_that_its_client_sends_it_again(client: TestClient) -> None:
    answer = client.post("/v1/identify", json={"userId": "1", "traits": {"poison": 1}})
    assert answer.status_code == 500
