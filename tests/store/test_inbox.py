"""One inbox is one inbox: what concerns an address is kept by it, whichever of its customers it comes by."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from mail.providers.events import EventKind, Feedback
from mail.providers.sendgrid import events as sendgrid
from services.customers.consent_in_force import ConsentsInForce
from services.definitions import broadcasts
from services.feedback.answers import consents, preferences, unsubscribing
from services.feedback.returns import delivery_events
from services.imports.records import import_lines
from services.ingestion.ingest import IngestResult
from services.installation import installation_settings
from services.installation.installation_settings import CapIn, InstallationSettings
from services.jobs import erasure
from services.jobs.mails import plan_broadcast
from services.messages.sending import claiming, sending_ledger
from services.operations import operations, uploads
from services.reports.customer import customer_view
from services.upkeep.clocks import broadcast_clock
from store import addresses
from store.queries.enrollment import enrollments
from store.session import Database
from store.tables.customers import AddressConsent, Event, Suppression
from store.tables.definitions import Topic
from store.tables.enrollments import Decision
from store.tables.messages import Message
from tests.shells import Shell
from tests.store.broadcast_desk import AB, Desk

Ingest = Callable[..., IngestResult]

FORMS = {
    "Same.Person@Example.COM": "same.person@example.com",
    "  ann@example.com ": "ann@example.com",
    "Ann@BÜCHER.example": "ann@bücher.example",
    "ann@xn--bcher-kva.example": "ann@bücher.example",
    "ann@bu\u0308cher.example": "ann@bücher.example",
    "jo\u0308rg@example.com": "jörg@example.com",
    "ann@stra\u00dfe.example": "ann@straße.example",
    "ann+tag@example.com": "ann+tag@example.com",
    "ann@xn--\u00fc.example": "ann@xn--ü.example",
    "no address": "no address",
}


@pytest.mark.parametrize("written", FORMS)
def test_an_address_has_one_form(written: str) -> None:
    assert addresses.normal(written) == FORMS[written]
    assert addresses.normal(addresses.normal(written)) == FORMS[written]


def person(database: Database, name: str) -> str:
    with database.reading() as session:
        return customer_view.customer(session, name).id


def rows(database: Database, table: Any, *where: Any) -> list[Any]:
    with database.reading() as session:
        return list(session.exec(select(table).where(*where)).all())


@pytest.fixture
def twins(desk: Desk) -> Desk:
    """Two customers with one address, differently written."""
    desk.people("dup1", email="same.person@example.com")
    desk.people("dup2", email="Same.Person@EXAMPLE.com")
    return desk


def test_a_broadcast_goes_to_an_inbox_once(twins: Desk) -> None:
    twins.put()
    twins.send()
    assert twins.deliver() == [("same.person", "spring")]
    assert twins.ledger() == {"accepted": 1, "skipped repeated": 1}


def test_what_one_left_by_a_link_the_inbox_has_left(twins: Desk) -> None:
    twins.put()
    twins.send()
    twins.deliver()
    (went,) = [one for one in twins.messages() if one.status == "accepted"]
    with twins.database.writing() as session:
        unsubscribing.unsubscribe(session, went.customer_id, "news", "link", twins.at, went.id)
    twins.put("summer", template="summer")
    twins.send("summer")
    assert twins.deliver() == []
    assert twins.ledger() == {"accepted": 1, "skipped repeated": 1, "skipped unsubscribed": 2}
    told = [one.detail["said"] for one in rows(twins.database, Decision) if one.detail.get("reason") == "unsubscribed"]
    assert told == [{"source": "link", "at": twins.at.isoformat(), "customer": went.customer_id}] * 2


def test_a_no_that_comes_between_planning_and_sending_binds_the_other_too(twins: Desk) -> None:
    twins.put()
    twins.send()
    (planned,) = [one for one in twins.messages() if one.status == "planned"]
    other = next(one.customer_id for one in twins.messages() if one.id != planned.id)
    with twins.database.writing() as session:
        consents.record(session, other, "*", False, "phone", twins.at, twins.at)
    assert twins.deliver() == []


def test_a_consent_that_names_the_address_holds_for_both(twins: Desk, noon: datetime) -> None:
    file = "userId,topic,granted\nsame.person@example.com,news,no\n"
    with twins.database.writing() as session:
        operation = operations.start(session, "import", {"kind": "consents", "format": "csv"}, noon)
        uploads.keep(session, operation.id, 0, file.encode())
        operations.begin(session, operation.id, noon)
    for page in import_lines.pages(twins.database, operation, lambda: noon):
        with twins.database.writing() as session:
            operations.advance(session, operation.id, page)
    twins.put()
    twins.send()
    assert twins.ledger() == {"skipped unsubscribed": 2}


def in_force(database: Database, name: str, topic: str = "news") -> bool | None:
    with database.reading() as session:
        customer = customer_view.customer(session, name)
        return (
            ConsentsInForce(session, [customer.id], [customer.email or ""])
            .of(customer.id, customer.email, topic)
            .granted
        )


def says(database: Database, name: str, granted: bool, at: datetime, topic: str = "news") -> None:
    who = person(database, name)
    database.write(lambda session: consents.record(session, who, topic, granted, "test", at, at))


def test_of_what_an_inbox_says_the_later_holds_and_a_yes_is_whose_it_is(twins: Desk, noon: datetime) -> None:
    hour, database = timedelta(hours=1), twins.database
    says(database, "dup1", False, noon)
    assert (in_force(database, "dup1"), in_force(database, "dup2")) == (False, False)
    says(database, "dup2", True, noon + hour)
    assert (in_force(database, "dup1"), in_force(database, "dup2")) == (True, True)
    says(database, "dup1", False, noon - hour)
    assert (in_force(database, "dup1"), in_force(database, "dup2")) == (True, True), "an older word is heard late"
    says(database, "dup1", False, noon + 2 * hour)
    assert (in_force(database, "dup1"), in_force(database, "dup2")) == (False, False)
    twins.people("dup3", email="same.person@example.com")
    says(database, "dup2", True, noon + 3 * hour)
    assert in_force(database, "dup3") is None, "nobody else's yes is theirs"


def test_a_no_goes_along_to_another_address_and_stays_at_the_old_one(twins: Desk, take: Ingest, noon: datetime) -> None:
    says(twins.database, "dup1", False, noon)
    take({"type": "identify", "userId": "dup1", "traits": {"email": "new@example.com"}})
    assert (in_force(twins.database, "dup1"), in_force(twins.database, "dup2")) == (False, False)


def test_the_preference_page_shows_what_holds_for_the_inbox_and_changes_it(twins: Desk) -> None:
    twins.put()
    twins.send()
    twins.deliver()
    (went,) = [one for one in twins.messages() if one.status == "accepted"]
    other = next(one.customer_id for one in twins.messages() if one.id != went.id)
    says(twins.database, "dup2" if other == person(twins.database, "dup2") else "dup1", False, twins.at)

    def shown(session: Session) -> list[tuple[str, bool]]:
        return [(one.topic, one.on) for one in preferences.choices(session, went.customer_id, went.id)]

    later = twins.at + timedelta(minutes=1)
    with twins.database.writing() as session:
        assert shown(session) == [("news", False)]
        preferences.choose(session, went.customer_id, {"news"}, went.id, later)
        session.flush()
        assert shown(session) == [("news", True)]


# -- reports concern the address that a mail went to -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bounced", "complained"])
@pytest.mark.usefixtures("welcome")
def test_a_report_of_the_old_address_leaves_the_new_one_alone(
    database: Database, take: Ingest, noon: datetime, kind: EventKind
) -> None:
    take({"type": "identify", "userId": "bnc1", "traits": {"email": "typo@exmaple.test"}})
    mail = first_mail(database, take, noon, "bnc1")
    take({"type": "identify", "userId": "bnc1", "traits": {"email": "right@example.com"}})
    report = Feedback(send_id=mail.id, kind=kind, at=noon + timedelta(minutes=5), name="e1")
    database.write(lambda session: delivery_events.take(session, [report], "sendgrid", noon + timedelta(minutes=6)))
    assert [one.email for one in rows(database, Suppression)] == ["typo@exmaple.test"]
    assert rows(database, Message)[0].email == "typo@exmaple.test"


@pytest.mark.usefixtures("welcome")
def test_a_topic_that_was_left_at_the_provider_is_joined_again_there(
    database: Database, take: Ingest, noon: datetime
) -> None:
    take({"type": "identify", "userId": "grp1", "traits": {"email": "ann@example.com"}})
    mail = first_mail(database, take, noon, "grp1")
    for minute, said in enumerate(("group_unsubscribe", "group_resubscribe"), start=1):
        at = noon + timedelta(minutes=minute)
        report = sendgrid.read({"event": said, "send_id": mail.id, "timestamp": int(at.timestamp())})
        assert report is not None
        database.write(lambda session, one=report: delivery_events.take(session, [one], "sendgrid", one.at))
        (consent,) = rows(database, AddressConsent)
        assert (consent.email, consent.topic, consent.granted) == (mail.email, mail.topic, minute == 2)
    heard = [one.name for one in rows(database, Event) if one.name.startswith(("Message", "Sub", "Unsub"))]
    assert sorted(heard) == ["Message Resubscribed", "Message Unsubscribed", "Subscribed", "Unsubscribed"]
    assert rows(database, Message)[0].delivery == "unsubscribed", "the mail itself was left by"


def first_mail(database: Database, take: Ingest, noon: datetime, user: str) -> Message:
    """Sign up; the welcome journey's first mail is claimed by its lane."""
    take({"type": "track", "userId": user, "event": "Signed Up"})
    with database.reading() as session:
        (run,) = customer_runs(session, user)
    Shell(database, run).wake(noon)
    with database.writing() as session:
        sending_ledger.take_over(session, "journey", "f", noon)
        (claimed,) = claiming.claim(session, "journey", "f", 10, noon)
        return session.get_one(Message, claimed.send_id)


