"""The plan of a publish as a picture: from where to where, a ribbon for each change, as thick as it has customers.

It takes the changes as a plan tells them, and must not know how they were found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pictures import svg
from pictures.svg import Theme, cut, label, tag

WIDTH, TOP, BOX, GAP = 760.0, 74.0, 250.0, 14.0
"""Pixels: the picture, what stands above the first row, a place, and between two rows."""

THIN, THICK = 30.0, 92.0
"""Pixels of a row: two lines of text fit into the first; the largest change has the second."""

MOST_ROWS = 24
"""Changes that are shown, the largest first: two screens. How many more there are is said below."""

DANGEROUS = ("stranded", "mails_again", "mails_at_once", "would_leave")
"""Kinds that are drawn in the colour of warnings."""

STYLE = (
    ".name{font-size:16px;font-weight:600}.side{font-size:12px;fill:var(--faint)}.place{font-size:12px}"
    ".stage{font-size:11px;fill:var(--faint)}.kind{font-size:11.5px;font-weight:600;fill:var(--accent)}"
    ".box{fill:var(--box);stroke:var(--line)}.way{fill:var(--soft)}"
    ".danger{fill:var(--here);fill-opacity:.18}.warned{fill:var(--here)}"
)


@dataclass(frozen=True, slots=True)
class _Row:
    """One change with the upper edge and the height of its row."""

    change: Mapping[str, Any]
    y: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def draw(changes: Sequence[Mapping[str, Any]], name: str, sides: tuple[str, str], theme: Theme = "auto") -> str:
    """The changes of a plan (`kind`, `from`, `to`, `count`), under the names of its two versions."""
    shown = sorted(changes, key=lambda one: -one["count"])[:MOST_ROWS]
    rows = _rows(shown)
    end = rows[-1].y + rows[-1].height if rows else TOP
    left_out = len(changes) - len(shown)
    told = f"and {left_out} smaller changes" if left_out else "" if rows else "nobody is under way"
    parts = [
        label(20, 30, name, class_="name"),
        label(20, 58, sides[0], class_="side"),
        label(WIDTH - 20 - BOX, 58, sides[1], class_="side"),
        *(part for row in rows for part in _drawn(row)),
        *([label(20, end + 24, told, class_="side")] if told else []),
    ]
    return svg.document(WIDTH, end + (36 if told else 18), parts, name=name, theme=theme, style=STYLE, ground="paper")


def _rows(changes: Sequence[Mapping[str, Any]]) -> list[_Row]:
    most, y, rows = max((one["count"] for one in changes), default=1), TOP, list[_Row]()
    for one in changes:
        height = THIN + (THICK - THIN) * one["count"] / most
        rows.append(_Row(one, y, height))
        y += height + GAP
    return rows


def _drawn(row: _Row) -> list[str]:
    kind, count = row.change["kind"], row.change["count"]
    danger = kind in DANGEROUS
    said = f"{count:,} {kind.replace('_', ' ')}" + (" ⚠" if danger else "")
    ribbon = tag(
        "rect", svg.title(f"{said}: {_named(row, 'from')} → {_named(row, 'to')}"),
        x=20 + BOX, y=row.y, width=WIDTH - 40 - 2 * BOX, height=row.height, class_="danger" if danger else "way",
    )  # fmt: skip
    middle = {"text_anchor": "middle", "class_": "kind warned" if danger else "kind"}
    text = label(WIDTH / 2, row.middle + 4, cut(f"{said} →", 11.5, WIDTH - 48 - 2 * BOX), **middle)
    return [ribbon, text, *_place(row, "from", 20), *_place(row, "to", WIDTH - 20 - BOX)]


def _place(row: _Row, side: str, x: float) -> list[str]:
    place = row.change[side]
    step = (place["step"] or "rests").removeprefix(f"{place['stage']}/")
    return [
        tag("rect", x=x, y=row.y, width=BOX, height=row.height, rx=6, class_="box"),
        label(x + 10, row.middle - 2, cut(place["stage"], 11, BOX - 20), class_="stage"),
        label(x + 10, row.middle + 12, cut(step, 12, BOX - 20), class_="place"),
    ]


def _named(row: _Row, side: str) -> str:
    place = row.change[side]
    return str(place["step"] or f"{place['stage']} (rests)")
