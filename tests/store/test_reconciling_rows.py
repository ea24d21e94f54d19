"""One row of a table that matters is taken away or changed by hand: it is found, mended, and the next check finds nothing."""

import sqlite3
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from services.jobs import erasure
from services.messages.sending import sending_ledger
from services.messages.sending.claiming import OutgoingChannel, claim
from services.messages.sending.sending_ledger import AttemptResult
from services.reconciliation import event_facts, lost_rows
from store.queries.mails import message_bodies, messages
from store.queries.recounting import event_recounts
from store.session import Database
from store.statuses import MessageStatus
from store.tables.customers import Customer
from store.tables.enrollments import Decision, Enrollment
from store.tables.messages import Message, OutboxMail
from tests.conftest import Statements
from tests.store.mailed_shop import order
from tests.store.query_plans import is_bad, plan, watched
from tests.store.reconciled import reconciled
from tests.store.town import Town, put_segment

Publish = Callable[[str, str], None]
HOUR = timedelta(hours=1)
TOUR = """
journey: tour
enter: [{on: Signed Up}]
exit: [{on: Account Closed}]
goal: {on: Order Completed, within: 14 days}
defaults: {topic: news}
start: new
stages:
  new:
    steps:
      - split: {id: tip, variants: {a: {weight: 3, steps: [{send: mail_a}]}, b: {weight: 1, steps: [{send: mail_a}]}}}
      - webhook: https://example.com/x
      - {wait: 2 days}
      - {send: mail_b}
    transitions: [{on: Order Completed, to: buyer}]
  buyer:
    steps: [{send: mail_c}, {wait: 9 days}]
"""


@pytest.fixture
def lived(database: Database, publish: Publish, town: Town, noon: datetime) -> datetime:
    """Ann was mailed by the outbox and bought; Bob waits for his second mail. Returns an instant behind it."""
    publish("tour", TOUR)
    put_segment(town, "all", "has(customer.email)")
    for user in ("ann", "bob"):
        town.identify(user, email=f"{user}@example.com", plan="team")
        town.event("Signed Up", user)
    _mailed(database, noon)
    town.now = noon + HOUR
    town.happens(order("1"), order("2", 7))
    _mailed(database, town.now)
    assert reconciled(database, noon + 2 * HOUR) == {}
    return noon + 2 * HOUR


def _mailed(database: Database, now: datetime) -> None:
    """What is due goes to the outbox, and the ledger hears of it."""
    sent = [
        AttemptResult(send_id=one, status=MessageStatus.ACCEPTED, provider="outbox")
        for one in _handed_over(database, now)
    ]
    with database.writing() as session:
        sending_ledger.record(session, "f", sent, now)


def _handed_over(database: Database, now: datetime) -> Collection[str]:
    """What is due goes to the outbox."""
    with database.writing() as session:
        sending_ledger.take_over(session, "journey", "f", now)
        due = claim(session, "journey", "f", 9, now, OutgoingChannel(channel="outbox"))
        claimed = {one.send_id: one.attempt for one in due}
        whose = messages.freeze(session, claimed, "f", now)
        said = {"subject": "s", "html": "h", "text": "t", "urls": ["https://shop.example"]}
        message_bodies.keep(session, [{"message_id": one, "customer_id": whose[one], **said} for one in claimed], now)
        texts = dict.fromkeys(("to_address", "from_address", "subject", "html", "text"), "")
        for one in claimed:
            session.add(OutboxMail(id=f"box_{one}", send_id=one, received_at=now, **texts))
    return claimed


def _do(database: Database, statement: str) -> int:
    """As somebody does with a shell of the database, which need not mind foreign keys; how many rows that were."""
    if database.engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(database.engine.url.database or "")) as shell:
            count = shell.execute(statement).rowcount
            shell.commit()
            return count
    with database.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        return connection.execute(text(statement)).rowcount


