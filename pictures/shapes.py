"""What a layout is made of: boxes and the ways between them, in pixels from the top left."""

from dataclasses import dataclass, field

LABEL_HEIGHT = 17.0
"""Pixels of one line of a label: letters of 11.5 with half as much again between the lines."""

MARGIN = 36.0
"""Pixels left free round a whole drawing."""

Point = tuple[float, float]
Edge = tuple[str, str]


@dataclass(slots=True)
class Box:
    """A box with its top left corner."""

    key: str
    width: float
    height: float
    layer: int = 0
    x: float = 0.0
    y: float = 0.0

    @property
    def middle(self) -> float:
        """Pixels from the left to its middle."""
        return self.x + self.width / 2


@dataclass(slots=True)
class Connector:
    """From one box to another, past `bends`; `loop` says that it comes back to its own box."""

    source: str
    target: str
    points: list[Point] = field(default_factory=list[Point])
    anchor: Point = (0.0, 0.0)
    loop: bool = False


@dataclass(slots=True)
class Layout:
    """Boxes by key and ways by their ends, with the size of the whole, all in pixels."""

    boxes: dict[str, Box]
    ways: dict[Edge, Connector]
    width: float
    height: float
    labelled: bool = True
    """Whether the labels of the ways have places; a journey with very many ways is drawn without."""


def curve(way: Connector) -> str:
    """The way as an SVG path: straight past boxes, bent in between."""
    if way.loop:
        return "M{:.1f},{:.1f} C{:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f}".format(*(n for p in way.points for n in p))
    x, y = way.points[0]
    path = f"M{x:.1f},{y:.1f}"
    for nx, ny in way.points[1:]:
        half = (y + ny) / 2
        path += (
            f" L{nx:.1f},{ny:.1f}"
            if abs(nx - x) < 0.05
            else f" C{x:.1f},{half:.1f} {nx:.1f},{half:.1f} {nx:.1f},{ny:.1f}"
        )
        x, y = nx, ny
    return path
