"""Where things stand: boxes in layers, and the ways between them, from Sugiyama's algorithm (`fast-sugiyama`).

Everything is in pixels from the top left. A way is a list of points that it passes; between them it bends.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from pictures import grid
from pictures.labels import anchor, apart
from pictures.shapes import LABEL_HEIGHT, MARGIN, Box, Connector, Edge, Layout, Point

UNIT = 10.0
"""Pixels between two neighbours of a layer as `fast-sugiyama` sees them, who knows points and no boxes."""
GAP_X = 46.0
"""Pixels between two boxes of a layer: a way passes between them with its arrow, and touches neither."""
LEAST_GAP = 54.0
"""Pixels between two layers without a label between them: a bend, an arrow, and room for both."""
MOST_WAYS = 300
"""Beyond that a drawing is a grid: nobody follows three hundred ways, and the layers take seconds (measured)."""
MOST_TRANSPOSED = 100
"""Up to so many ways neighbours are swapped where that saves a crossing; it takes most of the time."""
DUMMIES = 1_000_000
"""The bends of each part of the graph are numbered anew, so each part gets numbers of its own."""

BoxSizes = Mapping[str, tuple[float, float]]
Labels = Mapping[Edge, tuple[float, int]]


def arrange(sizes: BoxSizes, edges: Sequence[Edge], labels: Labels) -> Layout:
    """Lay boxes of these sizes out; `labels` holds the width of each edge's label and its number of lines.

    What was laid out before is remembered by its content: the same map is asked for again and again.
    """
    return _remembered(tuple(sizes.items()), tuple(edges), tuple(labels.items()))


@lru_cache(maxsize=64)
def _remembered(
    sizes: tuple[tuple[str, tuple[float, float]], ...],
    edges: tuple[Edge, ...],
    labels: tuple[tuple[Edge, tuple[float, int]], ...],
) -> Layout:
    if len(edges) > MOST_WAYS:
        return grid.arrange(dict(sizes), edges)
    return _layered(dict(sizes), edges, dict(labels))


def _layered(sizes: BoxSizes, edges: Sequence[Edge], labels: Labels) -> Layout:
    boxes = {key: Box(key, *size) for key, size in sizes.items()}
    placed, chains = _sugiyama(list(sizes), [edge for edge in edges if edge[0] != edge[1]])
    ranks = _ranks(placed)
    _across(boxes, placed, ranks)
    gaps = _gaps(edges, labels, chains, ranks)
    rows = _down(boxes, ranks, gaps)
    xs = {key: x * _scale(boxes) for key, (x, _) in placed.items()}
    shift = MARGIN - min([box.x for box in boxes.values()] + [xs[key] - 20 for key in xs])
    for box in boxes.values():
        box.x += shift
    dummies = {key: x + shift for key, x in xs.items() if isinstance(key, int)}
    ways = _ways(boxes, edges, chains, ranks, rows, dummies)
    for edge, (_, lines) in labels.items():
        anchor(ways[edge], lines)
    right = max([box.x + box.width for box in boxes.values()] + [x for way in ways.values() for x, _ in way.points])
    right = max([right] + [ways[edge].anchor[0] + wide / 2 for edge, (wide, _) in labels.items()])
    bottom = max(box.y + box.height for box in boxes.values())
    apart(ways, labels, list(boxes.values()))
    return Layout(boxes, ways, right + MARGIN, bottom + MARGIN)


Vertex = str | int


def _sugiyama(names: Sequence[str], edges: Sequence[Edge]) -> tuple[dict[Vertex, Point], dict[Edge, list[int]]]:
    """Coordinates of boxes and bends (ints), y growing downwards, and the bends of each edge in its direction."""
    number = {name: index for index, name in enumerate(names)}
    ways = sorted({(number[source], number[target]) for source, target in edges})
    against = _against(ways, 0)
    numbered = sorted({(b, a) if (a, b) in against else (a, b) for a, b in ways})
    linked = {end for edge in numbered for end in edge}
    placed: dict[Vertex, Point] = {}
    chains: dict[Edge, list[int]] = {}
    right = 0.0
    if numbered:
        from fast_sugiyama import from_edges  # 5 MB, which a process that draws nothing does without

        parts = from_edges(
            numbered,
            minimum_length=1,
            vertex_spacing=UNIT,
            dummy_vertices=True,
            dummy_size=0.25,
            transpose=len(numbered) <= MOST_TRANSPOSED,
            check_layout=True,
        )
        for index, (positions, wide, high, made) in enumerate(parts):
            known = {_own(int(key), index, names): (x + right, high - y) for key, (x, y) in positions}
            placed |= {names[key] if key < len(names) else key: point for key, point in known.items()}
            linked_by = [
                (_own(int(source), index, names), _own(int(target), index, names)) for source, target in made or []
            ]
            chains |= _chains(names, linked_by, [edge for edge in numbered if edge[0] in known])
            right += wide + UNIT
    for name in names:
        if number[name] not in linked:
            placed[name] = (right, 0.0)
            right += UNIT
    for a, b in against:
        chains[names[a], names[b]] = chains.get((names[b], names[a]), [])[::-1]
    return placed, chains


def _own(key: int, part: int, names: Sequence[str]) -> int:
    return key if key < len(names) else key + part * DUMMIES


def _against(edges: Sequence[tuple[int, int]], start: int) -> set[tuple[int, int]]:
    """The ways that lead back to where one came from, so that without them the start is on top."""
    after: dict[int, list[int]] = {}
    for source, target in edges:
        after.setdefault(source, []).append(target)
    back, done, open_ = set[tuple[int, int]](), set[int](), set[int]()
    for root in [start, *sorted(after)]:
        stack = [(root, iter(after.get(root, ())))] if root not in done else []
        open_.update(node for node, _ in stack)
        while stack:
            node, ways = stack[-1]
            target = next(ways, None)
            if target is None:
                stack.pop()
                open_.discard(node)
                done.add(node)
            elif target in open_:
                back.add((node, target))
            elif target not in done:
                open_.add(target)
                stack.append((target, iter(after.get(target, ()))))
    return back


def _chains(
    names: Sequence[str], made: Sequence[tuple[int, int]], edges: Sequence[tuple[int, int]]
) -> dict[Edge, list[int]]:
    after: dict[int, list[int]] = {}
    for source, target in made:
        after.setdefault(source, []).append(target)
    chains: dict[Edge, list[int]] = {}
    for source, target in edges:
        for first in after.get(source, []):
            chain, here = list[int](), first
            while here >= len(names):
                chain.append(here)
                here = after[here][0]
            if here == target:
                chains[names[source], names[target]] = chain
                break
    return chains


def _ranks(placed: Mapping[Vertex, Point]) -> dict[Vertex, int]:
    levels = sorted({round(y, 3) for _, y in placed.values()})
    return {key: levels.index(round(y, 3)) for key, (_, y) in placed.items()}


def _scale(boxes: Mapping[str, Box]) -> float:
    return (max(box.width for box in boxes.values()) + GAP_X) / UNIT


def _across(boxes: dict[str, Box], placed: Mapping[Vertex, Point], ranks: Mapping[Vertex, int]) -> None:
    scale = _scale(boxes)
    for key, box in boxes.items():
        box.x, box.layer = placed[key][0] * scale - box.width / 2, ranks[key]


def _gaps(
    edges: Sequence[Edge],
    labels: Mapping[Edge, tuple[float, int]],
    chains: Mapping[Edge, list[int]],
    ranks: Mapping[Vertex, int],
) -> dict[int, float]:
    """The height below each layer: room for the labels of the ways that start or end there."""
    lines: dict[int, int] = {}
    for edge in edges:
        gap = ranks[edge[0]] - 1 if edge[0] == edge[1] else _gap_of(edge, chains, ranks)
        lines[gap] = lines.get(gap, 0) + labels.get(edge, (0.0, 0))[1]
    return {gap: LEAST_GAP + LABEL_HEIGHT * min(count, 7) for gap, count in lines.items()}


def _gap_of(edge: Edge, chains: Mapping[Edge, list[int]], ranks: Mapping[Vertex, int]) -> int:
    """The gap (numbered by the layer above it) behind the start of a way, where its label stands."""
    path = [edge[0], *chains.get(edge, []), edge[1]]
    return min(ranks[path[0]], ranks[path[1]])


def _down(
    boxes: dict[str, Box], ranks: Mapping[Vertex, int], gaps: Mapping[int, float]
) -> dict[int, tuple[float, float]]:
    """Top and bottom of each layer; boxes stand at its top."""
    rows: dict[int, tuple[float, float]] = {}
    top = MARGIN + 30 + max(0.0, gaps.get(-1, 0.0) - LEAST_GAP)
    for layer in range(max(ranks.values(), default=0) + 1):
        tall = max((box.height for box in boxes.values() if box.layer == layer), default=0.0)
        rows[layer] = (top, top + tall)
        top += tall + gaps.get(layer, LEAST_GAP)
    for box in boxes.values():
        box.y = rows[box.layer][0]
    return rows


def _ways(
    boxes: Mapping[str, Box],
    edges: Sequence[Edge],
    chains: Mapping[Edge, list[int]],
    ranks: Mapping[Vertex, int],
    rows: Mapping[int, tuple[float, float]],
    dummies: Mapping[int, float],
) -> dict[Edge, Connector]:
    sides: dict[tuple[str, str], list[_End]] = {}
    ways: dict[Edge, Connector] = {}
    for edge in edges:
        source, target = boxes[edge[0]], boxes[edge[1]]
        ways[edge] = way = Connector(*edge)
        if edge[0] == edge[1]:
            way.loop = True
            continue
        bends = chains.get(edge, [])
        for bend in bends:
            top, bottom = rows[ranks[bend]]
            pair = [(dummies[bend], top), (dummies[bend], bottom)]
            way.points += pair if ranks[edge[0]] < ranks[edge[1]] else pair[::-1]
        down = ranks[edge[0]] < ranks[edge[1]] if ranks[edge[0]] != ranks[edge[1]] else True
        out = way.points[0][0] if way.points else target.middle
        into = way.points[-1][0] if way.points else source.middle
        sides.setdefault((edge[0], "bottom" if down else "top"), []).append((out, not down, edge, True))
        sides.setdefault((edge[1], "top" if down else "bottom"), []).append((into, not down, edge, False))
    for (key, side), ends in sides.items():
        _ports(boxes[key], side, ends, ways)
    for way in ways.values():
        if way.loop:
            _round(way, boxes[way.source])
    return ways


_End = tuple[float, bool, Edge, bool]
"""Where a way leads on to (x), whether it goes up, the way, and whether it leaves here."""


def _ports(box: Box, side: str, ends: list[_End], ways: dict[Edge, Connector]) -> None:
    """Share the side of a box among its ways, in the order of where they lead; of two that meet, the one down first."""
    step = min(44.0, box.width / (len(ends) + 1))
    first = box.middle - step * (len(ends) - 1) / 2
    y = box.y + box.height if side == "bottom" else box.y
    for index, (_, _, edge, leaves) in enumerate(sorted(ends)):
        point = (first + index * step, y)
        ways[edge].points.insert(0 if leaves else len(ways[edge].points), point)


def _round(way: Connector, box: Box) -> None:
    x, y = box.x + box.width - 20, box.y
    way.points = [(x - 44, y), (x - 44, y - 32), (x, y - 32), (x, y)]
    way.anchor = (x - 22, y - 28)
