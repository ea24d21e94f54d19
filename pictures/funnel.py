"""The funnel as bars from zero, with what was lost between two of them in words."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pictures import axes, svg
from pictures.axes import EDGE, Plot
from pictures.svg import Theme, tag

BAR = 26.0
"""Pixels of a bar."""


def draw(
    steps: Sequence[Mapping[str, Any]], name: str, told: str, *, width: float = axes.WIDE, theme: Theme = "auto"
) -> str:
    """Steps as the report tells them (`step`, `customers`, `of_all`, `took`, `rest`, `open`)."""
    width = axes.bounded(width)
    if not steps or not steps[0]["customers"]:
        return axes.nothing(name, told, width, theme)
    values = axes.ticks(steps[0]["customers"], 5 if width > 500 else 3)
    parts, top = axes.heading(name, "customers", width)
    plot, rows = Plot(left=EDGE, right=width - EDGE - 14, top=top, bottom=top), list[str]()
    bottom = top + 16
    for number, one in enumerate(steps):
        row, bottom = _step(plot, one, bool(number), bottom, values[-1])
        rows += row
    plot = replace(plot, bottom=bottom - 6)
    return axes.drawn(
        [*parts, *axes.columns(plot, values), *rows], width, bottom + 24, name=name, told=told, theme=theme
    )  # fmt: skip


def _step(plot: Plot, one: Mapping[str, Any], of_all: bool, y: float, highest: float) -> tuple[list[str], float]:
    """What a step is, its bar, and what was lost behind it; and where the next one begins."""
    wide, share = plot.right - plot.left, one["of_all"]
    said = f"{one['customers']:,} {_step_name(one['step'])}"
    if of_all:
        said += f": {share['rate']:.1%} of {share['n']:,} ({share['low']:.1%} to {share['high']:.1%})"
    above, y = axes.lines(said, plot.left + 6, y, wide - 6)
    reach = max(plot.x(one["customers"] / highest) - plot.left, 1.5)
    bars = [
        tag("rect", x=plot.left, y=y - 8, width=wide, height=BAR, rx=3, class_="back"),
        tag("rect", svg.title(said), x=plot.left, y=y - 8, width=reach, height=BAR, rx=3, class_="bar"),
    ]
    below, end = axes.lines(_lost(one), plot.left + 6, y + BAR + 7, wide - 6, "small")
    return [*above, *bars, *below], end + 14


def _step_name(step: str) -> str:
    return step.partition(":")[2] or step


def _lost(one: Mapping[str, Any]) -> str:
    """The drop behind a step in words; nothing behind the last one."""
    if not one["rest"]:
        return ""
    still = f", {one['open']:,} of them have time left" if one["open"] else ""
    return f"− {one['rest']:,} ({one['rest'] / one['customers']:.1%}) went no further{still}"
