"""A series as lines: how many customers stood in each stage when each period closed."""

from collections.abc import Mapping, Sequence
from datetime import date

from pictures import axes, svg
from pictures.axes import EDGE, Plot
from pictures.svg import SERIES, Theme, tag

HIGH = 240.0
"""Pixels of the field."""

DASHES = (None, "6 3", "2 3")
"""How the lines of the first, second and third ten stages are drawn, since there are ten colours."""


def draw(
    periods: Mapping[date, Mapping[str, int]], order: Sequence[str], name: str, told: str,
    *, width: float = axes.WIDE, theme: Theme = "auto",
) -> str:  # fmt: skip
    """A line for each stage in this order; `periods` are counts by the last day of each, `told` says it in words.

    A stage has the colour of its place among all of them; one in which nobody stood has no line.
    """
    width = axes.bounded(width)
    if not any(any(counts.values()) for counts in periods.values()):
        return axes.nothing(name, told, width, theme)
    days = sorted(periods)
    values = axes.ticks(max(max(counts.values(), default=0) for counts in periods.values()))
    left = EDGE + svg.width_of(f"{values[-1]:,.0f}", 11) + 12
    parts, top = axes.heading(name, "customers in each stage when the period closed", width)
    plot = Plot(left=left, right=width - EDGE, top=top, bottom=top + HIGH)
    parts += [*axes.levels(plot, values), *axes.dates(plot, days[0], days[-1])]
    standing = [index for index, stage in enumerate(order) if any(counts.get(stage) for counts in periods.values())]
    for index in standing:
        stage = order[index]
        parts.append(_line(plot, days, [periods[day].get(stage, 0) for day in days], stage, index, values[-1]))
    key, end = axes.key([order[one] for one in standing], plot.bottom + 50, width, standing)
    return axes.drawn([*parts, *key], width, end, name=name, told=told, theme=theme)


def _line(plot: Plot, days: Sequence[date], counts: Sequence[int], stage: str, index: int, highest: float) -> str:
    span = max((days[-1] - days[0]).days, 1)
    places = [
        f"{plot.x((day - days[0]).days / span):.1f},{plot.y(count / highest):.1f}"
        for day, count in zip(days, counts, strict=True)
    ]
    said = svg.title(f"{stage.replace('_', ' ')}: {counts[0]:,} on {days[0]}, {counts[-1]:,} on {days[-1]}")
    dash = DASHES[index // len(SERIES) % len(DASHES)]
    colour = index % len(SERIES)
    if len(places) == 1:
        x, y = places[0].split(",")
        return tag("circle", said, cx=x, cy=y, r=4, class_=f"s{colour}")
    return tag("polyline", said, points=" ".join(places), class_=f"line l{colour}", stroke_dasharray=dash)
