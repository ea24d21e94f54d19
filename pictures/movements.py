"""Movements between stages: a flow from left to right where there are few stages, a matrix where there are many.

Where the numbers of a matrix would not fit, on a telephone, the ways are a list, the most used first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pictures import axes, svg
from pictures.axes import EDGE
from pictures.svg import SERIES, Theme, cut, label, tag

MOST_STAGES = 8
"""Stages of a flow: of more the ribbons cannot be followed."""

ENTRY, END = "", "ended"
"""Where who enters comes from, and where who leaves goes."""

HIGH, GAP, THIN = 360.0, 12.0, 3.0
"""Pixels: of all ribbons together, between two stages, and the least of a stage."""

ROW = 30.0
"""Pixels of a row of the list, with its bar."""

MOST_ROWS = 24
"""Ways of a list; the rest is counted."""

OTHER = f"s{len(SERIES) - 2}"
"""The colour of what is no stage: who enters, and who leaves."""

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
    if len(stages) <= MOST_STAGES:
        colours = {one: f"s{number % len(SERIES)}" for number, one in enumerate(dict.fromkeys((*order, *stages)))}
        return _flow(moved, stages, colours, name, told, width, theme)
    if _cell_width(width, stages) >= svg.width_of(max(map(_short, moved.values()), key=len), 11):
        return _matrix(moved, stages, name, told, width, theme)
    return _list(moved, name, told, width, theme)


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


def _flow(
    moved: Flows, stages: Sequence[str], colours: Mapping[str, str], name: str, told: str, width: float, theme: Theme
) -> str:
    """A stage has the colour of its place among all of them, in every picture of the journey."""
    total = sum(moved.values())
    sources = [one for one in (ENTRY, *stages) if any(way[0] == one for way in moved)]
    targets = [one for one in (*stages, END) if any(way[1] == one for way in moved)]
    scale = HIGH / total
    parts, top = axes.heading(name, "movements, as thick as there were of them; from the left to the right", width)
    sides = (_side(moved, sources, 0, scale, top), _side(moved, targets, 1, scale, top))
    room = min(190.0, width * 0.38)
    left, right = EDGE + room, width - EDGE - room
    for source in sources:
        for target in targets:
            if count := moved.get((source, target)):
                parts.append(_ribbon(sides, (source, target), count, scale, (left, right), colours.get(source, OTHER)))
    for side, names, x in ((0, sources, left), (1, targets, right)):
        for one in names:
            place, colour = sides[side].places[one], colours.get(one, OTHER)
            parts += _stage(place, one, _sum(moved, one, side), x, side, colour, room)
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
    place: tuple[float, float], stage: str, count: int, x: float, side: int, colour: str, room: float
) -> list[str]:
    """The bar of a stage, with its name and its count: below each other where they do not fit beside each other."""
    y, high = place
    lines = [f"{shown(stage)} {count:,}"]
    if svg.width_of(lines[0], 12) > room - 10:
        lines = [cut(shown(stage), 12, room - 10), f"{count:,}"]
    box = tag("rect", x=x if side == 0 else x - 8, y=y, width=8, height=high, class_=colour, style="stroke:none")
    anchor, middle = "end" if side == 0 else "start", y + max(high, 15) / 2 + 4 - 7 * (len(lines) - 1)
    at = x - 6 if side == 0 else x + 6
    return [
        box,
        *(label(at, middle + 14 * row, text, class_="text", text_anchor=anchor) for row, text in enumerate(lines)),
    ]


def shown(stage: str) -> str:
    """A stage as it stands in a picture."""
    return {ENTRY: "entered", END: "ended"}.get(stage, stage.replace("_", " "))


# -- a matrix ----------------------------------------------------------------------------------------------------------


def _matrix(moved: Flows, stages: Sequence[str], name: str, told: str, width: float, theme: Theme) -> str:
    """A row for where they came from, a column (by its number) for where they went, darker the more there were."""
    rows = [one for one in (ENTRY, *stages) if _sum(moved, one, 0)]
    numbered = [*stages, END]
    cell = _cell_width(width, stages)
    room = _room(width)
    unit = "movements from the stage of the row to the stage of the column; × is the end"
    parts, top = axes.heading(name, unit, width)
    most, top = max(moved.values()), top + 18
    for column, one in enumerate(numbered):
        x = EDGE + room + cell * (column + 0.5)
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
    return [
        tag("rect", said, class_="cell", fill_opacity=round(shade, 3), **box),
        label(x + wide / 2, y + 17, _short(count), class_="small", text_anchor="middle"),
    ]


def _room(width: float) -> float:
    """Pixels for the names of the rows."""
    return min(190.0, width * 0.34)


def _cell_width(width: float, stages: Sequence[str]) -> float:
    return min(64.0, (width - 2 * EDGE - _room(width)) / (len(stages) + 1))


def _short(count: int) -> str:
    """A count in a small place: 17, 9,400, 12k, 3M."""
    for least, letter in ((1_000_000, "M"), (10_000, "k")):
        if count >= least:
            return f"{count // (1_000_000 if letter == 'M' else 1_000)}{letter}"
    return f"{count:,}"


# -- a list ------------------------------------------------------------------------------------------------------------


def _list(moved: Flows, name: str, told: str, width: float, theme: Theme) -> str:
    """A row for each way with its number and a bar from zero, the most used first."""
    parts, top = axes.heading(name, "movements from one stage to another, the most of them first", width)
    ranked = sorted(moved.items(), key=lambda way: -way[1])
    most, wide = ranked[0][1], width - 2 * EDGE
    for number, (way, count) in enumerate(ranked[:MOST_ROWS]):
        y, said = top + ROW * number, f"{count:,}"
        ways = cut(f"{shown(way[0])} → {shown(way[1])}", 12, wide - svg.width_of(said, 12) - 8)
        parts += [
            label(EDGE, y + 12, ways, class_="text"),
            label(width - EDGE, y + 12, said, class_="text", text_anchor="end"),
            tag("rect", x=EDGE, y=y + 17, width=wide, height=5, rx=2.5, class_="back"),
            tag("rect", x=EDGE, y=y + 17, width=max(wide * count / most, 1.5), height=5, rx=2.5, class_="bar"),
        ]
    bottom, rest = top + ROW * min(len(ranked), MOST_ROWS), ranked[MOST_ROWS:]
    if rest:
        left_out = f"and {len(rest):,} more ways, with {sum(count for _, count in rest):,} movements"
        text, bottom = axes.lines(left_out, EDGE, bottom + 14, wide, "axis")
        parts += text
    return axes.drawn(parts, width, bottom + 12, name=name, told=told, theme=theme)
