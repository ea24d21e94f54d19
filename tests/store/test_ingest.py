"""Ingestion: append, fold, match, let in; what is wrong is kept with its reason."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from services.customers.attributes import known_facts
from services.ingestion.ingest import IngestResult
from store.session import Database
from store.tables.access import Rejection
from store.tables.customers import Customer, Event
from store.tables.enrollments import Decision, Dispatch, Enrollment, Interest

Ingest = Callable[..., IngestResult]


def identify(user: str = "ann", **traits: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": user, "traits": {"email": f"{user}@example.com", **traits}}


def track(event: str, user: str = "ann", **more: Any) -> dict[str, Any]:
    return {"type": "track", "userId": user, "event": event, **more}


def everything(database: Database, table: Any) -> list[Any]:
    with database.reading() as session:
        return list(session.exec(select(table)).all())


@pytest.mark.parametrize("amount", [1e308, -1e308, 10**15 + 1, "1e308"])
def test_an_amount_that_would_make_a_sum_infinite_is_refused_by_its_name(
    database: Database, take: Ingest, amount: Any
) -> None:
    paid = [track("Paid", properties={"total": amount}), track("Paid", properties={"total": 10**15})]
    outcome = take(identify(), *paid, paid[0])
    told = [(index, one.path, one.reason) for index, one in outcome.rejected]
    reason = "an amount is at most 1,000,000,000,000,000"
    assert told == [(1, "properties.total", reason), (3, "properties.total", reason)]
    (customer,) = everything(database, Customer)
    assert customer.events["Paid"]["sum"] == 1e15


def test_an_event_is_stored_and_folded(database: Database, take: Ingest, noon: datetime) -> None:
    take(identify(firstName="Ann"), track("Order Completed", properties={"total": 20.5}))
    take(track("Order Completed", properties={"revenue": 10}), at=noon + timedelta(hours=1))
    (customer,) = everything(database, Customer)
    assert (customer.email, customer.attributes["first_name"], customer.seq) == ("ann@example.com", "Ann", 3)
    assert customer.events["Order Completed"] == {
        "count": 2,
        "first_at": noon.isoformat(),
        "last_at": (noon + timedelta(hours=1)).isoformat(),
        "sum": 30.5,
    }


def test_a_message_id_is_taken_once(database: Database, take: Ingest) -> None:
    for _ in range(3):
        take(*[track("E", messageId="m1")] * 3)
    assert len(everything(database, Event)) == 1


@pytest.mark.usefixtures("welcome")
def test_the_same_trigger_a_hundred_times_enrolls_once(database: Database, take: Ingest) -> None:
    outcome = take(*[track("Signed Up") for _ in range(100)])
    assert len(outcome.enrolled) == 1
    assert len(everything(database, Enrollment)) == 1
    assert [row.kind for row in everything(database, Dispatch)] == ["start"]
    refusals = [one for one in everything(database, Decision) if one.what == "not_entered"]
    assert len(refusals) == 99
    assert refusals[0].detail["reason"] == "already_enrolled"


@pytest.mark.usefixtures("welcome")
def test_an_event_that_nobody_waits_for_makes_no_call(database: Database, take: Ingest) -> None:
    take(track("Page Closed"), track("Bought"))
    assert everything(database, Dispatch) == []


@pytest.mark.usefixtures("welcome")
def test_an_event_reaches_who_registered_for_it(database: Database, take: Ingest) -> None:
    take(track("Signed Up"))
    (enrollment,) = everything(database, Enrollment)
    with database.writing() as session:
        session.add(Interest(enrollment_id=enrollment.id, name="Bought", customer_id=enrollment.customer_id))
    take(track("Bought"), track("Something"))
    (started, poked) = everything(database, Dispatch)
    assert (started.kind, poked.kind, poked.payload, poked.enrollment_id) == ("start", "poke", {}, enrollment.id)


@pytest.mark.usefixtures("welcome")
def test_an_event_older_than_72_hours_only_counts(database: Database, take: Ingest, noon: datetime) -> None:
    take(track("Signed Up", timestamp=(noon - timedelta(hours=73)).isoformat()))
    assert everything(database, Enrollment) == []
    assert everything(database, Customer)[0].events["Signed Up"]["count"] == 1


def test_a_guard_that_keeps_somebody_out_is_on_record(
    database: Database, take: Ingest, publish: Callable[[str, str], None]
) -> None:
    publish("welcome", "journey: welcome\nenter: [{on: E, when: customer.plan == 'team'}]\nstart: a\nstages: {a: {}}")
    take(track("E"))
    (decision,) = everything(database, Decision)
    assert (decision.what, decision.detail["guards"]) == (
        "not_entered",
        [{"guard": "customer.plan == 'team'", "holds": False, "seen": {"customer.plan": None}}],
    )
    take(identify(plan="team"), track("E"))
    assert len(everything(database, Enrollment)) == 1


def test_a_trait_named_id_does_not_make_somebody_another(
    database: Database, take: Ingest, publish: Callable[[str, str], None]
) -> None:
    publish("welcome", "journey: welcome\nenter: [{on: E, when: customer.id == 'ann'}]\nstart: a\nstages: {a: {}}")
    take(identify(id="bob"), track("E"), identify("eve", id="ann"), track("E", "eve"))
    assert [one.customer_id for one in everything(database, Enrollment)] == [
        one.id for one in everything(database, Customer) if one.external_id == "ann"
    ]
    assert [known_facts.attributes(one)["id"] for one in everything(database, Customer)] == ["ann", "eve"]


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ("no object", ""),
        ({"type": "trakc", "userId": "a"}, "type"),
        ({"type": "track", "event": "E"}, "userId"),
        ({"type": "track", "userId": "a"}, "event"),
        ({"type": "track", "userId": "a", "event": " "}, "event"),
        ({"type": "track", "userId": ["a"], "event": "E"}, "userId"),
        ({"type": "track", "userId": "a", "event": "E", "properties": [1]}, "properties"),
        ({"type": "track", "userId": "a", "event": "E", "timestamp": "yesterday"}, "timestamp"),
        ({"type": "track", "userId": "a", "event": "E", "messageId": "x" * 101}, "messageId"),
        ({"type": "track", "userId": "a", "event": "E", "properties": {"x": float("nan")}}, "properties.x"),
        ({"type": "track", "userId": "a", "event": "E\0"}, "event"),
        ({"type": "track", "userId": "a", "event": "E", "properties": {"x": "\ud800"}}, "properties.x"),
        ({"type": "track", "userId": "a", "event": "E", "properties": {"x": 2**70}}, "properties.x"),
        ({"type": "track", "userId": "a", "event": "E", "properties": {"x": "y" * 33_000}}, ""),
    ],
)
def test_what_is_wrong_is_kept_with_its_reason_and_stops_nobody(
    database: Database, take: Ingest, item: Any, path: str
) -> None:
    outcome = take(item, track("Fine"))
    assert (outcome.accepted, [(index, one.path) for index, one in outcome.rejected]) == (1, [(0, path)])
    (rejection,) = everything(database, Rejection)
    assert (rejection.path, bool(rejection.reason)) == (path, True)
    assert [event.name for event in everything(database, Event)] == ["Fine"]


def test_deep_nesting_is_refused(take: Ingest) -> None:
    deep: Any = "x"
    for _ in range(30):
        deep = {"y": deep}
    assert "nests deeper" in take(track("E", properties=deep)).rejected[0][1].reason


def test_the_clients_wrong_clock_is_taken_out(database: Database, take: Ingest, noon: datetime) -> None:
    wrong = noon - timedelta(days=400)
    take(track("E", originalTimestamp=wrong.isoformat(), sentAt=(wrong + timedelta(minutes=5)).isoformat()))
    assert everything(database, Event)[0].at == noon - timedelta(minutes=5)


def test_an_anonymous_person_who_identifies_keeps_their_history(database: Database, take: Ingest) -> None:
    take({"type": "track", "anonymousId": "anon-1", "event": "Page Viewed"})
    take({"type": "identify", "anonymousId": "anon-1", "userId": "ann", "traits": {"email": "Ann@Example.com"}})
    (customer,) = everything(database, Customer)
    assert (customer.external_id, customer.anonymous_id, customer.email) == ("ann", "anon-1", "ann@example.com")
    assert customer.events["Page Viewed"]["count"] == 1


def test_aggregates_can_be_seen_as_they_were_at_an_event(database: Database, take: Ingest) -> None:
    """A guard on the fourth order must not see the fifth, though both are stored when it is asked."""
    take(*[track("Order", properties={"total": 10}) for _ in range(5)], track("Other"))
    with database.reading() as session:
        customer = session.exec(select(Customer)).one()
        assert known_facts.facts_of(session, customer).aggregates["Order"].count == 5
        then = known_facts.facts_of(session, customer, seq=4).aggregates["Order"]
        assert (then.count, then.sum) == (4, 40.0)
