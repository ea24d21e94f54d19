"""What a customer says about a topic; "*" is all of them. Of two statements the later one holds.

A yes to a topic with double opt-in is kept, and counts when whoever reads the inbox has confirmed it by the link of a
mail. Until then it is `pending`. Each yes keeps its evidence: the text, its version, how and from where it was said.
What changes is an event of the customer too (`REQUESTED`, `SUBSCRIBED`, `UNSUBSCRIBED`), which journeys can hear.
"""

import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from journeys.facts.guards import REQUESTED, SUBSCRIBED, UNSUBSCRIBED
from services.customers.event_log import NewEvent
from services.enrollments import customer_events
from services.enrollments.customer_events import Listeners
from services.errors import InvalidInput, NotFound
from services.messages import planning
from services.messages.origins import CONFIRMING
from store.queries import customers, decisions, messages
from store.queries.lanes import TRANSACTIONAL
from store.tables.customers import Consent, Customer
from store.tables.definitions import Topic

EVERYTHING = "*"
"""All topics at once."""

TOPIC = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}|\*")
"""How a topic is named; `*` is EVERYTHING."""

ASK_AGAIN = timedelta(days=1)
"""A yes that is said again after so long, and was not confirmed, is asked about again."""


def say(
    session: Session,
    customer_id: str,
    topic: str,
    granted: bool,
    source: str,
    at: datetime,
    now: datetime,
    *,
    confirmed: bool = False,
    evidence: Mapping[str, Any] | None = None,
    heard: bool = True,
) -> bool:
    """Keep a statement made `at` an instant (UTC), on the customer's timeline too; False where it changes nothing.

    `confirmed`: it is known that the inbox is theirs, so nobody has to be asked. `heard`: journeys hear of it, as they
    should of everything that is said now, and not of what is imported. Raise InvalidInput where the topic is none,
    NotFound where the customer is gone.
    """
    if not TOPIC.fullmatch(topic):
        raise InvalidInput("a topic is a letter and letters, digits, - or _; or * for all", "topic")
    customer = customers.lock(session, customer_id)
    if customer is None:
        raise NotFound("this customer no longer exists")
    known = session.get(Consent, (customer_id, topic))
    pending = granted and not confirmed and _asks(session, topic) and not _holds(known)
    if known is not None and (known.at > at or _same(known, granted, pending, at)):
        return False
    session.merge(
        Consent(
            customer_id=customer_id,
            topic=topic,
            granted=granted,
            source=source,
            at=at,
            pending=pending,
            evidence=dict(evidence) if evidence else None,
        )
    )
    what = "subscribed" if pending else "consented" if granted else "unsubscribed"
    _note(session, customer_id, what, {"topic": topic, "source": source}, now)
    if pending:
        _ask(session, customer, topic, at, now)
    session.flush()
    if heard:
        name = REQUESTED if pending else SUBSCRIBED if granted else UNSUBSCRIBED
        _record(session, customer, name, topic, at, now)
    return True


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
        known.pending = False
        known.evidence = {**(known.evidence or {}), "confirmed": {"at": now.isoformat(), **by}}
        session.add(known)
        _note(session, customer_id, "consented", {"topic": topic, "source": "confirmed by the link in the mail"}, now)
        session.flush()
        _record(session, customer, SUBSCRIBED, topic, now, now)
    return True


def _record(session: Session, customer: Customer, name: str, topic: str, at: datetime, now: datetime) -> None:
    event = NewEvent(name=name, properties={"topic": topic}, at=at)
    customer_events.record(session, customer, event, Listeners.load(session), now)


def _asks(session: Session, topic: str) -> bool:
    row = session.get(Topic, topic)
    return row is not None and row.consent == "double_opt_in"


def _holds(known: Consent | None) -> bool:
    """Whether they have said yes, and confirmed it."""
    return known is not None and known.granted and not known.pending


def _same(known: Consent, granted: bool, pending: bool, at: datetime) -> bool:
    """Whether a statement says what is known; a yes that is still not confirmed may be said again after a day."""
    if known.granted != granted or known.pending != pending:
        return known.granted == granted and not known.pending
    return not (pending and at - known.at >= ASK_AGAIN)


def _ask(session: Session, customer: Customer, topic: str, at: datetime, now: datetime) -> None:
    """Plan the mail that asks; it is transactional, once for each yes."""
    name = str(uuid.uuid5(planning.NAMESPACE, f"confirm\0{customer.id}\0{topic}\0{at.isoformat()}"))
    if customer.email is not None and messages.owner(session, name) is None:
        row = messages.row(
            name,
            customer.id,
            template=CONFIRMING,
            topic=topic,
            lane=TRANSACTIONAL,
            due=now,
            now=now,
            not_before=now,
        )
        messages.add(session, [row])


def _note(session: Session, customer_id: str, what: str, detail: dict[str, Any], now: datetime) -> None:
    decisions.add(session, [decisions.row(customer_id, what, detail, now)])
