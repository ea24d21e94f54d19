"""What a customer says about a topic; "*" is all of them. Of two statements the later one holds.

It is kept of the customer, and of the inbox at which it was said: a no binds whoever else has this address.

A yes to a topic with double opt-in is kept, and counts when whoever reads the inbox has confirmed it by the link of a
mail. Until then it is `pending`. Each yes keeps its evidence: the text, its version, how and from where it was said.
What changes is an event of the customer too (`REQUESTED`, `SUBSCRIBED`, `UNSUBSCRIBED`), which journeys can hear.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from journeys.facts import touches
from journeys.facts.guards import REQUESTED, SUBSCRIBED, UNSUBSCRIBED
from journeys.rules.policy import EVERY_TOPIC
from readers.keys import CHARACTERS
from services.customers.history.event_log import NewEvent
from services.enrollments.entering import customer_events
from services.enrollments.entering.customer_events import Listeners
from services.errors import InvalidInput, NotFound, ServiceError
from services.messages.deciding.origins import CONFIRMING
from store import bulk
from store.bulk import turns
from store.ids import message_of_question
from store.queries.consent import address_consents, topics
from store.queries.consent import consents as consent_rows
from store.queries.enrollment import decisions
from store.queries.identity import customers
from store.queries.mails import messages
from store.queries.sending.lanes import TRANSACTIONAL
from store.tables.customers import Consent, Customer

TOPIC = re.compile(rf"{CHARACTERS}|{re.escape(EVERY_TOPIC)}")
"""How a topic is named; or all of them."""

ASK_AGAIN = timedelta(days=1)
"""A yes that is said again after so long, and was not confirmed, is asked about again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a customer says about a topic, where they said it (`source`), and when (UTC).

    `email` is the inbox at which they said it; None: the one that they have now. `confirmed`: it is known that the
    inbox is theirs, so nobody has to be asked.
    """

    customer_id: str
    topic: str
    granted: bool
    source: str
    at: datetime
    email: str | None = None
    confirmed: bool = False
    evidence: Mapping[str, Any] | None = None


def record(
    session: Session,
    customer_id: str,
    topic: str,
    granted: bool,
    source: str,
    at: datetime,
    now: datetime,
    *,
    email: str | None = None,
    confirmed: bool = False,
    evidence: Mapping[str, Any] | None = None,
) -> bool:
    """Keep a statement made `at` an instant (UTC), and let journeys hear of it; False where it changes nothing.

    `email` is the inbox at which it was made; None: the one that the customer has now. `confirmed`: it is known that
    the inbox is theirs, so nobody has to be asked. Raise InvalidInput where the topic is none, NotFound where the
    customer is gone.
    """
    statement = Statement(
        customer_id=customer_id,
        topic=topic,
        granted=granted,
        source=source,
        at=at,
        email=email,
        confirmed=confirmed,
        evidence=evidence,
    )
    return say_all(session, [statement], now) > 0


def say_all(session: Session, statements: Sequence[Statement], now: datetime) -> int:
    """Keep statements in their order, and let journeys hear of them; return how many change something.

    Raise InvalidInput or NotFound for the first that is refused.
    """
    by_id = {one.id: one for one in customers.lock_all(session, {one.customer_id for one in statements})}
    happened = list[tuple[Customer, NewEvent]]()
    for one, kept in zip(statements, keep_all(session, by_id, statements, now), strict=True):
        if isinstance(kept, ServiceError):
            raise kept
        if kept is not None:
            happened.append((by_id[one.customer_id], kept))
    listeners = Listeners.load(session)
    for turn in turns(happened, lambda pair: pair[0].id):
        customer_events.record_all(session, turn, listeners, now)
    return len(happened)


def keep_all(
    session: Session, by_id: Mapping[str, Customer], statements: Sequence[Statement], now: datetime
) -> list[NewEvent | ServiceError | None]:
    """Keep statements of these locked customers (by id) in their order, and tell no journey.

    Returns of each the event that it is, None where it changes nothing, or why it is refused.
    """
    said = _Said(session, by_id, now)
    outcomes = [said.take(one) for one in statements]
    said.store()
    return outcomes


class _Said:
    """What some locked customers say in one transaction."""

    def __init__(self, session: Session, by_id: Mapping[str, Customer], now: datetime) -> None:
        self._session = session
        self._by_id = by_id
        self._now = now
        self._known = {(one.customer_id, one.topic): one for one in consent_rows.of_customers(session, by_id)}
        self._asking = {one.key for one in topics.listed(session) if one.consent == "double_opt_in"}
        self._inboxes: dict[tuple[str, str], bulk.ColumnValues] = {}
        self._decisions: list[bulk.ColumnValues] = []
        self._questions: dict[str, bulk.ColumnValues] = {}

    def take(self, one: Statement) -> NewEvent | ServiceError | None:
        """Keep a statement in mind; None where it changes nothing."""
        customer = self._by_id.get(one.customer_id)
        if not TOPIC.fullmatch(one.topic):
            return InvalidInput("a topic is a letter and letters, digits, - or _; or * for all", "topic")
        if customer is None:
            return NotFound("this customer no longer exists")
        known = self._known.get((one.customer_id, one.topic))
        pending = one.granted and not one.confirmed and one.topic in self._asking and not _holds(known)
        if not pending:
            self._keep_of_inbox(one, one.email or customer.email)
        if known is not None and (known.at > one.at or _same(known, one.granted, pending, one.at)):
            return None
        self._keep(one, known, pending)
        what = "subscribed" if pending else "consented" if one.granted else "unsubscribed"
        detail = {"topic": one.topic, "source": one.source}
        self._decisions.append(decisions.row(one.customer_id, what, detail, self._now))
        if pending and customer.email is not None:
            row = _question(customer, one.topic, one.at, self._now)
            self._questions[row["id"]] = row
        return _event(one.topic, one.granted, pending, one.at)

    def _keep(self, one: Statement, known: Consent | None, pending: bool) -> None:
        row = known or Consent(
            customer_id=one.customer_id, topic=one.topic, granted=one.granted, source=one.source, at=one.at
        )
        row.granted, row.source, row.at, row.pending = one.granted, one.source, one.at, pending
        row.evidence = dict(one.evidence) if one.evidence else None
        self._known[one.customer_id, one.topic] = row
        self._session.add(row)

    def _keep_of_inbox(self, one: Statement, email: str | None) -> None:
        """The last that is said at the inbox holds there, whether or not it is new of the customer."""
        before = self._inboxes.get((email or "", one.topic))
        if email is not None and (before is None or before["at"] <= one.at):
            self._inboxes[email, one.topic] = address_consents.row(
                email, one.topic, one.customer_id, granted=one.granted, source=one.source, at=one.at
            )

    def store(self) -> None:
        """Write it, with the mails that ask whether a yes was meant: each is planned once."""
        self._session.flush()
        address_consents.keep_later(self._session, list(self._inboxes.values()))
        decisions.add(self._session, self._decisions)
        asked = messages.owners(self._session, self._questions)
        messages.add(self._session, [row for name, row in self._questions.items() if name not in asked])


def confirm(session: Session, customer_id: str, topic: str, by: Mapping[str, Any], now: datetime) -> bool:
    """Whoever reads the inbox said yes; False where there is nothing to confirm (any more).

    `by` is kept as evidence. Raise NotFound where the customer is gone.
    """
    customer = customers.lock(session, customer_id)
    if customer is None:
        raise NotFound("this customer no longer exists")
    known = session.get(Consent, (customer_id, topic))
    if known is None or not known.granted:
        return False
    if known.pending:
        if customer.email is not None:
            said = address_consents.row(customer.email, topic, customer.id, granted=True, source=known.source, at=now)
            address_consents.keep_later(session, [said])
        known.pending = False
        known.evidence = {**(known.evidence or {}), "confirmed": {"at": now.isoformat(), **by}}
        session.add(known)
        detail = {"topic": topic, "source": "confirmed by the link in the mail"}
        decisions.add(session, [decisions.row(customer_id, "consented", detail, now)])
        session.flush()
        _record(session, customer, _event(topic, True, False, now), now)
    return True


def _record(session: Session, customer: Customer, event: NewEvent, now: datetime) -> None:
    customer_events.record(session, customer, event, Listeners.load(session), now)


def _event(topic: str, granted: bool, pending: bool, at: datetime) -> NewEvent:
    name = REQUESTED if pending else SUBSCRIBED if granted else UNSUBSCRIBED
    return NewEvent(name=name, properties={"topic": topic}, at=at)


def _holds(known: Consent | None) -> bool:
    """Whether they have said yes, and confirmed it."""
    return known is not None and known.granted and not known.pending


def _same(known: Consent, granted: bool, pending: bool, at: datetime) -> bool:
    """Whether a statement says what is known; a yes that is still not confirmed may be said again after a day."""
    if known.granted != granted or known.pending != pending:
        return known.granted == granted and not known.pending
    return not (pending and at - known.at >= ASK_AGAIN)


def _question(customer: Customer, topic: str, at: datetime, now: datetime) -> bulk.ColumnValues:
    """The mail that asks; it is transactional, once for each yes."""
    return messages.row(
        message_of_question(customer.id, topic, at),
        customer.id,
        email=customer.email,
        template=CONFIRMING,
        topic=topic,
        lane=TRANSACTIONAL,
        due=now,
        now=now,
        not_before=now,
        source=touches.first_channel(customer.source, customer.attributes),
    )