def customer_runs(session: Session, user: str) -> Any:
    return enrollments.of_customer(session, customer_view.customer(session, user).id)


@pytest.mark.usefixtures("welcome")
def test_a_mail_goes_to_the_address_that_was_planned_with_it(database: Database, take: Ingest, noon: datetime) -> None:
    take({"type": "identify", "userId": "ann", "traits": {"email": "first@example.com"}})
    take({"type": "track", "userId": "ann", "event": "Signed Up"})
    with database.reading() as session:
        (run,) = customer_runs(session, "ann")
    Shell(database, run).wake(noon)
    take({"type": "identify", "userId": "ann", "traits": {"email": "second@example.com"}})
    with database.writing() as session:
        sending_ledger.take_over(session, "journey", "f", noon)
        assert [one.to for one in claiming.claim(session, "journey", "f", 10, noon)] == ["first@example.com"]


@pytest.mark.parametrize("tested", [False, True], ids=["variants", "a test of variants"])
def test_of_several_variants_an_inbox_gets_one(twins: Desk, tested: bool) -> None:
    variants = {"a": {"template": "spring"}, "b": {"template": "summer"}}
    twins.people(*(f"u{number:02}" for number in range(12)), email="same.person@example.com")
    twins.put(**AB) if tested else twins.put(template=None, variants=variants)
    twins.send()
    went = twins.deliver()
    if tested:
        twins.do(broadcasts.choose_winner, "spring", "b")
        twins.ticks()
        went += twins.deliver()
    assert [name for name, _ in went] == ["same.person"]
    assert twins.ledger() == {"accepted": 1, "skipped repeated": 13}


