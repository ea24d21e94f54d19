"""The lifecycle over time: who stood where when each period closed, who came, moved and left, and how long they stayed.

Read from what each day's transactions have kept (`store.queries.figures.series`), by one range of an index. Who stood
in a stage is told backwards from who stands there now, so the last column is always what the lifecycle report says.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from services.reports.measures.periods import Period, PeriodLength
from services.reports.measures.periods import periods as periods_of
from services.reports.measures.shown_rates import rate
from services.statistics import quartiles
from services.statistics.proportions import Proportion
from store.queries.figures import counts, series

Histograms = dict[str, Counter[int]]
"""How long stays lasted, in buckets, by stage."""


@dataclass(slots=True)
class _Days:
    """What happened on the days of one period."""

    moved: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    left: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    stayed: Histograms = field(default_factory=Histograms)

    @property
    def arrived(self) -> Counter[str]:
        """By stage: how many came to it."""
        return _summed((target, count) for (_, target), count in self.moved.items())

    @property
    def gone(self) -> Counter[str]:
        """By stage: how many moved on or ended there."""
        away = _summed((source, count) for (source, _), count in self.moved.items() if source)
        return away + _summed((stage, count) for (stage, _), count in self.left.items())


def _summed(pairs: Any) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, count in pairs:
        found[name] += count
    return found


def lifecycle_series(
    session: Session, journey: str, since: date | None, until: date | None, by: PeriodLength, now: datetime
) -> dict[str, Any]:
    """The series of a journey from one day to another (both included; None: the last 30 days), in the settings' zone.

    Raise InvalidInput as `periods` does.
    """
    zone = series.zone_of(session)
    those = periods_of(since, until, by, now.astimezone(zone).date())
    found, standing = _read(session, journey, those, by), Counter(counts.stages(session, journey))
    return {
        "zone": zone.key,
        "by": by,
        "periods": _told(those, found, standing),
        "told": _sentence(journey, found, standing),
    }


def time_in_stage(session: Session, journey: str) -> dict[str, dict[str, Any]]:
    """The quartiles of how long customers stayed in each stage, since the journey began, in days."""
    return _quartiles(_histograms(series.ever(session, journey)))


def _read(session: Session, journey: str, those: Sequence[Period], by: PeriodLength) -> list[_Days]:
    """What happened in each period, and as the last one what has happened since the last of them."""
    if not those:
        return [_Days()]
    since, until = those[0].since, those[-1].until
    found, place = [_Days() for _ in those], _places(those, by)
    for name, add in _ADD.items():
        for day, label, count in series.happened(session, journey, name, since, until, by_month=by == "month"):
            add(found[place[day]], label, count)
    later = _Days()
    for name in (series.MOVED, series.LEFT):
        for label, count in series.happened_after(session, journey, name, until).items():
            _ADD[name](later, label, count)
    return [*found, later]


def _places(those: Sequence[Period], by: PeriodLength) -> dict[str, int]:
    """The number of the period in which each day (or month) lies."""
    if by == "month":
        return {one.since.isoformat()[:7]: number for number, one in enumerate(those)}
    return {day.isoformat(): number for number, one in enumerate(those) for day in one.days}


def _add_move(days: _Days, label: str, count: int) -> None:
    source, _, target = label.partition("->")
    days.moved[source, target] += count


def _add_end(days: _Days, label: str, count: int) -> None:
    stage, _, reason = label.partition("|")
    days.left[stage, reason] += count


def _add_stays(days: _Days, label: str, count: int) -> None:
    _add_stay(days.stayed, label, count)


_ADD: Mapping[str, Callable[[_Days, str, int], None]] = {
    series.MOVED: _add_move,
    series.LEFT: _add_end,
    series.STAYED: _add_stays,
}
"""What a day count says, by its name."""


def _add_stay(histograms: Histograms, label: str, count: int) -> None:
    stage, _, bucket = label.partition("|")
    histograms.setdefault(stage, Counter())[int(bucket)] += count


def _histograms(labels: Mapping[str, int]) -> Histograms:
    found: Histograms = {}
    for label, count in labels.items():
        _add_stay(found, label, count)
    return found


def _told(those: Sequence[Period], found: Sequence[_Days], standing: Counter[str]) -> list[dict[str, Any]]:
    """The periods with what happened in them; `standing` is who is where now, and is counted back."""
    told: list[dict[str, Any]] = []
    for number in reversed(range(len(found))):
        days = found[number]
        begun = Counter(standing)
        begun.update(days.gone)
        begun.subtract(days.arrived)
        if number < len(those):
            told.append(_period(those[number], days, begun, standing))
        standing = begun
    return told[::-1]


def _period(one: Period, days: _Days, begun: Counter[str], closed: Counter[str]) -> dict[str, Any]:
    stages = sorted({*begun, *closed, *days.arrived})
    net = {stage: closed[stage] - begun[stage] for stage in stages}
    return {
        "from": one.since,
        "to": one.until,
        "stages": {stage: closed[stage] for stage in stages if closed[stage]},
        "entered": sum(count for (source, _), count in days.moved.items() if not source),
        "movements": {f"{source}->{target}": count for (source, target), count in sorted(days.moved.items())},
        "ended": dict(_summed((reason, count) for (_, reason), count in sorted(days.left.items()))),
        "net": {stage: by for stage, by in net.items() if by},
        "rates": _rates(days, begun),
        "time_in_stage": _quartiles(days.stayed),
    }


def _rates(days: _Days, begun: Counter[str]) -> list[dict[str, Any]]:
    """Of all who were in a stage at some time of the period: how many moved on to each other stage, or ended there."""
    there = begun + days.arrived
    ways = [(stage, target, None, count) for (stage, target), count in sorted(days.moved.items()) if stage]
    ways += [(stage, None, reason, count) for (stage, reason), count in sorted(days.left.items())]
    return [
        {"stage": stage, "to": target, "reason": reason, **rate(Proportion(count=count, n=max(there[stage], count)))}
        for stage, target, reason, count in ways
    ]


def _quartiles(histograms: Histograms) -> dict[str, dict[str, Any]]:
    found = {stage: quartiles.of(histogram) for stage, histogram in sorted(histograms.items())}
    return {stage: one.in_days() for stage, one in found.items() if one is not None}


def _sentence(journey: str, found: Sequence[_Days], standing: Counter[str]) -> str:
    """What there is to say beside the numbers."""
    within = found[:-1]
    if not any(one.moved or one.left for one in within):
        nobody = "" if +standing else ", and nobody is in it"
        return f"Nobody entered, moved in or left {journey} in this time{nobody}."
    entered = sum(count for one in within for (source, _), count in one.moved.items() if not source)
    ended = sum(sum(one.left.values()) for one in within)
    return f"{entered:,} entered {journey}, {ended:,} ended; {sum((+standing).values()):,} are in it now."
