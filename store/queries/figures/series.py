"""Series: what happened in a journey on each day, in the zone of the installation.

A transaction that moves somebody writes the day with the books, so both always say the same: who stands in a stage now,
less what came to it since a day, stood there when that day closed.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, delete, func, select

from store import bulk, dialect
from store.log_buckets import bucket_of
from store.queries.access import setting_rows
from store.session import collection_of
from store.tables.series import DayCount

MOVED, LEFT, STAYED = "moved", "left", "stayed"
"""Names of day counts: movements by `a->b` (entry is `->a`); runs that ended by `stage|reason`; how long a stage lasted
by `stage|bucket`. Stages are keys, which have neither `>` nor `|`."""

EVER = ""
"""The day that holds all days: of STAYED, so that the quartiles of a journey's whole life are a few rows."""

_KEYS = ("journey", "name", "day", "label", "shard")


class DayTally:
    """What a transaction changes about the series, written once at its end; `shard` is the enrollment's."""

    def __init__(self) -> None:
        self._happened: Counter[tuple[str, str, datetime, str, int]] = Counter()

    def move(self, journey: str, source: str, target: str, at: datetime, shard: int) -> None:
        """Somebody moved from stage to stage at `at` (UTC); entry comes from the stage ""."""
        self._happened[journey, MOVED, at, f"{source}->{target}", shard] += 1

    def leave(self, journey: str, stage: str, reason: str, at: datetime, shard: int) -> None:
        """A run ended in a stage at `at`."""
        self._happened[journey, LEFT, at, f"{stage}|{reason}", shard] += 1

    def stay(self, journey: str, stage: str, seconds: float, at: datetime, shard: int) -> None:
        """A stay in a stage was over at `at`."""
        self._happened[journey, STAYED, at, f"{stage}|{bucket_of(seconds)}", shard] += 1

    def add(self, other: "DayTally") -> None:
        """Take over what another one has collected."""
        self._happened += other._happened

    def write(self, session: Session) -> None:
        """Add what was collected to the days on which it happened, and begin anew."""
        if not self._happened:
            return
        zone, one_writer = zone_of(session), dialect.of(session).one_writer
        days: Counter[tuple[str, str, str, str, int]] = Counter()
        for (journey, name, at, label, shard), count in self._happened.items():
            shard = 0 if one_writer else shard
            days[journey, name, day_of(at, zone), label, shard] += count
            if name == STAYED:
                days[journey, name, EVER, label, shard] += count
        self._happened.clear()
        bulk.increment(session, DayCount, {key: (count,) for key, count in days.items()}, _KEYS)


def tally(session: Session) -> DayTally:
    """What this transaction changes; it is written before the commit."""
    return collection_of(session, DayTally)


def zone_of(session: Session) -> ZoneInfo:
    """The zone of the installation, in which its days begin and close."""
    return ZoneInfo(str((setting_rows.body(session) or {}).get("timezone", "UTC")))


def day_of(at: datetime, zone: ZoneInfo) -> str:
    """The day of an instant as the series name it: `2026-03-02`."""
    return at.astimezone(zone).date().isoformat()


DayEntry = tuple[str, str, int]
"""A day or a month (`2026-03-02`, `2026-03`), a label, and how often it happened."""


def happened(
    session: Session, journey: str, name: str, since: date, until: date, *, by_month: bool = False
) -> Iterator[DayEntry]:
    """What happened from one day to another (both included), by day or month and label; one range of the key."""
    day: Any = func.substr(DayCount.day, 1, len("2026-03")) if by_month else DayCount.day
    query: Any = select(day, DayCount.label, func.sum(DayCount.count)).where(
        DayCount.journey == journey,
        DayCount.name == name,
        DayCount.day >= since.isoformat(),
        DayCount.day <= until.isoformat(),
    )
    rows: Any = session.connection().execute(query.group_by(day, DayCount.label))
    for of, label, count in rows:
        yield of, label, int(count)


def entered(session: Session, journeys: Collection[str], since: date) -> dict[str, int]:
    """How many entered each of these journeys on a day (the installation's) or later; who has none is left out."""
    query: Any = select(DayCount.journey, func.sum(DayCount.count)).where(
        col(DayCount.journey).in_(journeys),
        DayCount.name == MOVED,
        DayCount.day >= since.isoformat(),
        col(DayCount.label).startswith("->"),
    )
    rows: Any = session.connection().execute(query.group_by(DayCount.journey))
    return {journey: int(count) for journey, count in rows}


def happened_after(session: Session, journey: str, name: str, day: date) -> dict[str, int]:
    """What has happened since a day closed, by label."""
    query: Any = select(DayCount.label, func.sum(DayCount.count)).where(
        DayCount.journey == journey, DayCount.name == name, DayCount.day > day.isoformat()
    )
    rows: Any = session.connection().execute(query.group_by(DayCount.label))
    return {label: int(count) for label, count in rows}


def ever(session: Session, journey: str) -> dict[str, int]:
    """How long stays lasted, by `stage|bucket`, since the journey began."""
    query: Any = select(DayCount.label, func.sum(DayCount.count)).where(
        DayCount.journey == journey, DayCount.name == STAYED, DayCount.day == EVER
    )
    return {label: int(count) for label, count in session.exec(query.group_by(DayCount.label))}


def any_open(session: Session, today: str) -> bool:
    """Whether a day before `today` stands in several shards."""
    return session.exec(select(DayCount.day).where(*_open(today)).limit(1)).first() is not None


def close(session: Session, today: str, limit: int) -> int:
    """Fold so many rows of days before `today` into shard 0; return how many there were.

    The rows are taken away and read by one statement, so that what is added meanwhile is in it or comes after it.
    """
    key: Any = (DayCount.journey, DayCount.name, DayCount.day, DayCount.label, DayCount.shard)
    found = session.exec(select(*key).where(*_open(today)).limit(limit)).all()
    folded: Counter[tuple[str, str, str, str, int]] = Counter()
    for names in sorted(found):
        here = (column == value for column, value in zip(key, names, strict=True))
        gone: Any = session.connection().execute(delete(DayCount).where(*here).returning(col(DayCount.count)))
        folded[(*names[:4], 0)] += sum(count for (count,) in gone)
    bulk.increment(session, DayCount, {one: (count,) for one, count in folded.items()}, _KEYS)
    return len(found)


def _open(today: str) -> tuple[Any, ...]:
    return col(DayCount.shard) > 0, DayCount.day != EVER, DayCount.day < today
