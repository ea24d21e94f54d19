"""Counts of messages that are kept: by what they are and became, by the day they were planned, and what came back.

A transaction collects what it changes and writes it at its end (or before it reads a count), in the order of the keys
and into a shard of its own: writers of the same count neither queue for long nor wait for each other crosswise.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, NamedTuple, Protocol

import sqlalchemy
from sqlmodel import Session, col, func, select

from store import bulk, dialect
from store.session import collection_of
from store.statuses import MessageStatus
from store.tables.message_counts import DeliveryCount, MessageCount, MessageDayCount

SHARDS = 8
"""So many transactions can write one count at once, where the database has more than one writer: three lanes, whose
owners take turns, and imports and broadcasts beside them. More would make every sum longer."""

CountedSubject = Literal["journey", "broadcast", "topic"]
"""What a message belongs to, and is counted under: each has a complaint rate of its own."""

Came = Literal["arrived", "complained", "opened", "clicked"]
"""What can come back of a message; each is counted once a message."""

ARRIVED = ("delivered", "opened", "clicked", "unsubscribed", "complained")
"""How far a message is (`delivery`) that has reached its inbox."""


class Counted(Protocol):
    """What a message is counted by."""

    @property
    def journey(self) -> str: ...
    @property
    def broadcast(self) -> str | None: ...
    @property
    def template(self) -> str: ...
    @property
    def variant(self) -> str | None: ...
    @property
    def lane(self) -> str: ...
    @property
    def status(self) -> MessageStatus: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def provider(self) -> str | None: ...


class MessageKind(NamedTuple):
    """A row of `message_count`, but for the shard."""

    journey: str
    broadcast: str
    template: str
    variant: str
    lane: str
    status: str
    reason: str
    provider: str


def kind_of(message: Counted) -> MessageKind:
    """How a message is counted now."""
    return MessageKind(
        message.journey,
        message.broadcast or "",
        message.template,
        message.variant or "",
        message.lane,
        str(message.status),
        message.reason or "",
        message.provider or "",
    )


def day_of(at: datetime) -> str:
    """The day of an instant in UTC, as it is counted: `2026-03-02`."""
    return at.astimezone(UTC).date().isoformat()


class MessageTally:
    """What one transaction changes about the counts."""

    def __init__(self) -> None:
        self._messages: Counter[MessageKind] = Counter()
        self._gone: Counter[MessageKind] = Counter()
        self._days: Counter[tuple[str, ...]] = Counter()
        self._came: Counter[tuple[str, ...]] = Counter()

    def add(self, kind: MessageKind, planned_at: datetime, by: int = 1) -> None:
        """A message is there."""
        self._messages[kind] += by
        self._days[day_of(planned_at), kind.journey, kind.template, kind.status, kind.reason] += by

    def move(self, before: MessageKind, after: MessageKind, planned_at: datetime) -> None:
        """A message has changed."""
        if before != after:
            self.add(before, planned_at, -1)
            self.add(after, planned_at)

    def leave(self, kind: MessageKind) -> None:
        """A message's row goes; it was there, and counts for ever."""
        self._gone[kind] += 1

    def came(
        self, subject: CountedSubject, key: str, what: Came, accepted_at: datetime, variant: str = "", *, by: int = 1
    ) -> None:
        """A message arrived, was complained about, or was opened or clicked by a person, for the first time.

        `by` is -1 where that is taken back.
        """
        self._came[subject, key, variant, day_of(accepted_at), what] += by

    def write(self, session: Session) -> None:
        """Write what was collected, and begin anew."""
        shard = 0 if dialect.of(session).one_writer else random.randrange(SHARDS)
        kinds = {(*kind, shard): (self._messages[kind], self._gone[kind]) for kind in {*self._messages, *self._gone}}
        bulk.increment(session, MessageCount, kinds, (*MessageKind._fields, "shard"), ("count", "gone"))
        days = {(*key, shard): (count,) for key, count in self._days.items()}
        bulk.increment(session, MessageDayCount, days, ("day", "journey", "template", "status", "reason", "shard"))
        came = {(*key, shard): (count,) for key, count in self._came.items()}
        bulk.increment(session, DeliveryCount, came, ("subject", "key", "variant", "day", "what", "shard"))
        for counter in (self._messages, self._gone, self._days, self._came):
            counter.clear()


def tally(session: Session) -> MessageTally:
    """What this transaction changes; it is written before the commit."""
    return collection_of(session, MessageTally)


# -- reading -----------------------------------------------------------------------------------------------------------


def _read(session: Session, query: Any) -> Iterator[Any]:
    """The rows of a query, with what this transaction has changed until now."""
    tally(session).write(session)
    yield from session.connection().execute(query)


Outcome = tuple[str, str, str, str, int]
"""Journey, template, status, reason, and how many."""