ANN = "(SELECT id FROM customer WHERE external_id = 'ann')"
BOB = "(SELECT id FROM customer WHERE external_id = 'bob')"
CHANGES: dict[str, tuple[str, set[str]]] = {
    "event: one in the middle": (f"DELETE FROM event WHERE seq = 2 AND customer_id = {ANN}", {"event_lost"}),
    "event: the last": (f"DELETE FROM event WHERE seq = 4 AND customer_id = {ANN}", {"event_lost"}),
    "event: its name": (f"UPDATE event SET name = 'Typo' WHERE seq = 2 AND customer_id = {ANN}", {"event_count"}),
    "event: its owner": (f"UPDATE event SET customer_id = {BOB} WHERE seq = 4 AND customer_id = {ANN}", {"event_lost", "event_count", "event_number"}),
    "customer": ("DELETE FROM customer WHERE external_id = 'bob'", {"customer_lost"}),
    "customer: its facts": ("UPDATE customer SET events = '{}' WHERE external_id = 'ann'", {"event_count"}),
    "customer: its number": ("UPDATE customer SET seq = 1 WHERE external_id = 'ann'", {"event_number"}),
    "enrollment": (f"DELETE FROM enrollment WHERE customer_id = {BOB}", {"live_count"}),
    "enrollment: its stage": (f"UPDATE enrollment SET stage = 'buyer' WHERE customer_id = {BOB}", {"live_count"}),
    "decision: that somebody came": (f"DELETE FROM decision WHERE what = 'entered' AND customer_id = {BOB}", {"decision_lost"}),
    "decision: that somebody moved": ("DELETE FROM decision WHERE what = 'moved'", {"decision_lost", "movement_count"}),
    "decision: a variant": (f"DELETE FROM decision WHERE what = 'assigned' AND customer_id = {BOB}", {"decision_lost"}),
    "decision: a plan": (f"DELETE FROM decision WHERE what = 'planned' AND customer_id = {BOB}", {"decision_lost"}),
    "interest": (f"DELETE FROM interest WHERE name = 'Order Completed' AND customer_id = {BOB}", {"wrong_interest"}),
    "interest: its name": (f"UPDATE interest SET name = 'x' WHERE name = 'Account Closed' AND customer_id = {BOB}", {"wrong_interest"}),
    "message": (f"DELETE FROM message WHERE customer_id = {BOB} AND status = 'accepted'", {"message_count"}),
    "message: its status": (f"UPDATE message SET status = 'planned' WHERE customer_id = {BOB}", {"mail_went_unrecorded", "message_count"}),
    "message_body": (f"DELETE FROM message_body WHERE customer_id = {BOB}", {"mail_without_body"}),
    "assignment": (f"DELETE FROM assignment WHERE customer_id = {BOB}", {"variant_count"}),
    "stage_count": ("DELETE FROM stage_count WHERE stage = 'buyer'", {"live_count"}),
    "run_count": ("DELETE FROM run_count WHERE name = 'converted'", {"conversion_count"}),
    "movement": ("DELETE FROM movement WHERE source = 'new'", {"movement_count", "stay_seconds"}),
    "day_count": ("DELETE FROM day_count WHERE name = 'moved'", {"day_count"}),
    "message_count": ("DELETE FROM message_count WHERE status = 'accepted'", {"message_count"}),
    "message_day_count": ("DELETE FROM message_day_count WHERE status = 'accepted'", {"message_day_count"}),
    "mail_result": ("DELETE FROM mail_result WHERE what = 'sent'", {"mail_result_count"}),
    "mail_outcome": ("DELETE FROM mail_outcome", {"mail_result_count"}),
    "revenue_sum": ("DELETE FROM revenue_sum", {"variant_buyer_count", "variant_revenue"}),
}  # fmt: skip
"""What is done, and what is to be found of it, at least."""


@pytest.mark.parametrize("change", CHANGES)
def test_a_row_that_is_changed_by_hand_is_found_and_mended(database: Database, lived: datetime, change: str) -> None:
    statement, expected = CHANGES[change]
    assert _do(database, statement) > 0
    found = reconciled(database, lived)
    assert expected <= set(found)
    assert reconciled(database, lived) == found, "a check changes nothing"
    reconciled(database, lived, repair=True)
    reconciled(database, lived, repair=True)  # one that follows from another
    assert reconciled(database, lived) == {}


FOR_A_PERSON = {
    "outbox_mail": (f"DELETE FROM outbox_mail WHERE send_id IN (SELECT id FROM message WHERE customer_id = {BOB})", "mail_not_caught"),
}  # fmt: skip


@pytest.mark.parametrize("change", FOR_A_PERSON)
def test_what_nobody_can_mend_is_told_until_a_person_has_looked(
    database: Database, lived: datetime, change: str
) -> None:
    statement, kind = FOR_A_PERSON[change]
    assert _do(database, statement) == 1
    assert reconciled(database, lived, repair=True) == {kind: (1, 0)} == reconciled(database, lived)


NOT_FOUND = {
    "customer: its attributes": "UPDATE customer SET attributes = '{}' WHERE external_id = 'ann'",
    "event: what it says": "UPDATE event SET properties = '{}' WHERE seq = 3",
    "alias": "DELETE FROM alias",
    "hook": "DELETE FROM hook",
    "consent": "DELETE FROM consent",
    "suppression": "DELETE FROM suppression",
}
"""What stands in one place alone (docs/operate.md says so): it cannot be compared with anything."""


