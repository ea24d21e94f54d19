"""Milestones: who did something, or came to a stage, and when; found by an index of name, instant and customer.

What is read is bounded by a span of time or by a page of customers, never by how much there is.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import literal, select, tuple_
from sqlmodel import Session, col, func

from store import dialect
from store.statuses import EnrollmentStatus
from store.tables.customers import Customer, Event
from store.tables.enrollments import Decision, Enrollment
from store.tables.splits import Assignment


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """An event of this name, or coming to this stage of a journey (an event is of none)."""

    kind: Literal["event", "stage"]
    name: str
    journey: str = ""

    def __str__(self) -> str:
        """As it is asked for."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSpan:
    """From one instant (included) to another (not included), in UTC."""

    since: datetime
    until: datetime


PlaceInTime = tuple[datetime, str]
"""An instant and a customer's id: the order in which a milestone is walked along."""


def page(
    session: Session, one: Milestone, span: TimeSpan, after: PlaceInTime | None, limit: int
) -> Sequence[PlaceInTime]:
    """The next times that anybody reached a milestone, behind `after`, the oldest first; a customer may come again."""
    at, customer, *here = _columns(one)
    query: Any = select(at, customer).where(*here, at >= span.since, at < span.until)
    if after is not None:
        query = query.where(at >= after[0], tuple_(at, customer) > tuple_(*_bound(at, customer, after)))
    rows: Any = session.connection().execute(query.order_by(at, customer).limit(limit))
    return [(instant, customer_id) for instant, customer_id in rows]


def count(session: Session, one: Milestone, span: TimeSpan, most: int | None = None) -> int:
    """How often a milestone was reached in a span; with `most` it counts no further."""
    at, _, *here = _columns(one)
    query: Any = select(at).where(*here, at >= span.since, at < span.until)
    found: Any = (query.limit(most) if most is not None else query).subquery()
    return session.connection().execute(select(func.count()).select_from(found)).scalar_one()


def reached(
    session: Session,
    those: Collection[Milestone],
    customer_ids: Collection[str],
    since: datetime | None,
    until: datetime,
) -> Iterator[tuple[str, Milestone, datetime]]:
    """When these customers reached each of these milestones before `until` (and from `since` on), in no order.

    One statement for all events, one for the stages of each journey. They are found by the customers: the span may hold
    a thousand times as many others.
    """
    beside = dialect.of(session).beside
    for kind, journey in sorted({(one.kind, one.journey) for one in those}):
        named = {one.name: one for one in those if (one.kind, one.journey) == (kind, journey)}
        table: Any = Event if kind == "event" else Decision
        name: Any = beside(Event.name) if kind == "event" else Decision.entered_stage
        at: Any = beside(table.at)
        here = (table.customer_id.in_(customer_ids), name.in_(named), at < until)
        query: Any = select(table.customer_id, name, table.at).where(*here)
        if kind == "stage":
            query = query.where(beside(Decision.journey) == journey)
        if since is not None:
            query = query.where(at >= since)
        rows: Any = session.connection().execute(query)
        yield from ((customer_id, named[which], at) for customer_id, which, at in rows)


def _columns(one: Milestone) -> tuple[Any, ...]:
    """The instant, the customer, and what makes a row one of this milestone."""
    if one.kind == "event":
        return col(Event.at), col(Event.customer_id), col(Event.name) == one.name
    entered = (col(Decision.journey) == one.journey, col(Decision.entered_stage) == one.name)
    return col(Decision.at), col(Decision.customer_id), *entered


def _bound(at: Any, customer: Any, place: PlaceInTime) -> tuple[Any, Any]:
    return literal(place[0], at.type), literal(place[1], customer.type)


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last run of a customer through a journey: its version, and where it stands or how it ended."""

    version: int
    stage: str
    ended: str | None


def last_runs(session: Session, journey: str, customer_ids: Collection[str]) -> dict[str, LastRun]:
    """The last run of each of these customers through a journey; who never was in it is left out."""
    names = ("id", "customer_id", "version", "stage", "status", "reason")
    query: Any = select(*(getattr(Enrollment, name) for name in names))
    here = (col(Enrollment.customer_id).in_(customer_ids), col(Enrollment.journey) == journey)
    rows: Any = session.connection().execute(query.where(*here))
    return {
        customer_id: LastRun(version, stage, (reason or "") if status == EnrollmentStatus.ENDED else None)
        for _, customer_id, version, stage, status, reason in sorted(rows, key=lambda row: row[0])
    }


def profiles(session: Session, customer_ids: Collection[str]) -> Iterator[tuple[str, Any, Any, Sequence[str]]]:
    """Of these customers: id, what is kept of their touches, attributes, and the segments that they are in now."""
    columns: Any = (Customer.id, Customer.source, Customer.attributes, Customer.segments)
    rows: Any = session.connection().execute(select(*columns).where(col(Customer.id).in_(customer_ids)))
    yield from rows


def variants(session: Session, journey: str, split: str, customer_ids: Collection[str]) -> dict[str, str]:
    """The variant of a split that each of these customers has; who has none is left out."""
    query: Any = select(Assignment.customer_id, Assignment.variant).where(  # type: ignore[call-overload]
        col(Assignment.customer_id).in_(customer_ids), Assignment.journey == journey, Assignment.split == split
    )
    rows: Any = session.connection().execute(query)
    return dict(rows.all())
