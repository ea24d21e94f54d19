"""Movements between stages: a flow from left to right where there are few stages, a matrix where there are many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from pictures import axes, svg
from pictures.axes import EDGE
from pictures.svg import SERIES, Theme, cut, label, tag

MOST_STAGES = 8
"""Stages of a flow: of more the ribbons cannot be followed."""

ENTRY, END = "", "ended"
"""Where who enters comes from, and where who leaves goes."""

HIGH, GAP, THIN = 360.0, 12.0, 3.0
"""Pixels: of all ribbons together, between two stages, and the least of a stage."""

NARROW = 20.0
"""Pixels of a column of the matrix above which its number fits; of narrower ones some have none."""

Flows = Mapping[tuple[str, str], int]
"""How many moved from one stage to another; from "" who entered, to `ended` who left."""


def draw(
    flows: Flows, order: Sequence[str], name: str, told: str, *, width: float = axes.WIDE, theme: Theme = "auto"
) -> str:
    """The movements between stages in this order; `told` says it in words."""
    width = axes.bounded(width)
    moved = {way: count for way, count in flows.items() if count}
    if not moved:
        return axes.nothing(name, told, width, theme)
    stages = [one for one in order if any(one in way for way in moved)]
    stages += sorted({one for way in moved for one in way if one not in (ENTRY, END, *stages)})
    if len(stages) > MOST_STAGES:
        return _matrix(moved, stages, name, told, width, theme)
    return _flow(moved, stages, name, told, width, theme)


# -- a flow ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _FlowColumn:
    """A column of stages: where each begins and how high it is, and how much of it has its ribbon already."""

    places: dict[str, tuple[float, float]]
    used: dict[str, float]

    def take(self, stage: str, high: float) -> float:
        """The upper edge of the next ribbon of a stage."""
        before = self.used.get(stage, 0.0)
        self.used[stage] = before + high
        return self.places[stage][0] + before


def _flow(moved: Flows, stages: Sequence[str], name: str, told: str, width: float, theme: Theme) -> str:
    total = sum(moved.values())
    sources = [one for one in (ENTRY, *stages) if any(way[0] == one for way in moved)]
    targets = [one for one in (*stages, END) if any(way[1] == one for way in moved)]
    scale = HIGH / total
    parts, top = axes.heading(name, "movements, as thick as there were of them; from the left to the right", width)
    sides = (_side(moved, sources, 0, scale, top), _side(moved, targets, 1, scale, top))
    room = min(190.0, width * 0.33)
    left, right = EDGE + room, width - EDGE - room
    for source in sources:
        for target in targets:
            if count := moved.get((source, target)):
                parts.append(_ribbon(sides, (source, target), count, scale, (left, right), _colour(source, stages)))
    for side, names, x in ((0, sources, left), (1, targets, right)):
        for one in names:
            parts += _stage(sides[side].places[one], one, _sum(moved, one, side), x, side, stages, room)
    bottom = max(y + high for side in sides for y, high in side.places.values())
    return axes.drawn(parts, width, bottom + 22, name=name, told=told, theme=theme)


def _side(moved: Flows, names: Sequence[str], side: int, scale: float, y: float) -> _FlowColumn:
    places = dict[str, tuple[float, float]]()
    for one in names:
        high = max(_sum(moved, one, side) * scale, THIN)
        places[one] = y, high
        y += max(high, 15.0) + GAP
    return _FlowColumn(places, {})


def _sum(moved: Flows, stage: str, side: int) -> int:
    return sum(count for way, count in moved.items() if way[side] == stage)


def _colour(stage: str, stages: Sequence[str]) -> str:
    return f"s{stages.index(stage) % len(SERIES)}" if stage in stages else f"s{len(SERIES) - 2}"


def _ribbon(
    sides: tuple[_FlowColumn, _FlowColumn],
    way: tuple[str, str],
    count: int,
    scale: float,
    ends: tuple[float, float],
    colour: str,
) -> str:
    high, (left, right) = count * scale, (ends[0] + 8, ends[1] - 8)
    y, to = sides[0].take(way[0], high), sides[1].take(way[1], high)
    half, high = (left + right) / 2, max(high, 0.8)
    path = (
        f"M{left:.1f},{y:.1f} C{half:.1f},{y:.1f} {half:.1f},{to:.1f} {right:.1f},{to:.1f} V{to + high:.1f} "
        f"C{half:.1f},{to + high:.1f} {half:.1f},{y + high:.1f} {left:.1f},{y + high:.1f} Z"
    )
    said = f"{shown(way[0])} → {shown(way[1])}: {count:,}"
    return tag("path", svg.title(said), d=path, class_=f"flow {colour}", stroke="none", style="stroke:none")


def _stage(
    place: tuple[float, float], stage: str, count: int, x: float, side: int, stages: Sequence[str], room: float
) -> list[str]:
    y, high = place
    text = f"{cut(shown(stage), 12, room - 14 - svg.width_of(f' {count:,}', 12))} {count:,}"
    box = tag(
        "rect", x=x if side == 0 else x - 8, y=y, width=8, height=high, class_=_colour(stage, stages),
        style="stroke:none",
    )  # fmt: skip
    anchor = "end" if side == 0 else "start"
    return [
        box,
        label(x - 6 if side == 0 else x + 6, y + max(high, 15) / 2 + 4, text, class_="text", text_anchor=anchor),
    ]


def shown(stage: str) -> str:
    """A stage as it stands in a picture."""
    return {ENTRY: "entered", END: "ended"}.get(stage, stage.replace("_", " "))


# -- a matrix ----------------------------------------------------------------------------------------------------------


def _matrix(moved: Flows, stages: Sequence[str], name: str, told: str, width: float, theme: Theme) -> str:
    """A row for where they came from, a column (by its number) for where they went, darker the more there were."""
    rows = [one for one in (ENTRY, *stages) if _sum(moved, one, 0)]
    numbered = [*stages, END]
    room = min(190.0, width * 0.34)
    cell = min(64.0, (width - 2 * EDGE - room) / len(numbered))
    unit = "movements from the stage of the row to the stage of the column; × is the end"
    parts, top = axes.heading(name, unit, width)
    most, top = max(moved.values()), top + 18
    for column, one in enumerate(numbered):
        x = EDGE + room + cell * (column + 0.5)
        if one == END or column % ceil(NARROW / cell) == 0:
            said = "×" if one == END else str(column + 1)
            parts.append(label(x, top - 8, said, class_="axis", text_anchor="middle"))
    for number, source in enumerate(rows):
        y = top + 26 * number
        written = f"{stages.index(source) + 1} {shown(source)}" if source in stages else shown(source)
        parts.append(label(EDGE, y + 17, cut(written, 12, room - 8), class_="text"))
        for column, target in enumerate(numbered):
            parts += _cell(EDGE + room + cell * column, y, cell, moved.get((source, target), 0), most, (source, target))
    only_reached = [one for one in stages if one not in rows]
    bottom = top + 26 * len(rows)
    for number, one in enumerate(only_reached):
        parts.append(label(EDGE, bottom + 17 + 18 * number, f"{stages.index(one) + 1} {shown(one)}", class_="axis"))
    bottom += 18 * len(only_reached)
    return axes.drawn(parts, width, bottom + 20, name=name, told=told, theme=theme)


def _cell(x: float, y: float, wide: float, count: int, most: int, way: tuple[str, str]) -> list[str]:
    box = {"x": x + 1, "y": y + 1, "width": wide - 2, "height": 24}
    if not count:
        return [tag("rect", class_="none", **box)]
    said = svg.title(f"{shown(way[0])} → {shown(way[1])}: {count:,}")
    shade = 0.12 + 0.43 * count / most
    text = _short(count)
    parts = [tag("rect", said, class_="cell", fill_opacity=round(shade, 3), **box)]
    if svg.width_of(text, 11) <= wide:
        parts.append(label(x + wide / 2, y + 17, text, class_="small", text_anchor="middle"))
    return parts


def _short(count: int) -> str:
    """A count in a small place: 17, 9,400, 12k, 3M."""
    for least, letter in ((1_000_000, "M"), (10_000, "k")):
        if count >= least:
            return f"{count // (1_000_000 if letter == 'M' else 1_000)}{letter}"
    return f"{count:,}"