@pytest.mark.parametrize("change", NOT_FOUND)
def test_what_stands_in_one_place_alone_no_check_can_find(database: Database, lived: datetime, change: str) -> None:
    _do(database, NOT_FOUND[change])
    assert reconciled(database, lived) == {}


def test_a_lost_event_is_put_on_record_and_what_is_counted_of_it_stays(database: Database, lived: datetime) -> None:
    _do(database, f"DELETE FROM event WHERE name = 'Signed Up' AND customer_id = {ANN}")
    assert reconciled(database, lived, repair=True) == {"event_lost": (1, 1)}
    with database.reading() as session:
        (told,) = session.exec(select(Decision).where(Decision.what == "events_lost")).all()
        ann = session.exec(select(Customer).where(Customer.external_id == "ann")).one()
    assert told.customer_id == ann.id
    assert told.detail == {"event": "Signed Up", "count": 1}
    assert ann.events["Signed Up"]["count"] == 1
    _do(database, f"DELETE FROM event WHERE name = 'Identify' AND customer_id = {ANN}")
    assert reconciled(database, lived, repair=True) == {"event_lost": (1, 1)}, "another one is found beside it"


def test_facts_that_count_too_much_are_counted_anew(database: Database, lived: datetime) -> None:
    """Nobody ever had so many events: their numbers say so."""
    with database.writing() as session:
        ann = session.exec(select(Customer).where(Customer.external_id == "ann")).one()
        true = dict(ann.events)
        ann.events = {**true, "Signed Up": {**true["Signed Up"], "count": 4}}
    assert reconciled(database, lived, repair=True) == {"event_count": (3, 3)}
    with database.reading() as session:
        assert session.get_one(Customer, ann.id).events == true


def test_two_who_became_one_and_whoever_is_being_erased_miss_no_event(
    database: Database, lived: datetime, town: Town
) -> None:
    town.happens(*({"type": "track", "anonymousId": "a1", "event": name} for name in "xyxzxxxxx"))
    town.happens({"type": "alias", "userId": "ann", "previousId": "a1"})
    with database.reading() as session:
        ann = session.exec(select(Customer).where(Customer.external_id == "ann")).one()
        assert ann.seq > sum(one["count"] for one in ann.events.values()), "its numbers have holes"
    assert reconciled(database, lived) == {}
    phases = [erasure.PHASES[name] for name in list(erasure.PHASES)[:2]]
    for phase in phases:
        database.write(lambda session, phase=phase: phase(session, ann.id, lived))
    _do(database, "DELETE FROM dispatch")
    assert not {"event_lost", "event_count", "customer_lost"} & set(reconciled(database, lived))


def test_an_enrollment_is_registered_anew_and_looks_at_what_it_has_not_heard(
    database: Database, lived: datetime, town: Town
) -> None:
    _do(database, f"DELETE FROM interest WHERE customer_id = {BOB}")
    town.event("Order Completed", "bob")
    assert town.stages("tour") == ["buyer", "new"], "nobody woke him"
    assert reconciled(database, lived, repair=True)["wrong_interest"] == (2, 2)
    town.settle()
    assert town.stages("tour") == ["buyer", "buyer"]


def test_a_customer_is_made_again_of_what_their_events_tell(database: Database, lived: datetime) -> None:
    def seen(session: Session) -> list[Any]:
        bob = session.get_one(Customer, customer_id)
        return [bob.email, bob.attributes, bob.events, bob.purchases, bob.seq]

    with database.reading() as session:
        customer_id = session.exec(select(Customer.id).where(Customer.external_id == "bob")).one()
        before = seen(session)
    _do(database, "DELETE FROM customer WHERE external_id = 'bob'")
    assert reconciled(database, lived, repair=True) == {"customer_lost": (1, 1)}
    with database.reading() as session:
        assert seen(session) == before


@pytest.mark.parametrize("status", ["unknown", "planned", "deferred"])
def test_an_accepted_mail_that_is_called_otherwise_is_accepted_by_what_the_outbox_has(
    database: Database, lived: datetime, status: str
) -> None:
    """Whatever the ledger calls it, it went; so it is never sent again."""
    assert _do(database, f"UPDATE message SET status = '{status}', accepted_at = NULL WHERE customer_id = {BOB}") == 1
    assert reconciled(database, lived, repair=True)["mail_went_unrecorded"] == (1, 1)
    with database.reading() as session:
        bob = session.exec(select(Customer.id).where(Customer.external_id == "bob")).one()
        assert [one.status for one in session.exec(select(Message).where(Message.customer_id == bob))] == ["accepted"]
    reconciled(database, lived, repair=True)
    assert reconciled(database, lived) == {}