def outcomes(session: Session, journey: str | None = None, since: datetime | None = None) -> list[Outcome]:
    """Messages by journey, template, status and reason; `since` a day: those planned on it and later."""
    table: Any = MessageCount if since is None else MessageDayCount
    columns = (table.journey, table.template, table.status, table.reason)
    query: Any = sqlalchemy.select(*columns, func.sum(table.count)).group_by(*columns).order_by(*columns)
    if journey is not None:
        query = query.where(table.journey == journey)
    if since is not None:
        query = query.where(table.day >= day_of(since))
    rows: Any = _read(session, query)
    return [(key, template, status, reason, int(count)) for key, template, status, reason, count in rows if count]


def by_day(session: Session, since: date) -> list[tuple[date, str, int]]:
    """Messages that were planned on a day (UTC) and later, by day and the status that they have now."""
    columns: Any = (MessageDayCount.day, MessageDayCount.status)
    query: Any = sqlalchemy.select(*columns, func.sum(MessageDayCount.count)).group_by(*columns).order_by(*columns)
    rows = _read(session, query.where(MessageDayCount.day >= since.isoformat()))
    return [(date.fromisoformat(day), status, int(count)) for day, status, count in rows if count]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusCount:
    """How many messages of a journey or broadcast have a status (for a reason), and how many of them are gone."""

    journey: str
    broadcast: str
    status: str
    reason: str
    count: int
    gone: int


def books(session: Session) -> list[StatusCount]:
    """Every message there was, by journey and broadcast, and what became of it."""
    table: Any = MessageCount
    columns = (table.journey, table.broadcast, table.status, table.reason)
    query: Any = sqlalchemy.select(*columns, func.sum(table.count), func.sum(table.gone)).group_by(*columns)
    rows: Any = _read(session, query)
    return [
        StatusCount(
            journey=journey, broadcast=broadcast, status=status, reason=reason, count=int(count), gone=int(gone)
        )
        for journey, broadcast, status, reason, count, gone in rows
        if count or gone
    ]


def of_broadcast(session: Session, broadcast: str) -> dict[str, int]:
    """A broadcast's messages by status."""
    query = select(MessageCount.status, func.sum(MessageCount.count))
    here = query.where(MessageCount.journey == "", MessageCount.broadcast == broadcast)
    return _counts(_read(session, here.group_by(MessageCount.status)))


def accepted_by_variant(session: Session, broadcast: str) -> dict[str, int]:
    """A broadcast's messages that a provider has accepted, by variant."""
    query = select(MessageCount.variant, func.sum(MessageCount.count)).where(
        MessageCount.journey == "",
        MessageCount.broadcast == broadcast,
        MessageCount.status == MessageStatus.ACCEPTED,
    )
    return _counts(_read(session, query.group_by(MessageCount.variant)))


def accepted_by(session: Session, provider: str) -> int:
    """How many messages this provider has accepted."""
    query = select(func.sum(MessageCount.count)).where(
        MessageCount.provider == provider, MessageCount.status == MessageStatus.ACCEPTED
    )
    return int(next(_read(session, query))[0] or 0)


def in_status(session: Session, status: MessageStatus) -> int:
    """How many messages have this status, without those of erased customers."""
    query = select(func.sum(MessageCount.count - MessageCount.gone)).where(MessageCount.status == status)
    return int(next(_read(session, query))[0] or 0)


def with_template(session: Session, template: str, statuses: Iterable[MessageStatus]) -> int:
    """How many messages of a template have one of these statuses now."""
    query = select(func.sum(MessageCount.count - MessageCount.gone)).where(
        MessageCount.template == template, col(MessageCount.status).in_(list(statuses))
    )
    return int(next(_read(session, query))[0] or 0)


def by_lane_and_status(session: Session, statuses: Iterable[MessageStatus]) -> dict[tuple[str, str], int]:
    """Messages that have one of these statuses now, by lane and status."""
    query: Any = select(MessageCount.lane, MessageCount.status, func.sum(MessageCount.count - MessageCount.gone))
    here = query.where(col(MessageCount.status).in_(list(statuses)))
    rows = _read(session, here.group_by(MessageCount.lane, MessageCount.status))
    return {(lane, status): int(count) for lane, status, count in rows if count}


def came_back(session: Session, subject: CountedSubject, key: str, since: datetime | None = None) -> dict[str, int]:
    """What came back about messages of a journey, broadcast or topic, accepted on the day of `since` and later."""
    query = select(DeliveryCount.what, func.sum(DeliveryCount.count)).where(
        DeliveryCount.subject == subject, DeliveryCount.key == key
    )
    if since is not None:
        query = query.where(DeliveryCount.day >= day_of(since))
    return _counts(_read(session, query.group_by(DeliveryCount.what)))


def came_back_by_variant(session: Session, broadcast: str) -> dict[tuple[str, str], int]:
    """What came back about a broadcast's messages, by variant and what it was."""
    query = select(DeliveryCount.variant, DeliveryCount.what, func.sum(DeliveryCount.count)).where(
        DeliveryCount.subject == "broadcast", DeliveryCount.key == broadcast
    )
    rows = _read(session, query.group_by(DeliveryCount.variant, DeliveryCount.what))
    return {(variant, what): int(count) for variant, what, count in rows if count}


def _counts(rows: Iterable[tuple[str, Any]]) -> dict[str, int]:
    return {name: int(count) for name, count in rows if count}
