"""Retention as a triangle: a row for each cohort, a column for each period after it, darker the more came back."""

from collections.abc import Mapping, Sequence
from typing import Any

from pictures import axes, svg
from pictures.axes import EDGE
from pictures.svg import Theme, label, tag

ROW = 26.0
"""Pixels of a row."""

FIRST = 132.0
"""Pixels of what stands before a row: its first day, and how many there are."""

LEAST = 38.0
"""Pixels of a cell into which a share fits."""


def draw(
    rows: Sequence[Mapping[str, Any]], by: str, name: str, told: str,
    *, width: float = axes.WIDE, theme: Theme = "auto",
) -> str:  # fmt: skip
    """Cohorts as the report tells them (`from`, `customers`, `periods`); as many periods as have room."""
    width = axes.bounded(width)
    if not rows:
        return axes.nothing(name, told, width, theme)
    most = max(len(one["periods"]) for one in rows)
    fit = min(most, int((width - 2 * EDGE - FIRST) / LEAST))
    cell = min(64.0, (width - 2 * EDGE - FIRST) / fit)
    highest = max((each["rate"] or 0 for one in rows for each in one["periods"][:fit]), default=0) or 1.0
    unit = f"share who came back, by {by}s after the first; framed: the {by} is not over"
    parts, top = axes.heading(name, unit, width)
    top += 18
    for number in range(fit):
        x = EDGE + FIRST + cell * (number + 0.5)
        parts.append(label(x, top - 8, str(number), class_="axis", text_anchor="middle"))
    for place, one in enumerate(rows):
        y = top + ROW * place
        parts.append(label(EDGE, y + 17, str(one["from"]), class_="text"))
        parts.append(label(EDGE + FIRST - 8, y + 17, f"{one['customers']:,}", class_="axis", text_anchor="end"))
        for each in one["periods"][:fit]:
            parts += _cell(EDGE + FIRST + cell * each["number"], y, cell, one, each, highest)
    end = top + ROW * len(rows)
    note = f"0 to {highest:.0%}: the fuller the colour, the larger the share" + (
        f"; {most - fit} later {by}s left out" if most > fit else ""
    )
    parts.append(label(EDGE, end + 20, note, class_="axis"))
    return axes.drawn(parts, width, end + 34, name=name, told=told, theme=theme)


def _cell(
    x: float, y: float, wide: float, one: Mapping[str, Any], each: Mapping[str, Any], highest: float
) -> list[str]:
    if each["rate"] is None:
        return []
    said = (
        f"{one['from']}, {each['number']}: {each['count']:,} of {each['n']:,} ({each['low']:.1%} to {each['high']:.1%})"
    )
    box = {"x": x + 1, "y": y + 1, "width": wide - 2, "height": ROW - 2}
    shade = round(0.05 + 0.5 * each["rate"] / highest, 3)
    parts = [tag("rect", svg.title(said), class_="cell", fill_opacity=shade, **box)]
    if each["running"]:
        parts.append(tag("rect", class_="still", **box))
    return [*parts, label(x + wide / 2, y + 17, f"{each['rate']:.0%}", class_="small", text_anchor="middle")]
