"""Where the labels of ways stand: on their ways, apart from one another and from the boxes."""

from collections.abc import Iterator, Mapping, Sequence

from pictures.shapes import LABEL_HEIGHT, Box, Connector, Edge, Point

CELL = (160.0, 60.0)
"""Pixels: a label is compared with what lies in the cells that it touches, and not with everything."""


def anchor(way: Connector, lines: int) -> None:
    """Put the label of a way in the middle of its first bend; above it, where it is a loop."""
    if not way.loop:
        (x0, y0), (x1, y1) = way.points[0], way.points[1]
        way.anchor = ((x0 + x1) / 2, (y0 + y1) / 2)
    else:
        way.anchor = (way.anchor[0], way.anchor[1] - lines * LABEL_HEIGHT / 2)


def apart(ways: Mapping[Edge, Connector], labels: Mapping[Edge, tuple[float, int]], boxes: Sequence[Box]) -> None:
    """Move labels along their ways until none lies on another or on a box."""
    taken = _TakenAreas()
    for box in boxes:
        taken.add((box.x - 2, box.y - 2, box.x + box.width + 2, box.y + box.height + 2))
    for edge in sorted(labels, key=lambda one: (not ways[one].loop, ways[one].anchor[1], ways[one].anchor[0])):
        way, (wide, lines) = ways[edge], labels[edge]
        if not way.loop:
            way.anchor = min(
                (_along(way, share / 20) for share in (10, 8, 12, 6, 14, 5, 15, 4, 16, 3, 17)),
                key=lambda point: taken.overlap(_area(point, wide, lines)),
            )
        taken.add(_area(way.anchor, wide, lines))


def _along(way: Connector, share: float) -> Point:
    """A point on the first bend of a way: the curve of `curve` at this share of it."""
    (x0, y0), (x1, y1) = way.points[0], way.points[1]
    half = (y0 + y1) / 2
    a, b, c, d = (1 - share) ** 3, 3 * (1 - share) ** 2 * share, 3 * (1 - share) * share**2, share**3
    return a * x0 + b * x0 + c * x1 + d * x1, a * y0 + b * half + c * half + d * y1


Area = tuple[float, float, float, float]


def _area(anchor: Point, wide: float, lines: int) -> Area:
    high = lines * LABEL_HEIGHT / 2
    return anchor[0] - wide / 2 - 3, anchor[1] - high, anchor[0] + wide / 2 + 3, anchor[1] + high


class _TakenAreas:
    """The areas that are taken, by the cells that they touch."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], list[Area]] = {}

    def add(self, area: Area) -> None:
        for cell in _cells(area):
            self._cells.setdefault(cell, []).append(area)

    def overlap(self, area: Area) -> float:
        """How many square pixels of `area` are taken."""
        near = dict.fromkeys(one for cell in _cells(area) for one in self._cells.get(cell, ()))
        return sum(
            max(0.0, min(area[2], one[2]) - max(area[0], one[0]))
            * max(0.0, min(area[3], one[3]) - max(area[1], one[1]))
            for one in near
        )


def _cells(area: Area) -> Iterator[tuple[int, int]]:
    left, top, right, bottom = (int(edge // CELL[index % 2]) for index, edge in enumerate(area))
    return ((x, y) for x in range(left, right + 1) for y in range(top, bottom + 1))
