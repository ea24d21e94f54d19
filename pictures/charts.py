"""Charts of simulations: customers per stage over time, two versions side by side, one customer's path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pictures import svg
from pictures.axes import round_up
from pictures.svg import SERIES, Theme, cut, label, tag

WIDTH, HEIGHT = 920.0, 360.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 190.0, 52.0, 40.0
"""Pixels: a chart with the margins that hold its scale, its key, its name and its dates, at the sizes of `STYLE`."""

STYLE = (
    ".name{font-size:16px;font-weight:600}.axis{font-size:11px;fill:var(--faint)}.key{font-size:12px}"
    ".grid{stroke:var(--line);stroke-width:.7}.sub{font-size:12px;fill:var(--faint)}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStay:
    """A stretch of time that somebody spent in a stage (`ends` is open where they are still there)."""

    stage: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened: a mail, a skipped mail, an event."""

    at: datetime
    text: str
    kind: str


def areas(days: Mapping[date, Mapping[str, int]], order: Sequence[str], name: str, theme: Theme = "auto") -> str:
    """How many stood in each stage, stacked, over time."""
    if len(days) < 2:
        return _nothing(name, theme)
    highest = max(sum(counts.values()) for counts in days.values()) or 1
    ordered = sorted(days)
    first, last = ordered[0], ordered[-1]
    step = max(1, len(ordered) // 400)
    shown = [*ordered[::step], last]
    parts = [_heading(name, "customers"), *_grid(highest), *_dates(first, last)]
    base = [0.0] * len(shown)
    for index, key in enumerate(order):
        top = [low + days[day].get(key, 0) for low, day in zip(base, shown, strict=True)]
        xs = [LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / (last - first).days for day in shown]
        up = " ".join(f"{x:.1f},{_y(value, highest):.1f}" for x, value in zip(xs, top, strict=True))
        down = " ".join(f"{x:.1f},{_y(value, highest):.1f}" for x, value in zip(xs[::-1], base[::-1], strict=True))
        parts.append(tag("polygon", svg.title(key), points=f"{up} {down}", fill=_colour(index), fill_opacity=0.85))
        base = top
    return _finish(parts, list(order), name, theme)


def compared(rows: Sequence[tuple[str, int, int]], names: tuple[str, str], name: str, theme: Theme = "auto") -> str:
    """Two versions side by side: a pair of bars for each row."""
    if not rows:
        return _nothing(name, theme)
    highest = max(max(left, right) for _, left, right in rows) or 1
    height = TOP + 30 + 46 * len(rows)
    wide = WIDTH - 220 - 110
    parts = [_heading(name, "")]
    for index, (text, left, right) in enumerate(rows):
        y = TOP + 16 + 46 * index
        parts.append(label(200, y + 20, cut(text, 12, 180), class_="key", text_anchor="end"))
        for offset, value, colour in ((0, left, _colour(0)), (17, right, _colour(1))):
            parts.append(
                tag("rect", x=212, y=y + offset, width=max(wide * value / highest, 1), height=14, fill=colour, rx=2)
            )
            parts.append(label(218 + wide * value / highest, y + offset + 11.5, f"{value:,}", class_="axis"))
    for index, text in enumerate(names):
        parts.append(tag("rect", x=WIDTH - 300 + 150 * index, y=20, width=11, height=11, rx=2, fill=_colour(index)))
        parts.append(label(WIDTH - 283 + 150 * index, 30, cut(text, 12, 125), class_="key"))
    return svg.document(WIDTH, height, parts, name=name, theme=theme, style=STYLE)


def path(spans: Sequence[StageStay], marks: Sequence[Mark], name: str, theme: Theme = "auto") -> str:
    """One customer over time: a row for each stage, and what happened as marks above."""
    if not spans:
        return _nothing(name, theme)
    stages = list(dict.fromkeys(one.stage for one in spans))
    first, last = spans[0].begins, max(one.ends for one in spans)
    total = max((last - first).total_seconds(), 1.0)
    rows = _staggered(marks, first, total)
    above = 26.0 + 19 * (max((row for row, _ in rows), default=-1) + 1)
    height = TOP + above + 34 * len(stages) + BOTTOM

    def x(at: datetime) -> float:
        return 150 + (WIDTH - 150 - 40) * (at - first).total_seconds() / total

    parts = [_heading(name, f"{first:%Y-%m-%d} to {last:%Y-%m-%d}")]
    for row, mark in rows:
        y, colour = TOP + 14 + 19 * row, {"send": "var(--accent)", "skip": "var(--here)"}.get(mark.kind, "var(--edge)")
        parts.append(
            tag(
                "path", d=f"M{x(mark.at):.1f},{y + 4:.1f} V{height - BOTTOM:.1f}", class_="grid", stroke_dasharray="2 3"
            )
        )
        parts.append(
            tag("circle", svg.title(f"{mark.at:%Y-%m-%d %H:%M} {mark.text}"), cx=x(mark.at), cy=y, r=4, fill=colour)
        )
        near_end = x(mark.at) > WIDTH - 200
        at = x(mark.at) - 8 if near_end else x(mark.at) + 8
        parts.append(label(at, y + 4, cut(mark.text, 11, 180), class_="axis", text_anchor="end" if near_end else None))
    for index, stage in enumerate(stages):
        y = TOP + above + 34 * index
        parts.append(label(140, y + 18, cut(stage.replace("_", " "), 12, 130), class_="key", text_anchor="end"))
        for one in (one for one in spans if one.stage == stage):
            box = {"x": x(one.begins), "y": y + 4, "width": max(x(one.ends) - x(one.begins), 2), "height": 20, "rx": 4}
            parts.append(
                tag(
                    "rect",
                    svg.title(f"{stage}: {one.begins:%Y-%m-%d} to {one.ends:%Y-%m-%d}"),
                    fill=_colour(index),
                    **box,
                )
            )
    return svg.document(WIDTH, height, parts, name=name, theme=theme, style=STYLE)


def _staggered(marks: Sequence[Mark], first: datetime, total: float) -> list[tuple[int, Mark]]:
    """Each mark in the first row where its text does not lie on another."""
    ends: list[float] = []
    placed: list[tuple[int, Mark]] = []
    for mark in sorted(marks, key=lambda one: one.at)[:40]:
        x = (WIDTH - 190) * (mark.at - first).total_seconds() / total
        wide = min(svg.width_of(mark.text, 11), 180) + 22
        near_end = x + 150 > WIDTH - 200
        begins, finishes = (x - wide, x + 8) if near_end else (x - 8, x + wide)
        row = next((index for index, end in enumerate(ends) if end < begins), len(ends))
        if row == len(ends):
            ends.append(finishes)
        ends[row] = max(ends[row], finishes)
        placed.append((row, mark))
    return placed


# -- axes --------------------------------------------------------------------------------------------------------------


def _heading(name: str, unit: str) -> str:
    return label(20, 30, name, class_="name") + label(32 + 1.12 * svg.width_of(name, 16), 30, unit, class_="sub")


def _y(value: float, highest: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / highest


def _grid(highest: float) -> list[str]:
    step = round_up(highest / 4)
    parts: list[str] = []
    value = 0.0
    while value <= highest:
        y = _y(value, highest)
        parts.append(tag("path", d=f"M{LEFT:.1f},{y:.1f} H{WIDTH - RIGHT:.1f}", class_="grid"))
        parts.append(label(LEFT - 8, y + 4, f"{value:,.0f}", class_="axis", text_anchor="end"))
        value += step
    return parts


def _dates(first: date, last: date) -> list[str]:
    days = max((last - first).days, 1)
    parts: list[str] = []
    for index in range(6):
        day = first + timedelta(days=round(days * index / 5))
        x = LEFT + (WIDTH - LEFT - RIGHT) * index / 5
        anchor = "start" if index == 0 else "end" if index == 5 else "middle"
        parts.append(label(x, HEIGHT - BOTTOM + 20, day.isoformat(), class_="axis", text_anchor=anchor))
    return parts


def _colour(index: int) -> str:
    return SERIES[index % len(SERIES)]


def _finish(parts: list[str], names: Sequence[str], name: str, theme: Theme) -> str:
    for index, key in enumerate(names[:14]):
        y = TOP + 8 + 20 * index
        parts.append(tag("rect", x=WIDTH - RIGHT + 18, y=y - 9, width=11, height=11, rx=2, fill=_colour(index)))
        parts.append(label(WIDTH - RIGHT + 35, y + 1, cut(key.replace("_", " "), 12, RIGHT - 45), class_="key"))
    return svg.document(WIDTH, HEIGHT, parts, name=name, theme=theme, style=STYLE)


def _nothing(name: str, theme: Theme) -> str:
    parts = [_heading(name, ""), label(20, 62, "Nothing happened in this time.", class_="sub")]
    return svg.document(WIDTH, 90.0, parts, name=name, theme=theme, style=STYLE)
