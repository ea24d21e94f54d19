"""The fifths of customers: how many bought how long ago and how often, as a grid of five by five."""

from collections.abc import Sequence

from pictures import axes, svg
from pictures.axes import EDGE
from pictures.svg import Theme, label, tag

FIFTHS = 5

ROW, FIRST = 40.0, 66.0
"""Pixels of a row, and of what stands before it."""


def draw(
    grid: Sequence[Sequence[int]], name: str, told: str, *, width: float = axes.WIDE, theme: Theme = "auto"
) -> str:
    """`grid[r][f]` customers in the fifth r of recency and f of frequency, both from the least on."""
    width = axes.bounded(width)
    total = sum(map(sum, grid))
    if not total:
        return axes.nothing(name, told, width, theme)
    cell, most = min(120.0, (width - 2 * EDGE - FIRST) / FIFTHS), max(map(max, grid))
    parts, top = axes.heading(name, "customers; to the right who bought later, upwards who bought more often", width)
    for row in range(FIFTHS):
        frequency = FIFTHS - 1 - row
        y = top + ROW * row
        parts.append(label(EDGE, y + 24, f"often {frequency + 1}", class_="axis"))
        for recency in range(FIFTHS):
            parts += _cell(EDGE + FIRST + cell * recency, y, cell, grid[recency][frequency], most, total)
    bottom = top + ROW * FIFTHS
    for recency in range(FIFTHS):
        x = EDGE + FIRST + cell * (recency + 0.5)
        parts.append(label(x, bottom + 17, f"late {recency + 1}", class_="axis", text_anchor="middle"))
    return axes.drawn(parts, width, bottom + 32, name=name, told=told, theme=theme)


def _cell(x: float, y: float, wide: float, count: int, most: int, total: int) -> list[str]:
    box = {"x": x + 1, "y": y + 1, "width": wide - 2, "height": ROW - 2, "rx": 3}
    if not count:
        return [tag("rect", class_="none", **box)]
    shade = round(0.08 + 0.47 * count / most, 3)
    return [
        tag(
            "rect", svg.title(f"{count:,} of {total:,}, {count / total:.1%}"), class_="cell", fill_opacity=shade, **box
        ),
        label(x + wide / 2, y + 25, f"{count:,}", class_="text", text_anchor="middle"),
    ]
