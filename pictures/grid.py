"""A layout for journeys with very many ways: boxes in rows, in the order written, ways straight and without labels.

It takes one pass, whatever the journey.
"""

from collections.abc import Mapping, Sequence
from math import ceil, sqrt

from pictures.shapes import MARGIN, Box, Connector, Edge, Layout

GAP_X, GAP_Y = 60.0, 90.0
"""Pixels between boxes, beside and below, for the bends of the ways."""


def arrange(sizes: Mapping[str, tuple[float, float]], edges: Sequence[Edge]) -> Layout:
    """Lay boxes of these sizes out in as many rows as columns."""
    boxes = {key: Box(key, *size) for key, size in sizes.items()}
    columns = ceil(sqrt(len(boxes)))
    wide = max(box.width for box in boxes.values()) + GAP_X
    top, rows = MARGIN + 30, list(boxes.values())
    for layer, start in enumerate(range(0, len(rows), columns)):
        row = rows[start : start + columns]
        for column, box in enumerate(row):
            box.layer, box.x, box.y = layer, MARGIN + column * wide, top
        top += max(box.height for box in row) + GAP_Y
    ways = {edge: _way(boxes[edge[0]], boxes[edge[1]]) for edge in edges}
    return Layout(boxes, ways, MARGIN + columns * wide, top - GAP_Y + MARGIN, labelled=False)


def _way(source: Box, target: Box) -> Connector:
    """Down from the bottom to the top, up from the top to the bottom, and beside each other from side to side."""
    way = Connector(source.key, target.key)
    if source is target:
        x, y = source.x + source.width - 20, source.y
        way.loop, way.points = True, [(x - 44, y), (x - 44, y - 32), (x, y - 32), (x, y)]
    elif source.layer == target.layer:
        middle = source.y + min(source.height, target.height) / 2
        leftwards = target.x < source.x
        way.points = [
            (source.x if leftwards else source.x + source.width, middle),
            (target.x + target.width if leftwards else target.x, middle),
        ]
    else:
        down = source.layer < target.layer
        way.points = [
            (source.middle, source.y + source.height if down else source.y),
            (target.middle, target.y if down else target.y + target.height),
        ]
    return way
