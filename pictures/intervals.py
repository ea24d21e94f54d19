"""The variants of a split beside each other: the rate of each as a mark, where it lies with its interval as a line."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pictures import axes, svg
from pictures.axes import EDGE, Plot
from pictures.svg import Theme, tag


def draw(
    variants: Sequence[Mapping[str, Any]], name: str, told: str, *, width: float = axes.WIDE, theme: Theme = "auto"
) -> str:
    """Variants as an experiment tells them (`variant`, `customers`, `converted`, `rate`, `low`, `high`, `best`)."""
    width = axes.bounded(width)
    if not any(one["customers"] for one in variants):
        return axes.nothing(name, told, width, theme)
    values = _percents(max(one["high"] for one in variants if one["customers"]), 5 if width > 500 else 3)
    parts, top = axes.heading(name, "share who converted, with its 95% interval", width)
    plot, rows, bottom = Plot(left=EDGE + 4, right=width - EDGE - 18, top=top, bottom=top), list[str](), top + 16
    for one in variants:
        row, bottom = _variant(plot, one, bottom, values[-1] / 100)
        rows += row
    plot = replace(plot, bottom=bottom - 10)
    drawn = [*parts, *axes.columns(plot, values, "{:g}%"), *rows]
    return axes.drawn(drawn, width, bottom + 20, name=name, told=told, theme=theme)


def _percents(highest: float, about: int) -> list[float]:
    """Round percents from zero to beyond the highest share, also of rare things."""
    for unit in (0.01, 0.1, 1.0):
        if highest * 100 <= 10 * unit * about:
            return [round(one * unit, 2) for one in axes.ticks(highest * 100 / unit, about)]
    return axes.ticks(min(highest, 1.0) * 100, about)


def _variant(plot: Plot, one: Mapping[str, Any], y: float, highest: float) -> tuple[list[str], float]:
    """What a variant did, in words and as a line; and where the next one begins."""
    said, rate = _said(one), one["rate"] or 0.0
    parts, y = axes.lines(said, plot.left + 6, y, plot.right - plot.left - 6)
    if not one["customers"]:
        return parts, y + 8
    low, high = plot.x(one["low"] / highest), plot.x(min(one["high"], highest) / highest)
    line = f"M{low:.1f},{y:.1f} H{high:.1f} M{low:.1f},{y - 5:.1f} V{y + 5:.1f} M{high:.1f},{y - 5:.1f} V{y + 5:.1f}"
    parts.append(tag("path", svg.title(said), d=line, class_="reach"))
    return [*parts, tag("circle", cx=plot.x(rate / highest), cy=y, r=5, class_="mark")], y + 30


def _said(one: Mapping[str, Any]) -> str:
    name = one["variant"] + (" (held back)" if one["holdout"] else "")
    if not one["customers"]:
        return f"{name}: nobody yet"
    return (
        f"{name}: {one['converted']:,} of {one['customers']:,}, {one['rate']:.1%} ({one['low']:.1%} to "
        f"{one['high']:.1%}), best with {one['best']:.0%}"
    )