def test_a_preview_counts_an_inbox_once_over_all_of_its_pages(twins: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_broadcast, "PAGE", 1)
    twins.people("dup3", email="same.person@example.com")
    twins.people("other")
    twins.put()
    with twins.database.writing() as session:
        preview = operations.start(session, broadcast_clock.PREVIEW, {"broadcast": "spring"}, twins.at)
    told = twins.run(preview)
    assert (told["recipients"], told["skipped"]) == (2, {"repeated": 2})
    twins.send()
    assert twins.ledger() == {"planned": 2, "skipped repeated": 2}, "as it then goes"


def test_a_preview_counts_the_first_profile_that_may_be_written_to(
    twins: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_broadcast, "PAGE", 1)
    with twins.database.writing() as session:
        session.merge(Topic(key="news", consent="opt_in", created_at=twins.at, updated_at=twins.at))
    says(twins.database, "dup2", True, twins.at)
    twins.put()
    with twins.database.writing() as session:
        preview = operations.start(session, broadcast_clock.PREVIEW, {"broadcast": "spring"}, twins.at)
    told = twins.run(preview)
    assert (told["recipients"], told["skipped"]) == (1, {"no_consent": 1})


# -- stages that are not to be written to ------------------------------------------------------------------------------

GONE = """
journey: life
enter: [{on: Left}]
start: gone
stages:
  gone: {mailable: false}
"""


