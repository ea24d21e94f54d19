"""How often something comes: when an event of a name came last, and the gaps between them, by jumps along an index.

A gap is found without reading what lies between two gaps: two looks for each hour, however many events it has.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from store.queries.figures import message_counts
from store.statuses import MessageStatus
from store.tables.customers import Event, SeenEventName
from store.tables.message_counts import MessageDayCount

STRIDE = timedelta(hours=1)
"""Gaps are looked for at this distance; shorter ones are none."""

Gap = tuple[datetime, timedelta]
"""When a gap was over, and how long it had lasted."""


def last_event(session: Session, name: str, until: datetime) -> tuple[datetime, bool] | None:
    """When an event of this name came last, and whether it came by itself and not by an import; None: never."""
    query = select(Event.at, Event.fires).where(Event.name == name, col(Event.at) <= until)
    found = session.exec(query.order_by(col(Event.at).desc(), col(Event.customer_id).desc()).limit(1)).first()
    return (found[0], found[1]) if found is not None else None


def first_event(session: Session, name: str) -> datetime | None:
    """When an event of this name came first; None: never."""
    return session.exec(select(Event.at).where(Event.name == name).order_by(col(Event.at)).limit(1)).first()


def gaps(session: Session, name: str, since: datetime, until: datetime) -> Iterator[Gap]:
    """The gaps of STRIDE and more between the events of a name that were over in this time, the first one first."""
    here = _last(session, name, since) or _next(session, name, since)
    while here is not None and here < until:
        last = _last(session, name, here + STRIDE) or here
        after = _next(session, name, last)
        if after is not None and after <= until and after - last >= STRIDE:
            yield after, after - last
        here = after


def _next(session: Session, name: str, at: datetime) -> datetime | None:
    query = select(Event.at).where(Event.name == name, col(Event.at) > at)
    return session.exec(query.order_by(col(Event.at)).limit(1)).first()


def _last(session: Session, name: str, at: datetime) -> datetime | None:
    query = select(Event.at).where(Event.name == name, col(Event.at) <= at)
    return session.exec(query.order_by(col(Event.at).desc()).limit(1)).first()


def names_since(session: Session, at: datetime) -> Sequence[tuple[str, datetime]]:
    """The names that an event first had at this instant or later, and when that was."""
    query = select(SeenEventName.name, SeenEventName.first_seen_at).where(SeenEventName.first_seen_at >= at)
    return session.exec(query.order_by(col(SeenEventName.name))).all()


def days_of_sends(session: Session, since: datetime) -> dict[str, list[date]]:
    """By journey the days (UTC) since this one whose mails were accepted, in order; from kept counts."""
    table = MessageDayCount
    query: Any = select(table.journey, table.day).where(
        table.day >= message_counts.day_of(since), table.status == MessageStatus.ACCEPTED, table.journey != ""
    )
    found: dict[str, list[date]] = {}
    for journey, day in session.exec(query.group_by(table.journey, table.day).order_by(table.journey, table.day)).all():
        found.setdefault(journey, []).append(date.fromisoformat(day))
    return found
