"""Values that nobody could read: counted by source and field, each field with a few examples."""

import dataclasses
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from store import bulk
from store.ids import new_id
from store.tables.unreadable_values import UnreadableCount, UnreadableExample

EXAMPLES = 5
"""Of one field: enough to see how it is written. Two at one moment may make it some more."""

LONGEST = 60
"""Characters of a value that are kept."""

SHARDS = 16
"""Rows into which one count is split, so that many customers can be taken in at once."""

MOST = 500
"""Fields that are told: beyond, nobody reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableValue:
    """A value of a customer's that could not be read, whose it is and where it stood.

    `source` is what it came with, or who asked for it: "profile", "event NAME", "journey KEY", "segment KEY" or
    "template KEY", whose `field` is then the filter (`| currency`).
    """

    customer_id: str
    source: str
    field: str
    value: Any


@dataclass(slots=True, kw_only=True)
class UnreadableField:
    """A field of a source whose values could not be read: how many, from which day (UTC) to which, and some of them."""

    source: str
    field: str
    count: int
    first_day: str
    last_day: str
    examples: list[str] = dataclasses.field(default_factory=list[str])


def note(session: Session, found: Sequence[UnreadableValue], now: datetime) -> None:
    """Count values, and keep examples of fields that have few; nothing is asked where there are none."""
    if not found:
        return
    counted = Counter((one.source, one.field, now.date().isoformat(), _shard(one.customer_id)) for one in found)
    keys = {key: (count,) for key, count in counted.items()}
    bulk.increment(session, UnreadableCount, keys, ("source", "field", "day", "shard"))
    known = _kept(session, {one.source for one in found})
    rows: list[bulk.ColumnValues] = []
    for one in found:
        place = (one.source, one.field)
        if known[place] < EXAMPLES:
            known[place] += 1
            rows.append(_example(one, now))
    bulk.add(session, UnreadableExample, rows)


def listed(session: Session, since: str | None = None) -> Sequence[UnreadableField]:
    """The fields with the most first, MOST at most; `since` leaves out what was last counted before that day."""
    total, first, last = func.sum(UnreadableCount.count), func.min(UnreadableCount.day), func.max(UnreadableCount.day)
    columns: Any = (UnreadableCount.source, UnreadableCount.field, total, first, last)
    query: Any = select(*columns)
    query = query.group_by(col(UnreadableCount.source), col(UnreadableCount.field))
    if since is not None:
        query = query.having(last >= since)
    order = (total.desc(), col(UnreadableCount.source), col(UnreadableCount.field))
    rows = session.exec(query.order_by(*order).limit(MOST)).all()
    found = {
        (source, name): UnreadableField(source=source, field=name, count=int(count), first_day=begins, last_day=ends)
        for source, name, count, begins, ends in rows
    }
    for source, name, value in _examples(session, {source for source, _ in found}):
        if (source, name) in found and value not in found[source, name].examples:
            found[source, name].examples.append(value)
    return list(found.values())


def _shard(customer_id: str) -> int:
    return zlib.crc32(customer_id.encode()) % SHARDS


def _kept(session: Session, sources: set[str]) -> Counter[tuple[str, str]]:
    query = select(UnreadableExample.source, UnreadableExample.field, func.count()).where(
        col(UnreadableExample.source).in_(sources)
    )
    rows = session.exec(query.group_by(UnreadableExample.source, UnreadableExample.field))
    return Counter({(source, name): count for source, name, count in rows})


def _examples(session: Session, sources: set[str]) -> Sequence[tuple[str, str, str]]:
    query = select(UnreadableExample.source, UnreadableExample.field, UnreadableExample.value)
    query = query.where(col(UnreadableExample.source).in_(sources)).order_by(col(UnreadableExample.id))
    return session.exec(query).all()


def _example(one: UnreadableValue, now: datetime) -> bulk.ColumnValues:
    return {
        "id": new_id("unr"),
        "customer_id": one.customer_id,
        "source": one.source,
        "field": one.field,
        "value": str(one.value)[:LONGEST],
        "at": now,
    }
