"""A journey as a map: stages as boxes with their steps, transitions as ways, with counts and "you are here"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from journeys.language import definition as language
from journeys.language import step_tree, verbs
from journeys.language.definition import Definition
from journeys.program.step_ids import name_steps
from pictures import svg
from pictures.layout import arrange
from pictures.map_counts import MapCounts
from pictures.shapes import LABEL_HEIGHT, Edge, Layout, curve
from pictures.step_words import ICONS, StepLine, lines_of, short_guard, shorten
from pictures.svg import Theme, cut, label, tag

WIDTH, HEAD, LINE, INDENT = 236.0, 34.0, 21.0, 14.0
"""Pixels of a box: some thirty letters of a step wide; its head; a line with its icon; one level inward."""

LABEL, LABEL_WIDTH = 11.5, 216.0
"""Pixels of a way's label: its letters, as in `STYLE`, and how wide it may be: as a box is inside."""

STYLE = (
    ".head{font-size:14px;font-weight:600}.step{font-size:12px}.arm{font-size:11px;fill:var(--faint);font-style:italic}"
    ".way{fill:none;stroke:var(--edge);stroke-width:1.5}.on{font-size:11.5px;fill:var(--ink);paint-order:stroke;"
    "stroke:var(--paper);stroke-width:7px;stroke-linejoin:round}.if{fill:var(--faint)}.count{font-size:11px;"
    "font-weight:600;fill:var(--accent)}.icon{fill:none;stroke:var(--accent);stroke-width:1.4;stroke-linejoin:round;"
    "stroke-linecap:round}.here{font-size:11px;font-weight:600;fill:var(--here)}.name{font-size:16px;font-weight:600}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """Where one customer stands."""

    stage: str
    step: str | None = None


def draw(
    journey: Definition,
    *,
    counts: Mapping[tuple[str, str], int] | None = None,
    flows: Mapping[Edge, int] | None = None,
    here: Here | None = None,
    theme: Theme | None = "auto",
    listed: str | None = None,
) -> str:
    """The map as SVG. `counts` says how many stand at (stage, step) ("" is resting), `flows` how many moved.

    With `listed` each count is a link to those whom it counts, in the list at this address. A part of a page, whose
    style is the page's (`theme` is None), has its name from there as well.
    """
    told = MapCounts(standing=counts, flows=flows, listed=listed)
    names = name_steps(journey)
    lines = {key: shorten(list(lines_of(stage.steps, names, 0))) for key, stage in journey.stages.items()}
    sizes = {key: (WIDTH, HEAD + (LINE * len(inner) + 8 if inner else 0)) for key, inner in lines.items()}
    ways = _ways(journey)
    texts = {edge: _texts(causes, told.on_way(edge)) for edge, causes in ways.items()}
    labels = {edge: (max(svg.width_of(text, LABEL) for text, _ in said), len(said)) for edge, said in texts.items()}
    layout = arrange(sizes, list(ways), labels)
    parts = [_arrowheads()]
    parts += [label(20, 28, journey.name or journey.journey, class_="name")] if theme is not None else []
    parts += [tag("path", d=curve(way), class_="way", marker_end="url(#tip)") for way in layout.ways.values()]
    parts += [_box(journey, layout, key, inner, told, here) for key, inner in lines.items()]
    if layout.labelled:
        parts += [_label(layout, edge, said, told.name_of_way(edge)) for edge, said in texts.items()]
    else:
        parts.append(label(20, 46, f"{len(ways):,} ways, drawn without their names", class_="arm"))
    parts.append(_entrance(journey, layout))
    wide = max(layout.width, svg.width_of(journey.name or journey.journey, 16) + 60)
    return svg.document(
        wide, layout.height, parts, name=f"The journey {journey.name or journey.journey}", theme=theme, style=STYLE,
        ground="paper",
    )  # fmt: skip


# -- ways --------------------------------------------------------------------------------------------------------------


def _ways(journey: Definition) -> dict[Edge, list[tuple[str, str | None]]]:
    """From stage to stage: what leads there, and the guard, in the order written."""
    ways: dict[Edge, list[tuple[str, str | None]]] = {}
    for key, stage in journey.stages.items():
        for one in stage.transitions:
            guard = one.when if one.on or one.after or one.inactive else None
            ways.setdefault((key, one.to), []).append((_cause(one), guard))
        for _, step in step_tree.steps_of(stage.steps):
            if isinstance(step, verbs.GoStep):
                ways.setdefault((key, step.go), []).append(("go", None))
    return ways


def _cause(one: language.Transition) -> str:
    if one.on is not None:
        return one.on
    if one.after is not None:
        return f"after {one.after}"
    return f"no {one.of} for {one.inactive}" if one.inactive is not None else f"when {short_guard(one.when or '')}"


def _texts(causes: Sequence[tuple[str, str | None]], moved: str | None) -> list[tuple[str, str]]:
    """The lines of a label with their classes; `moved` is how many went this way."""
    told = list(dict.fromkeys(causes))
    lines: list[tuple[str, str]] = []
    for cause, guard in told[:3]:
        lines.append((cut(cause, LABEL, LABEL_WIDTH), "on"))
        if guard:
            lines.append((cut(f"if {short_guard(guard)}", LABEL, LABEL_WIDTH), "on if"))
    if len(told) > 3:
        lines.append((f"and {len(told) - 3} more", "on if"))
    if moved is not None:
        lines.append((moved, "on count"))
    return lines


def _label(layout: Layout, edge: Edge, told: Sequence[tuple[str, str]], name: str | None) -> str:
    x, y = layout.ways[edge].anchor
    first = y - (len(told) - 1) * LABEL_HEIGHT / 2 + 4
    return "".join(
        label(
            x,
            first + index * LABEL_HEIGHT,
            text,
            class_=kind,
            text_anchor="middle",
            data_count=name if kind == "on count" else None,
        )
        for index, (text, kind) in enumerate(told)
    )


def _arrowheads() -> str:
    tip = tag("path", d="M0,0 L9,4.5 L0,9 z", fill="var(--edge)")
    return tag("defs", tag("marker", tip, id="tip", markerWidth=9, markerHeight=9, refX=8.5, refY=4.5, orient="auto",
                           markerUnits="userSpaceOnUse"))  # fmt: skip


def _entrance(journey: Definition, layout: Layout) -> str:
    """The arrow that leads into the first stage, with what lets customers in."""
    box = layout.boxes[journey.start]
    told = [_trigger(one) for one in journey.enter] or ["by a call"]
    text = ", ".join(told[:3]) + (" …" if len(told) > 3 else "")
    x = box.x + 18
    arrow = tag("path", d=f"M{x:.1f},{box.y - 20:.1f} L{x:.1f},{box.y - 1:.1f}", class_="way", marker_end="url(#tip)")
    return arrow + label(x + 8, box.y - 9, cut(text, LABEL, WIDTH - 30), class_="on")


def _trigger(one: language.Trigger) -> str:
    if one.on is not None:
        return one.on
    if one.schedule is not None:
        return f"{one.segment} at {one.schedule.at}"
    return f"joins {one.segment}" if one.segment is not None else f"{one.offset or ''} {one.date}".strip()


# -- boxes -------------------------------------------------------------------------------------------------------------


def _box(
    journey: Definition,
    layout: Layout,
    key: str,
    lines: Sequence[StepLine],
    counts: MapCounts,
    here: Here | None,
) -> str:
    box, stage = layout.boxes[key], journey.stages[key]
    standing = here is not None and here.stage == key
    frame = {"stroke": "var(--here)" if standing else "var(--line)", "stroke_width": 2.5 if standing else 1.2}
    parts = [tag("rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=9, fill="var(--box)", **frame)]
    if stage.final:
        inner = {"x": box.x + 3.5, "y": box.y + 3.5, "width": box.width - 7, "height": box.height - 7, "rx": 6}
        parts.append(tag("rect", fill="none", stroke="var(--line)", stroke_width=1, **inner))
    wide = counts.width_of_stage(key)
    room = WIDTH - 28 - (wide + 8 if wide else 0) - (80 if standing else 0)
    parts.append(label(box.x + 14, box.y + 22, cut(stage.label or key.replace("_", " "), 14, room), class_="head"))
    parts.append(counts.at_stage(box.x + WIDTH - 12, box.y + 22, key))
    for index, line in enumerate(lines):
        parts.append(_step(line, box.x, box.y + HEAD + LINE * index, key, counts, here))
    if standing:
        right = box.x + WIDTH - 12 - (wide + 10 if wide else 0)
        parts.append(label(right, box.y + 22, "you are here", class_="here", text_anchor="end"))
    return tag("g", svg.title(key), *parts)


def _step(line: StepLine, x: float, y: float, stage: str, counts: MapCounts, here: Here | None) -> str:
    left = x + 14 + INDENT * min(line.depth, 6)
    parts: list[str] = []
    if here is not None and here.stage == stage and here.step is not None and here.step == line.step:
        parts.append(
            tag(
                "rect", x=x + 5, y=y + 1, width=WIDTH - 10, height=LINE - 2, rx=4, fill="var(--here)", fill_opacity=0.16
            )
        )
    if line.icon is not None:
        parts.append(tag("path", d=ICONS[line.icon], class_="icon", transform=f"translate({left:.1f},{y + 4:.1f})"))
    wide = counts.width_of_step(stage, line.step)
    room = x + WIDTH - 12 - (wide + 6 if wide else 0) - (left + (19 if line.icon else 0))
    text = cut(line.text, 12, room)
    parts.append(label(left + (19 if line.icon else 0), y + 15, text, class_="step" if line.icon else "arm"))
    parts.append(counts.at_step(x + WIDTH - 12, y + 15, stage, line.step))
    return tag("g", svg.title(line.text), *parts)
