"""Things per day as stacked columns: a day each, or a week and more where there are many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

from pictures import axes, svg
from pictures.axes import EDGE, Plot
from pictures.svg import SERIES, Theme, label, tag

HIGH = 220.0
"""Pixels of the field."""

MOST_COLUMNS = 120
"""Columns side by side: of a wide picture each has five pixels and a gap still; more days are drawn as weeks."""

LABEL = 80.0
"""Pixels from the middle of one day's label to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """What is drawn: counts by the first day of each column, how many days each has, and what there is, in order."""

    counts: Mapping[date, Mapping[str, int]]
    step: int
    names: Sequence[str]

    @property
    def days(self) -> Sequence[date]:
        first, last = min(self.counts), max(self.counts)
        return [first + timedelta(days=after) for after in range(0, (last - first).days + 1, self.step)]


def draw(
    days: Mapping[date, Mapping[str, int]], name: str, *, colours: Mapping[str, int] | None = None,
    width: float = axes.WIDE, theme: Theme = "auto",
) -> str:  # fmt: skip
    """A column for each day; `colours` says which name stands lowest, and which colour of the series each has."""
    width = axes.bounded(width)
    if not any(any(counts.values()) for counts in days.values()):
        return axes.nothing(name, "Nothing happened in this time.", width, theme)
    columns = _columns(days, [*(colours or ())])
    series = _series(columns.names, colours or {})
    values = axes.ticks(max(sum(counts.values()) for counts in columns.counts.values()))
    left = EDGE + svg.width_of(f"{values[-1]:,.0f}", 11) + 12
    parts, top = axes.heading(name, "mails " + ("a day" if columns.step == 1 else f"in {columns.step} days"), width)
    plot = Plot(left=left, right=width - EDGE, top=top + 6, bottom=top + 6 + HIGH)
    parts += axes.levels(plot, values)
    for number, day in enumerate(columns.days):
        parts += _column(plot, columns, number, day, series, values[-1])
    parts += _dates(plot, columns)
    key, end = axes.key(columns.names, plot.bottom + 50, width, [series[one] for one in columns.names])
    return axes.drawn([*parts, *key], width, end, name=name, told=_told(columns), theme=theme)


def _columns(days: Mapping[date, Mapping[str, int]], order: Sequence[str]) -> _Columns:
    """Names in this order, the others behind them by their weight."""
    totals = dict[str, int]()
    for counts in days.values():
        for key, count in counts.items():
            totals[key] = totals.get(key, 0) + count
    first, last = min(days), max(days)
    step = next(step for step in (1, 7, 14, 28, 91, 10_000) if ((last - first).days + 1) / step <= MOST_COLUMNS)
    grouped = dict[date, dict[str, int]]()
    for day, counts in days.items():
        here = grouped.setdefault(first + timedelta(days=(day - first).days // step * step), {})
        for key, count in counts.items():
            here[key] = here.get(key, 0) + count
    there = [one for one in order if totals.get(one)]
    others = (one for one, count in totals.items() if count and one not in order)
    names = [*there, *sorted(others, key=lambda key: (-totals[key], key))]
    return _Columns(counts=grouped, step=step, names=names)


def _series(names: Sequence[str], colours: Mapping[str, int]) -> Mapping[str, int]:
    free = [one for one in range(len(SERIES)) if one not in colours.values()] or [*range(len(SERIES))]
    others = [one for one in names if one not in colours]
    return {one: free[number % len(free)] for number, one in enumerate(others)} | dict(colours)


def _column(
    plot: Plot, columns: _Columns, number: int, day: date, series: Mapping[str, int], highest: float
) -> list[str]:
    wide, base, parts = (plot.right - plot.left) / len(columns.days), 0, list[str]()
    gap = min(8.0, wide * 0.2)
    for key in columns.names:
        count = columns.counts.get(day, {}).get(key, 0)
        if count:
            y = plot.y((base + count) / highest)
            box = {"x": plot.left + wide * number + gap / 2, "y": y, "width": max(wide - gap, 0.8)}
            said = svg.title(f"{day}: {count:,} {key.replace('_', ' ')}")
            high = plot.y(base / highest) - y
            parts.append(tag("rect", said, height=high, class_=f"s{series[key]}", style="stroke:none", **box))
            base += count
    return parts


def _dates(plot: Plot, columns: _Columns) -> list[str]:
    """The day below the middle of its column, as many as have room; the last one always."""
    wide, days = (plot.right - plot.left) / len(columns.days), columns.days
    every = ceil(LABEL / wide)
    return [
        label(min(plot.left + wide * (number + 0.5), plot.right - 30), plot.bottom + 18, day.isoformat(),
              class_="axis", text_anchor="middle")
        for number, day in enumerate(days)
        if (len(days) - 1 - number) % every == 0 and plot.left + wide * (number + 0.5) > plot.left + 28
    ]  # fmt: skip


def _told(columns: _Columns) -> str:
    sums = {key: sum(counts.get(key, 0) for counts in columns.counts.values()) for key in columns.names}
    return ", ".join(f"{count:,} {key.replace('_', ' ')}" for key, count in sums.items())
