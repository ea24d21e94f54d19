"""The counts of a journey that are kept, against its rows and decisions; and the counts set right.

All is read in one state of the database, so what is written meanwhile makes no difference. A repair adds what was
missing then: whatever was counted since stays counted.

Rows of erased customers are gone, and their counts stay. Where a journey has lost such rows, a count may be above what
they say, and only one below is a difference. The day on which something counts depends on the zone that the
installation had then, so the days of a label are compared by their sum, and told again where that differs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlmodel import Session, SQLModel

from services.reconciliation.differences import DifferenceKind
from store.queries.figures import counts, series
from store.queries.figures.message_counts import MessageKind
from store.queries.recounting import journey_recounts
from store.queries.recounting.journey_recounts import CountLabels, LabelCounts, ToldDays

NO_JOURNEY = "no journey"
"""The place of what belongs to none: broadcasts' mails, and those that ask to confirm."""

_BESIDE: Mapping[type[SQLModel], tuple[str, ...]] = {
    journey_recounts.MOVES: ("seconds",),
    journey_recounts.KINDS: ("gone",),
}
"""Counts that stand in the same rows, and are left as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongCount:
    """Kept counts of a place, as of a journey, and what is to be added to them: by the columns `names`.

    `fixed` are the further columns of the key but the shard, with their values; `beside` is further counts of a row,
    beside the `column` that is off.
    """

    kind: DifferenceKind
    place: str
    table: type[SQLModel]
    names: tuple[str, ...]
    missing: Mapping[CountLabels, int]
    fixed: Mapping[str, str] = field(default_factory=dict[str, str])
    beside: tuple[str, ...] = ()
    column: str = "count"

    @property
    def count(self) -> int:
        """By how much it is off, all labels together."""
        return sum(map(abs, self.missing.values()))

    @property
    def examples(self) -> list[str]:
        """What is off, and by how much: `a/send:welcome +1` where one is missing from the count."""
        return [f"{'/'.join(labels)} {by:+}" for labels, by in sorted(self.missing.items())]


def wrong_counts(session: Session, journey: str) -> list[WrongCount]:
    """Every count of a journey that differs; those of messages alone for the empty journey."""
    of_enrollments = _of_enrollments(session, journey) if journey else ()
    return [*of_enrollments, *_of_messages(session, journey)]


def set_right(session: Session, wrong: WrongCount) -> None:
    """Add what is missing, in the first shard."""
    names = (*wrong.fixed, *wrong.names, "shard")
    zeros = (0,) * len(wrong.beside)
    keys = {(*wrong.fixed.values(), *labels, 0): (by, *zeros) for labels, by in wrong.missing.items()}
    journey_recounts.add(session, wrong.table, keys, names, (wrong.column, *wrong.beside))


def _wrong(
    kind: DifferenceKind,
    journey: str,
    table: type[SQLModel],
    names: tuple[str, ...],
    missing: Mapping[CountLabels, int],
    **fixed: str,
) -> Iterator[WrongCount]:
    if missing:
        beside = _BESIDE.get(table, ())
        of = {"journey": journey, **fixed}
        place = journey or NO_JOURNEY
        yield WrongCount(kind=kind, place=place, table=table, names=names, missing=missing, fixed=of, beside=beside)


def missing_counts(rows: LabelCounts, kept: LabelCounts, *, at_least: bool) -> dict[CountLabels, int]:
    """What is to be added to the kept counts; with `at_least` they may be higher."""
    by = {labels: rows[labels] - kept[labels] for labels in {*rows, *kept}}
    return {labels: count for labels, count in by.items() if count > 0 or (count and not at_least)}


def _of_enrollments(session: Session, journey: str) -> Iterator[WrongCount]:
    gone = journey_recounts.erased(session, journey)
    names = ("stage", "step")
    stand = journey_recounts.kept(session, journey_recounts.STAGES, journey, names)
    missing = missing_counts(journey_recounts.places(session, journey), stand, at_least=False)
    yield from _wrong(DifferenceKind.LIVE_COUNT, journey, journey_recounts.STAGES, names, missing)
    yield from _ended(session, journey, gone)
    yield from _told(session, journey, gone)


def _ended(session: Session, journey: str, gone: int) -> Iterator[WrongCount]:
    """By reason; all together they are the rows and the erased, whose reasons nobody knows any more."""
    rows = journey_recounts.ended(session, journey)
    kept = journey_recounts.kept(session, journey_recounts.RUNS, journey, ("label",), name=counts.ENDED)
    missing = missing_counts(rows, kept, at_least=gone > 0)
    left = rows.total() + gone - kept.total() - sum(missing.values())
    if gone and left:
        missing["erased",] = missing.get(("erased",), 0) + left
    yield from _wrong(
        DifferenceKind.ENDED_COUNT, journey, journey_recounts.RUNS, ("label",), missing, name=counts.ENDED
    )


def _told(session: Session, journey: str, gone: int) -> Iterator[WrongCount]:
    """Movements, days and stays, against the decisions and the ended runs."""
    told = journey_recounts.told(session, journey)
    yield from _moves(session, journey, told, gone)
    yield from _days(session, DifferenceKind.DAY_COUNT, journey, told, (series.MOVED, series.LEFT), at_least=gone > 0)
    at_least = gone > 0 or told.unsure
    yield from _days(session, DifferenceKind.STAY_COUNT, journey, told, (series.STAYED,), at_least=at_least)
    names = ("source", "target")
    kept = journey_recounts.kept(session, journey_recounts.MOVES, journey, names, column="seconds")
    missing = missing_counts(told.seconds, kept, at_least=at_least)
    if missing:
        yield WrongCount(
            kind=DifferenceKind.STAY_SECONDS,
            place=journey,
            table=journey_recounts.MOVES,
            names=names,
            missing=missing,
            fixed={"journey": journey},
            beside=("count",),
            column="seconds",
        )


def _moves(session: Session, journey: str, told: ToldDays, gone: int) -> Iterator[WrongCount]:
    names = ("source", "target")
    moves = Counter[CountLabels]()
    for (name, _, label), count in told.days.items():
        if name == series.MOVED:
            source, _, target = label.partition("->")
            moves[source, target] += count
    kept = journey_recounts.kept(session, journey_recounts.MOVES, journey, names)
    missing = missing_counts(moves, kept, at_least=gone > 0)
    yield from _wrong(DifferenceKind.MOVEMENT_COUNT, journey, journey_recounts.MOVES, names, missing)


def _days(
    session: Session, kind: DifferenceKind, journey: str, told: ToldDays, of: tuple[str, ...], *, at_least: bool
) -> Iterator[WrongCount]:
    rows = Counter({key: count for key, count in told.days.items() if key[0] in of})
    missing = _missing_days(rows, journey_recounts.kept_days(session, journey, of), at_least=at_least)
    yield from _wrong(kind, journey, journey_recounts.DAYS, ("name", "day", "label"), missing)


def _missing_days(told: LabelCounts, kept: LabelCounts, *, at_least: bool) -> dict[CountLabels, int]:
    """Of the labels whose sums differ: what is to be added to each of their days."""
    off = missing_counts(_sums(told), _sums(kept), at_least=at_least)
    of = [Counter({key: count for key, count in one.items() if _sum_of(key) in off}) for one in (told, kept)]
    return missing_counts(of[0], of[1], at_least=at_least)


def _sums(days: LabelCounts) -> LabelCounts:
    found = Counter[CountLabels]()
    for key, count in days.items():
        found[_sum_of(key)] += count
    return found


def _sum_of(key: CountLabels) -> CountLabels:
    """What a day is a part of; all days together are a sum of their own."""
    name, day, label = key
    return name, series.EVER if day == series.EVER else "by day", label


def _of_messages(session: Session, journey: str) -> Iterator[WrongCount]:
    kinds, days = journey_recounts.messages(session, journey)
    kept, gone = journey_recounts.kept_kinds(session, journey)
    names = MessageKind._fields[1:]
    missing = missing_counts(kinds, kept, at_least=False)
    yield from _wrong(DifferenceKind.MESSAGE_COUNT, journey, journey_recounts.KINDS, names, missing)
    by_day = ("day", "template", "status", "reason")
    missing = missing_counts(
        days, journey_recounts.kept(session, journey_recounts.KIND_DAYS, journey, by_day), at_least=gone > 0
    )
    yield from _wrong(DifferenceKind.MESSAGE_DAY_COUNT, journey, journey_recounts.KIND_DAYS, by_day, missing)
