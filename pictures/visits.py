"""Where a customer has been: a bar for each visit of a stage, its steps inside, mails as points, waits ahead hatched.

It knows no journey and no clock: what is drawn is given with its instants, and `now` divides what was from what comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from pictures import axes, svg
from pictures.axes import EDGE, Plot
from pictures.svg import Theme, tag

BAR, ROW = 16.0, 46.0
"""Pixels of a bar, and from one bar to the next with the line above it that says what it is."""

SHORTEST = 3.0
"""Pixels of a bar that has no length: seen, and pointed at."""

BY_THE_HOUR = timedelta(days=3)
"""A span up to this is marked by hours, a longer one by days: six marks of it are half a day apart."""

STYLE = (
    ".visit{fill:var(--soft);stroke:var(--accent);stroke-width:1}.visit.gone{stroke:var(--edge)}"
    ".ahead{stroke:var(--accent);stroke-width:1;stroke-dasharray:3 3}.hatch{stroke:var(--accent);stroke-width:1.4}"
    ".step{stroke:var(--edge);stroke-width:1.2}.mail{fill:var(--accent);stroke:var(--box);stroke-width:1.5}"
    ".mail.not{fill:var(--here)}.mail.planned{fill:var(--box);stroke:var(--accent);stroke-width:2}"
    ".now{stroke:var(--here);stroke-width:1.4;stroke-dasharray:4 3;fill:none}.now-told{font-size:11px;fill:var(--here)}"
)
"""The classes of this picture, beside those of all charts."""

HATCH = (
    '<defs><pattern id="hatched" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path d="M0,0 V7" class="hatch"/></pattern></defs>'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPoint:
    """Something at one instant, in words; `kind` is step, mail, not (a mail that did not go) or planned (one ahead)."""

    at: datetime
    kind: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitBar:
    """A visit: what it is, from when to when, and what happened in it; `ahead` is until when it is foreseen to last."""

    name: str
    since: datetime
    until: datetime | None
    points: Sequence[VisitPoint] = ()
    ahead: datetime | None = None


def draw(
    bars: Sequence[VisitBar],
    now: datetime,
    zone: tzinfo,
    name: str,
    told: str,
    *,
    width: float = axes.WIDE,
    theme: Theme = "auto",
) -> str:
    """The visits, in their order; marks are instants on the clock of `zone`."""
    width = axes.bounded(width)
    if not bars:
        return axes.nothing(name, told, width, theme)
    first = min(one.since for one in bars)
    ends = [now, *(one.ahead for one in bars if one.ahead), *(point.at for one in bars for point in one.points)]
    scale = _Scale(first, max(*ends, first + timedelta(minutes=1)), now, zone)
    parts, top = axes.heading(name, "", width)
    plot = Plot(left=EDGE, right=width - EDGE - 6, top=top, bottom=top + 18 + ROW * len(bars))
    rows = [part for number, one in enumerate(bars) for part in _row(plot, scale, one, top + 30 + ROW * number)]
    drawn = [HATCH, *parts, *_marks(plot, scale), *rows, *_now(plot, scale)]
    return svg.document(
        width, plot.bottom + 34, drawn, name=name, theme=theme, style=axes.STYLE + STYLE, told=told
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Scale:
    """What instants are in shares of the width."""

    first: datetime
    last: datetime
    now: datetime
    zone: tzinfo

    def share(self, at: datetime) -> float:
        return min(max((at - self.first) / (self.last - self.first), 0.0), 1.0)

    def shown(self, at: datetime) -> str:
        local = at.astimezone(self.zone)
        return f"{local:%-d %b %H:%M}" if self.last - self.first <= BY_THE_HOUR else f"{local:%-d %b %Y}"

    def exactly(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%-d %b %Y, %H:%M}"


def _marks(plot: Plot, scale: _Scale) -> list[str]:
    """Instants below the bars, as many as have room."""
    count = max(2, min(6, int((plot.right - plot.left) / 130)))
    parts: list[str] = []
    for index in range(count):
        share = index / (count - 1)
        x = plot.x(share)
        anchor = "start" if index == 0 else "end" if index == count - 1 else "middle"
        at = scale.first + (scale.last - scale.first) * share
        parts.append(tag("path", d=f"M{x:.1f},{plot.top + 6:.1f} V{plot.bottom:.1f}", class_="grid"))
        parts.append(svg.label(x, plot.bottom + 18, scale.shown(at), class_="axis", text_anchor=anchor))
    return parts


def _now(plot: Plot, scale: _Scale) -> list[str]:
    """Where the past ends; nothing where it ends with the picture."""
    if scale.last <= scale.now:
        return []
    x = plot.x(scale.share(scale.now))
    anchor = "end" if x > (plot.left + plot.right) / 2 else "start"
    return [
        tag("path", d=f"M{x:.1f},{plot.top + 2:.1f} V{plot.bottom:.1f}", class_="now"),
        svg.label(x + (-5 if anchor == "end" else 5), plot.top + 8, "now", class_="now-told over", text_anchor=anchor),
    ]


def _row(plot: Plot, scale: _Scale, one: VisitBar, y: float) -> list[str]:
    """What the visit is, its bar, what is foreseen of it, and what is in it."""
    left, right = plot.x(scale.share(one.since)), plot.x(scale.share(one.until or scale.now))
    wide = max(right - left, SHORTEST)
    end = scale.exactly(one.until) if one.until else "now"
    said = f"{one.name}: {scale.exactly(one.since)} to {end}"
    room = plot.right - plot.left
    x = min(left, max(plot.left, plot.right - svg.width_of(one.name, 12)))
    parts = [
        svg.label(x, y, svg.cut(one.name, 12, room), class_="text over"),
        tag("rect", svg.title(said), x=left, y=y + 6, width=wide, height=BAR, rx=3,
            class_="visit" if one.until is None else "visit gone"),
    ]  # fmt: skip
    if one.ahead is not None and one.ahead > scale.now:
        length = plot.x(scale.share(one.ahead)) - left - wide
        foreseen = svg.title(f"{one.name}, as it is foreseen: until {scale.exactly(one.ahead)}")
        parts.append(
            tag("rect", foreseen, x=left + wide, y=y + 6, width=max(length, SHORTEST), height=BAR, rx=3, class_="ahead",
                fill="url(#hatched)")
        )  # fmt: skip
    return parts + [_point(plot, scale, point, y + 6 + BAR / 2) for point in one.points]


def _point(plot: Plot, scale: _Scale, one: VisitPoint, y: float) -> str:
    x, said = plot.x(scale.share(one.at)), svg.title(f"{one.told}, {scale.exactly(one.at)}")
    if one.kind == "step":
        return tag("path", said, d=f"M{x:.1f},{y - BAR / 2:.1f} V{y + BAR / 2:.1f}", class_="step")
    return tag(
        "circle", said, cx=x, cy=y, r=5, class_={"mail": "mail", "not": "mail not"}.get(one.kind, "mail planned")
    )
