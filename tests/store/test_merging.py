"""Two profiles turn out to be one person: events, attributes, consents and runs become the known one's."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from services.feedback.answers import unsubscribing
from services.ingestion import merging
from services.ingestion.ingest import IngestResult
from services.reports.customer import customer_view
from store.queries.consent import consents
from store.queries.feedback import survey_answers
from store.queries.identity import customers
from store.queries.listing import lists
from store.queries.listing.lists import Slice
from store.queries.mails import messages
from store.session import Database
from store.tables.customers import Alias, Customer, Event
from store.tables.enrollments import ControlRequest, Decision, Dispatch, Enrollment, Interest
from store.tables.surveys import SurveyAnswer
from tests.blocked import wait_until_blocked
from tests.shells import Shell

Ingest = Callable[..., IngestResult]

OTHER = """
journey: other
enter: [{on: Looked}]
start: looking
stages:
  looking:
    steps: [{wait: 5 days}]
    transitions: [{on: Bought, when: event.properties.total > 10, to: done}]
  done: {final: true}
"""


def track(event: str, **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, **more}


def rows(database: Database, table: Any) -> list[Any]:
    with database.reading() as session:
        return list(session.exec(select(table).order_by(*table.__table__.primary_key.columns)).all())


def test_an_anonymous_profile_that_becomes_known_keeps_its_row(database: Database, take: Ingest) -> None:
    take(track("Viewed", anonymousId="a1"))
    take({"type": "identify", "userId": "ann", "anonymousId": "a1", "traits": {"email": "ann@example.com"}})
    (customer,) = rows(database, Customer)
    assert (customer.external_id, customer.anonymous_id, set(customer.events)) == ("ann", "a1", {"Viewed", "Identify"})


def test_an_anonymous_profile_merges_into_the_known_one(database: Database, take: Ingest, noon: datetime) -> None:
    early = noon - timedelta(days=3)
    take({"type": "identify", "userId": "ann", "traits": {"plan": "pro", "email": "ann@example.com"}})
    take({"type": "identify", "anonymousId": "a1", "traits": {"plan": "free", "colour": "red"}}, at=early)
    take(track("Bought", anonymousId="a1", properties={"total": 7}), at=early)
    take(track("Bought", userId="ann", properties={"total": 5}))
    take({"type": "identify", "userId": "ann", "anonymousId": "a1"})
    (customer,) = rows(database, Customer)
    assert customer.attributes == {"plan": "pro", "colour": "red", "email": "ann@example.com"}
    assert (customer.events["Bought"]["count"], customer.events["Bought"]["sum"]) == (2, 12)
    assert customer.created_at == early
    events = [(one.seq, one.name, one.customer_id) for one in rows(database, Event)]
    assert len(events) == 5
    assert {owner for _, _, owner in events} == {customer.id}
    assert customer.seq == max(seq for seq, _, _ in events)
    take(track("Viewed", anonymousId="a1"))
    assert len(rows(database, Customer)) == 1, "the anonymous id leads to the known profile from now on"


def test_a_further_anonymous_id_is_remembered(database: Database, take: Ingest) -> None:
    for visitor in ("a1", "a2", "a3"):
        take(track("Viewed", userId="ann", anonymousId=visitor))
        take(track("Viewed", anonymousId=visitor))
    (customer,) = rows(database, Customer)
    assert (customer.anonymous_id, [one.value for one in rows(database, Alias)]) == ("a1", ["a2", "a3"])


def test_a_shared_device_joins_nobody(database: Database, take: Ingest) -> None:
    take({"type": "identify", "userId": "ann", "anonymousId": "tablet"})
    take({"type": "identify", "userId": "bob", "anonymousId": "tablet"})
    assert {one.external_id for one in rows(database, Customer)} == {"ann", "bob"}


def test_alias_merges_two_profiles_and_the_former_id_leads_to_the_one(database: Database, take: Ingest) -> None:
    take(track("Viewed", userId="ann@old"))
    take(track("Viewed", userId="ann"))
    take({"type": "alias", "userId": "ann", "previousId": "ann@old"})
    take(track("Viewed", userId="ann@old"))
    (customer,) = rows(database, Customer)
    assert (customer.external_id, customer.events["Viewed"]["count"]) == ("ann", 3)


def test_alias_of_an_id_never_seen_leads_to_the_one(database: Database, take: Ingest) -> None:
    take({"type": "alias", "userId": "ann", "previousId": "visitor-9"})
    take(track("Viewed", anonymousId="visitor-9"))
    (customer,) = rows(database, Customer)
    assert customer.external_id == "ann"


def test_a_merge_within_one_batch_keeps_every_event(database: Database, take: Ingest) -> None:
    take(
        track("Viewed", userId="ann"),
        track("Viewed", anonymousId="a1"),
        track("Viewed", anonymousId="a1"),
        {"type": "identify", "userId": "ann", "anonymousId": "a1"},
        track("Viewed", anonymousId="a1"),
    )
    (customer,) = rows(database, Customer)
    assert customer.events["Viewed"]["count"] == 4
    assert len({one.seq for one in rows(database, Event)}) == 5


def test_the_later_word_about_a_topic_holds(database: Database, take: Ingest, noon: datetime) -> None:
    take(track("Viewed", userId="ann"), track("Viewed", anonymousId="a1"))
    visitor = next(one for one in rows(database, Customer) if one.anonymous_id)
    with database.writing() as session:
        unsubscribing.unsubscribe(session, visitor.id, "news", "test", noon)
    take({"type": "identify", "userId": "ann", "anonymousId": "a1"})
    with database.reading() as session:
        said = consents.of_customer(session, customer_view.customer(session, "ann").id)
        assert [(one.topic, one.granted) for one in said] == [("news", False)]


@pytest.mark.usefixtures("welcome")
def test_where_both_run_the_known_ones_run_stays(database: Database, take: Ingest, noon: datetime) -> None:
    take(track("Signed Up", anonymousId="a1"))
    take(track("Signed Up", userId="ann"))
    take({"type": "identify", "userId": "ann", "anonymousId": "a1"})
    first, second = rows(database, Enrollment)
    left = [(one.enrollment_id, one.verb, one.reason, one.customer_id) for one in rows(database, ControlRequest)]
    assert left == [(first.id, "exit", "merged", second.customer_id)]
    assert [one.enrollment_id for one in rows(database, Dispatch) if one.kind == "poke"] == [first.id]
    assert (first.run, second.run, first.customer_id) == (1, 2, second.customer_id)
    assert rows(database, Interest) == []
    with database.reading() as session:
        assert customer_view.customer(session, "ann").events["Signed Up"]["count"] == 2


def test_a_run_of_the_anonymous_one_alone_goes_on_as_the_known_ones(
    database: Database, publish: Callable[[str, str], None], take: Ingest, noon: datetime
) -> None:
    publish("other", OTHER)
    take(track("Bought", userId="ann", properties={"total": 99}), track("Page", userId="ann"))
    take(track("Looked", anonymousId="a1"))
    (run,) = rows(database, Enrollment)
    shell = Shell(database, run)
    shell.wake(noon)
    take(track("Bought", anonymousId="a1", properties={"total": 2}))
    take({"type": "identify", "userId": "ann", "anonymousId": "a1"})
    (moved,) = rows(database, Enrollment)
    ann = next(one for one in rows(database, Customer))
    assert (moved.id, moved.workflow_id, moved.customer_id) == (run.id, run.workflow_id, ann.id)
    woken = shell.wake(noon)
    assert [one.kind for one in woken.inputs] == ["merged", "event"], "neither the known one's own past comes again"
    assert shell.state.stage == "looking"
    take(track("Bought", userId="ann", properties={"total": 30}))
    pokes = [one for one in rows(database, Dispatch) if one.kind == "poke"]
    assert pokes[-1].enrollment_id == run.id, "an event of the known one reaches the run"
    shell.wake(noon)
    assert shell.state.stage == "done"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_wake_that_waited_for_a_merge_is_the_known_ones(
    database: Database, publish: Callable[[str, str], None], take: Ingest, noon: datetime
) -> None:
    publish("other", OTHER)
    take(track("Page", userId="ann"), track("Looked", anonymousId="a1"))
    (run,) = rows(database, Enrollment)
    shell = Shell(database, run)
    wakes = threading.Thread(target=shell.wake, args=[noon])
    ann = next(one.id for one in rows(database, Customer) if one.id != run.customer_id)
    with database.writing() as session:
        both = {one.id: one for one in customers.lock_all(session, [ann, run.customer_id])}
        merging.merge(session, both[run.customer_id], both[ann], noon)
        wakes.start()
        wait_until_blocked(database)
    wakes.join(60)
    assert shell.state.stage == "looking"
    entered = [one.customer_id for one in rows(database, Decision) if one.what == "entered"]
    assert (entered, {one.customer_id for one in rows(database, Interest)}) == ([ann], {ann})


def test_what_nobody_had_worked_off_at_the_merge_comes_all_the_same(
    database: Database, publish: Callable[[str, str], None], take: Ingest, noon: datetime
) -> None:
    """Before its first wake, even: the workflow was started with the numbers of the anonymous profile."""
    publish("other", OTHER)
    take(*(track("Bought", userId="ann", properties={"total": 50}) for _ in range(5)))
    take(track("Looked", anonymousId="a1"))
    shell = Shell(database, rows(database, Enrollment)[0])
    take(track("Bought", anonymousId="a1", properties={"total": 20}))
    take({"type": "identify", "userId": "ann", "anonymousId": "a1"})
    woken = shell.wake(noon)
    assert [one.kind for one in woken.inputs] == ["merged", "begin", "event"]
    assert shell.state.stage == "done"


def test_mail_and_timeline_are_the_known_ones(database: Database, take: Ingest, noon: datetime) -> None:
    take(track("Viewed", userId="ann"), track("Viewed", anonymousId="a1"))
    visitor = next(one for one in rows(database, Customer) if one.anonymous_id)
    with database.writing() as session:
        row = messages.row("m", visitor.id, template="t", topic="t", lane="journey", due=noon, now=noon, journey="j")
        messages.add(session, [row])
    take({"type": "identify", "userId": "ann", "anonymousId": "a1"})
    with database.reading() as session:
        ann = customer_view.customer(session, "ann")
        assert [one.id for one in lists.messages(session, Slice(), customer_id=ann.id)[0]] == ["m"]
        assert "merged" in [one["what"] for one in customer_view.timeline(session, ann.id)[0]]
        assert session.exec(select(Customer).where(col(Customer.id) == visitor.id)).first() is None


def test_what_the_anonymous_one_answered_is_the_known_ones_and_counts_once(
    database: Database, take: Ingest, noon: datetime
) -> None:
    take(track("Viewed", userId="ann"), track("Viewed", anonymousId="a1"))
    both = rows(database, Customer)
    with database.writing() as session:
        for one in both:
            session.add(
                SurveyAnswer(
                    message_id=f"of {one.id}",
                    survey="nps",
                    customer_id=one.id,
                    score=9,
                    label="promoter",
                    at=noon,
                    changed_at=noon,
                )  # fmt: skip
            )
    take({"type": "identify", "userId": "ann", "anonymousId": "a1"})
    with database.reading() as session:
        ann = customer_view.customer(session, "ann")
        assert [one.customer_id for one in session.exec(select(SurveyAnswer)).all()] == [ann.id, ann.id]
        (counted,) = survey_answers.counted(session, "nps", None)
    assert (counted.answers, counted.total) == (2, 18)