def test_a_stage_that_is_not_to_be_written_to_binds_the_inbox(twins: Desk, take: Ingest, publish: Any) -> None:
    publish("life", GONE)
    take({"type": "track", "userId": "dup1", "event": "Left"})
    with twins.database.reading() as session:
        (run,) = customer_runs(session, "dup1")
    Shell(twins.database, run).wake(twins.at)
    twins.people("other")
    twins.put()
    twins.send()
    assert twins.deliver() == [("other", "spring")]
    assert twins.ledger() == {"accepted": 1, "skipped not_mailable": 2}
    told = {one.customer_id: one.detail["bound_by"] for one in rows(twins.database, Decision) if one.what == "skipped"}
    gone, left = person(twins.database, "dup1"), {"journey": "life", "stage": "gone"}
    assert told == {gone: [left], person(twins.database, "dup2"): [{**left, "customer": gone}]}
    take({"type": "identify", "userId": "dup2", "traits": {"email": "own@example.com"}})
    twins.put("summer", template="summer")
    twins.send("summer")
    assert twins.deliver() == [("other", "summer"), ("own", "summer")], "another address is another inbox"


# -- caps --------------------------------------------------------------------------------------------------------------


def test_a_cap_counts_what_the_inbox_had(twins: Desk) -> None:
    settings = InstallationSettings(cap=CapIn(max=1, per="7 days"))
    with twins.database.writing() as session:
        installation_settings.save(session, settings, twins.at)
    twins.people("other", email="other@example.com")
    twins.put()
    twins.send()
    assert twins.deliver() == [("other", "spring"), ("same.person", "spring")]
    twins.put("summer", template="summer")
    twins.send("summer")
    assert twins.deliver() == []
    assert twins.ledger() == {"accepted": 2, "skipped repeated": 1, "skipped frequency_cap": 3}


# -- privacy -----------------------------------------------------------------------------------------------------------


def test_an_erased_customers_no_stays_where_the_inbox_is_anothers_too(twins: Desk, noon: datetime) -> None:
    database = twins.database
    twins.people("alone")
    says(database, "dup1", False, noon)
    says(database, "alone", False, noon)
    ids = [person(database, one) for one in ("dup1", "alone")]
    for one in ids:
        with database.writing() as session:
            operation = operations.start(session, "erase", {"customer": one}, noon)
        for page in erasure.pages(database, operation, lambda: noon):
            with database.writing() as session:
                page(session)
    (kept,) = rows(database, AddressConsent)
    assert (kept.email, kept.customer_id, kept.granted) == ("same.person@example.com", person(database, "dup2"), False)
    assert rows(database, Message, col(Message.customer_id).in_(ids)) == []