def test_a_mail_of_which_its_lane_still_asks_is_no_difference_yet(
    database: Database, lived: datetime, town: Town
) -> None:
    """A worker died between the provider's yes and the record; the next one asks of what it left, every minute or so."""
    town.identify("eve", email="eve@example.com")
    town.event("Signed Up", "eve")
    assert len(_handed_over(database, lived)) == 1
    with database.writing() as session:
        assert sending_ledger.take_over(session, "journey", "next", lived) == 1
    assert reconciled(database, lived + timedelta(minutes=59)) == {}
    assert reconciled(database, lived + timedelta(minutes=61), repair=True) == {"mail_went_unrecorded": (1, 1)}


def test_customers_who_are_gone_are_found_between_those_who_are_there(
    database: Database, lived: datetime, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_facts, "PAGE", 2)
    for number in range(7):
        town.event("Signed Up", f"more{number}")
    gone = _do(database, "DELETE FROM customer WHERE external_id IN ('more1', 'more2', 'more3', 'more4', 'bob')")
    assert reconciled(database, lived)["customer_lost"] == (gone, 0)
    assert reconciled(database, lived, repair=True)["customer_lost"] == (gone, gone)
    assert reconciled(database, lived) == {}


def test_what_is_being_written_while_it_is_compared_is_no_difference(
    database: Database, lived: datetime, town: Town
) -> None:
    """Each page is compared in one state of the database, and whatever belongs together is written together."""

    def live() -> None:
        for number in range(4):
            user = {"userId": f"more{number}"}
            town.identify(user["userId"], email=f"more{number}@example.com")
            town.event("Signed Up", f"more{number}")
            _mailed(database, lived)
            town.happens({"type": "track", "anonymousId": f"a{number}", "event": "Order Completed", "properties": {}})
            town.happens({"type": "alias", **user, "previousId": f"a{number}"})

    looks, pages = (lost_rows.wrong_interests, lost_rows.lost_decisions, lost_rows.mails_without_body), 0
    with ThreadPoolExecutor(1) as pool:
        living = pool.submit(live)
        while not living.done():
            with database.reading() as session:
                assert [*event_facts.missed_page(session, "")[2], *event_facts.wrong_page(session, "")[2]] == []
                assert [found for look in looks for found in look(session, "").found] == []
            pages += 1
    living.result()
    assert pages > 1
    assert reconciled(database, lived) == {}


@pytest.mark.parametrize("repair", [lost_rows.register_anew, lost_rows.put_lost_on_record])
def test_who_mends_an_enrollment_holds_its_customer_first_as_a_wake_does(
    database: Database, lived: datetime, repair: Callable[[Session, Collection[str], datetime], int]
) -> None:
    with database.writing() as session, watched(database) as asked:
        repair(session, session.exec(select(Enrollment.id)).all(), lived)
    held = [statement.partition("FROM ")[2].split()[0] for statement, _ in asked if "FOR UPDATE" in statement]
    assert held[:2] == {"sqlite": [], "postgresql": ["customer", "enrollment"]}[database.engine.dialect.name]


@pytest.mark.parametrize("people", [2, 12])
def test_a_page_of_customers_and_one_of_enrollments_take_as_many_statements_as_there_are_pages(
    database: Database, lived: datetime, town: Town, statements: Statements, people: int
) -> None:
    for number in range(people - 2):
        town.event("Signed Up", f"more{number}")
    with database.reading() as session, statements(database, at_most=17):
        assert event_facts.missed_page(session, "") == (None, people, [])
        assert event_facts.wrong_page(session, "")[1] == people
        assert lost_rows.mails_without_body(session, "").count == people + 1
        assert lost_rows.wrong_interests(session, "").count == people
        assert lost_rows.lost_decisions(session, "").count == people


def test_what_is_compared_is_asked_for_by_indexes(database: Database, lived: datetime) -> None:
    with database.reading() as session, watched(database) as asked:
        event_facts.missed_page(session, "")
        event_recounts.missed(session, "a", "b", 200)
        event_facts.wrong_page(session, "")
        lost_rows.wrong_interests(session, "")
        lost_rows.lost_decisions(session, "")
        lost_rows.mails_without_body(session, "")
    with database.reading() as session:
        steps = [(step, statement) for statement, given in asked for step in plan(session, statement, given)]
    assert [one for one in steps if is_bad(*one)] == []
