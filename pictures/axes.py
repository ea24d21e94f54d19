"""What every chart of a report has: a name with what it counts, an axis that begins at zero, and a key.

A chart is as wide as it is asked to be; its letters stay as large as they are. So a narrow one is drawn anew, and not
made smaller until nobody can read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pictures import svg
from pictures.svg import SERIES, Theme, cut, label, tag

WIDE, NARROWEST, WIDEST = 920.0, 320.0, 1_600.0
"""Pixels: what a chart is where nobody says, the screen of a small telephone, and a poster."""

EDGE = 20.0
"""Pixels left free at the left and the right of a picture."""

LINE = 16.0
"""Pixels from one line of text to the next."""

STYLE = (
    ".name{font-size:16px;font-weight:600}.unit{font-size:12px;fill:var(--faint)}.axis{font-size:11px;fill:var(--faint)}"
    ".text{font-size:12px}.small{font-size:11px}.grid{stroke:var(--line);stroke-width:.7;fill:none}"
    ".zero{stroke:var(--edge);stroke-width:1.2;fill:none}.line{stroke-width:2;fill:none;stroke-linejoin:round}"
    ".bar{fill:var(--accent)}.back{fill:var(--soft)}.flow{fill-opacity:var(--flow)}.cell{fill:var(--accent)}"
    ".still{stroke:var(--here);stroke-width:1.5;fill:none}.mark{fill:var(--accent)}"
    ".none{stroke:var(--line);stroke-width:.5;fill:none}"
    ".reach{stroke:var(--accent);stroke-width:2}"
    ".over{paint-order:stroke;stroke:var(--box);stroke-width:5px;stroke-linejoin:round}"
    + "".join(f".s{number}{{fill:{one};stroke:{one}}}.l{number}{{stroke:{one}}}" for number, one in enumerate(SERIES))
)
"""The classes of all charts of reports; `s0` to `s9` are filled with the colours of a series, `l0` to `l9` drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """The field in which something is drawn, in pixels."""

    left: float
    right: float
    top: float
    bottom: float

    def x(self, share: float) -> float:
        """From the left (0) to the right (1)."""
        return self.left + (self.right - self.left) * share

    def y(self, share: float) -> float:
        """From the bottom (0) to the top (1)."""
        return self.bottom - (self.bottom - self.top) * share


def bounded(width: float) -> float:
    """A width in which something can be drawn."""
    return min(max(width, NARROWEST), WIDEST)


def heading(name: str, unit: str, width: float) -> tuple[list[str], float]:
    """The name of a picture, and below it what is counted in it; and where what is drawn may begin."""
    parts, y = list[str](), 30.0
    for class_, size, text in (("name", 16, name), ("unit", 12, unit)):
        for line in wrapped(text, size, width - 2 * EDGE) if text else ():
            parts.append(label(EDGE, y, line, class_=class_))
            y += size + 4
    return parts, y + 6


def ticks(highest: float, about: int = 4) -> list[float]:
    """Round values from zero to the first one that is not below `highest`, some `about` of them."""
    step = round_up(highest / about)
    values = [0.0]
    while values[-1] < highest:
        values.append(values[-1] + step)
    return values if len(values) > 1 else [0.0, step]


def round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50, …: a step of whole things."""
    power = 1
    while power * 10 < value:
        power *= 10
    return max(1, next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value))


def levels(plot: Plot, values: Sequence[float], of: str = "{:,.0f}") -> list[str]:
    """Lines across at these values, the last of them on top; zero stands out."""
    parts: list[str] = []
    for value in values:
        y = plot.y(value / values[-1])
        parts.append(tag("path", d=f"M{plot.left:.1f},{y:.1f} H{plot.right:.1f}", class_="grid" if value else "zero"))
        parts.append(label(plot.left - 8, y + 4, of.format(value), class_="axis", text_anchor="end"))
    return parts


def columns(plot: Plot, values: Sequence[float], of: str = "{:,.0f}") -> list[str]:
    """Lines down at these values, the last of them at the right; zero stands out."""
    parts: list[str] = []
    for value in values:
        x = plot.x(value / values[-1])
        parts.append(tag("path", d=f"M{x:.1f},{plot.top:.1f} V{plot.bottom:.1f}", class_="grid" if value else "zero"))
        parts.append(label(x, plot.bottom + 16, of.format(value), class_="axis", text_anchor="middle"))
    return parts


def dates(plot: Plot, first: date, last: date) -> list[str]:
    """Days below a plot, as many as have room."""
    days = max((last - first).days, 1)
    count = max(2, min(6, int((plot.right - plot.left) / 110)))
    parts: list[str] = []
    for index in range(count):
        share = index / (count - 1)
        day = first + timedelta(days=round(days * share))
        anchor = "start" if index == 0 else "end" if index == count - 1 else "middle"
        parts.append(label(plot.x(share), plot.bottom + 20, day.isoformat(), class_="axis", text_anchor=anchor))
    return parts


def key(
    names: Sequence[str], top: float, width: float, colours: Sequence[int] | None = None
) -> tuple[list[str], float]:
    """What each colour is, in as many rows as it takes; and where the rows end. `colours` are places of the series."""
    numbers = colours or range(len(names))
    parts, x, y = list[str](), EDGE, top
    for index, name in zip(numbers, names, strict=True):
        text = cut(name.replace("_", " "), 12, width - 2 * EDGE - 20)
        wide = svg.width_of(text, 12) + 34
        if x > EDGE and x + wide > width - EDGE:
            x, y = EDGE, y + 20
        parts.append(tag("rect", x=x, y=y - 10, width=11, height=11, rx=2, class_=f"s{index % len(SERIES)}"))
        parts.append(label(x + 17, y, text, class_="text"))
        x += wide
    return parts, y + 14


def drawn(parts: Sequence[str], width: float, height: float, *, name: str, told: str, theme: Theme) -> str:
    """A whole chart; `told` is what it shows in words, for whoever does not see it."""
    return svg.document(width, height, parts, name=name, theme=theme, style=STYLE, told=told)


def nothing(name: str, told: str, width: float, theme: Theme) -> str:
    """A chart of nothing: a sentence in its place."""
    parts, top = heading(name, "", width)
    text, end = lines(told, EDGE, top + 8, width - 2 * EDGE)
    return drawn([*parts, *text], width, end + 6, name=name, told=told, theme=theme)


def lines(text: str, x: float, y: float, width: float, class_: str = "text") -> tuple[list[str], float]:
    """A sentence in as many lines as it takes, the first at `y`; and where the next one would be.

    No line of a grid runs through its letters.
    """
    rows = wrapped(text, 12, width)
    kind = f"{class_} over"
    return [label(x, y + LINE * number, row, class_=kind) for number, row in enumerate(rows)], y + LINE * len(rows)


def wrapped(text: str, size: float, width: float) -> list[str]:
    """A sentence in lines that are no wider."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and svg.width_of(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return [cut(line, size, width) for line in lines]
