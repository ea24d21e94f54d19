"""What the mails and their reports say came back, counted anew, and what is kept of it: in one state of the database.

All mails are read once, since those of a topic are in every journey.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy
from sqlmodel import Session, case, col, func, or_, select

from store.queries.figures import mail_results, message_counts, series
from store.queries.figures.mail_results import KindOfMail
from store.queries.figures.message_counts import ARRIVED
from store.queries.recounting.journey_recounts import CountLabels
from store.statuses import MessageStatus
from store.tables.attribution import MailOutcome
from store.tables.mail_results import MailKind, MailResult
from store.tables.message_counts import DeliveryCount, MessageCount
from store.tables.messages import DeliveryEvent, Message

AT_ONCE = 1_000
"""Mails that are read at once."""

OPENED, CLICKED, OPENED_BY_MACHINE, UNSUBSCRIBED = 1, 2, 4, 8
"""What was reported of a mail, as the bits of one number: each report by the bit of its kind, each bit once."""

CAME = ("subject", "key", "variant", "day", "what")
"""The columns by which what came back is counted."""

RESULTS = ("day", "kind", "what")
"""The columns by which results of mails are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedCounts:
    """What came back, by the columns CAME and RESULTS; and the kinds of mail that it is about."""

    came: Counter[CountLabels] = field(default_factory=Counter[CountLabels])
    results: Counter[CountLabels] = field(default_factory=Counter[CountLabels])
    kinds: dict[str, KindOfMail] = field(default_factory=dict[str, KindOfMail])


def kept(session: Session) -> ReturnedCounts:
    """As it is counted. A mail that was sent and is gone with its customer is left out."""
    made = ReturnedCounts()
    columns: Any = tuple(getattr(DeliveryCount, name) for name in CAME)
    query: Any = sqlalchemy.select(*columns, func.sum(DeliveryCount.count)).group_by(*columns)
    rows: Any = session.connection().execute(query)
    for *labels, count in rows:
        made.came[tuple(labels)] += int(count)
    columns = tuple(getattr(MailResult, name) for name in RESULTS)
    query = sqlalchemy.select(*columns, func.sum(MailResult.count), func.sum(MailResult.gone)).group_by(*columns)
    rows = session.connection().execute(query.where(col(MailResult.what).in_(mail_results.COUNTED)))
    for *labels, count, gone in rows:
        made.results[tuple(labels)] += int(count) - int(gone)
    kinds: Any = (MailKind.id, *(getattr(MailKind, name) for name in KindOfMail._fields))
    rows = session.connection().execute(sqlalchemy.select(*kinds))
    for name, *fields in rows:
        made.kinds[name] = KindOfMail(*fields)
    return made


def told(session: Session) -> ReturnedCounts:
    """As the mails, their reports and their outcomes tell it; results by day, by month, and all days together."""
    made, zone = ReturnedCounts(), series.zone_of(session)
    mails: Any = session.connection().execute(_MAILS.execution_options(yield_per=AT_ONCE))
    for mail in mails:
        at = mail.accepted_at or mail.updated_at
        what = {*_what(mail)}
        for one in what & _CAME.keys():
            for subject in _subjects(mail):
                made.came[(*subject, message_counts.day_of(at), _CAME[one])] += 1
        kind, day = mail_results.kind_of(mail), series.day_of(at, zone)
        if what:
            made.kinds[kind.id] = kind
        made.results.update((span, kind.id, one) for one in what for span in mail_results.spans_with(day))
    return made


def with_erased(session: Session) -> set[tuple[str, str]]:
    """The journeys and broadcasts (one of the two is empty) of which mails are gone with their customers."""
    columns: Any = (MessageCount.journey, MessageCount.broadcast)
    query: Any = sqlalchemy.select(*columns).group_by(*columns).having(func.sum(MessageCount.gone) > 0)
    rows: Any = session.connection().execute(query)
    return {(journey, broadcast) for journey, broadcast in rows}


_CAME = {
    mail_results.DELIVERED: "arrived",
    mail_results.COMPLAINED: "complained",
    mail_results.OPENED: "opened",
    mail_results.CLICKED: "clicked",
}
"""Results that are counted of journeys, broadcasts and topics too, and what they are called there."""


def _subjects(mail: Any) -> Iterator[CountLabels]:
    """To whom it counts, by subject, key and variant."""
    yield "topic", mail.topic, ""
    if mail.journey:
        yield "journey", mail.journey, ""
    if mail.broadcast is not None:
        yield "broadcast", mail.broadcast, mail.variant or ""


def _what(mail: Any) -> Iterator[str]:
    """What is true of a mail, of what is counted once of each."""
    told = int(mail.told or 0)
    yield from (name for bits, name in _BITS if told & bits)
    if mail.status == MessageStatus.ACCEPTED:
        yield mail_results.SENT
    if mail.delivery in ARRIVED:
        yield mail_results.DELIVERED
    if mail.delivery == "complained":
        yield mail_results.COMPLAINED
    if mail.unsubscribed:
        yield mail_results.UNSUBSCRIBED
    if (mail.goals or 0) + (mail.orders or 0) > 0:
        yield mail_results.CONVERTED


_BITS = (
    (OPENED | CLICKED, mail_results.OPENED),
    (CLICKED, mail_results.CLICKED),
    (OPENED_BY_MACHINE, mail_results.OPENED_BY_MACHINES),
    (UNSUBSCRIBED, mail_results.UNSUBSCRIBED),
)
"""Whoever clicks has opened."""

_KIND, _MACHINE = col(DeliveryEvent.kind), col(DeliveryEvent.machine)
_BIT: Any = case(
    (_KIND == "unsubscribed", UNSUBSCRIBED),
    ((_KIND == "opened") & _MACHINE, OPENED_BY_MACHINE),
    ((_KIND == "opened") & ~_MACHINE, OPENED),
    ((_KIND == "clicked") & ~_MACHINE, CLICKED),
    else_=0,
)
_TOLD: Any = (
    select(func.sum(sqlalchemy.distinct(_BIT)))
    .where(DeliveryEvent.message_id == Message.id)
    .scalar_subquery()
    .label("told")
)
_READ: Any = (
    *(getattr(Message, name) for name in ("topic", "status", "delivery", "accepted_at", "updated_at")),
    *(getattr(Message, name) for name in KindOfMail._fields),
    *(getattr(MailOutcome, name) for name in ("goals", "orders", "unsubscribed")),
    _TOLD,
)
_MAILS: Any = (
    sqlalchemy.select(*_READ)
    .join_from(Message, MailOutcome, col(MailOutcome.message_id) == Message.id, isouter=True)
    .where(
        or_(
            col(Message.status) == MessageStatus.ACCEPTED,
            col(Message.delivery).is_not(None),
            col(MailOutcome.message_id).is_not(None),
        )
    )
)
