"""A journey as a map: stages as boxes with their steps, transitions as ways, with counts and "you are here"."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from journeys.language import definition as language
from journeys.language import step_tree, verbs
from journeys.language.definition import Definition
from journeys.language.secrets import NamedSecret
from journeys.program.step_ids import name_steps
from pictures import svg
from pictures.layout import arrange
from pictures.shapes import LABEL_HEIGHT, Edge, Layout, curve
from pictures.svg import Theme, cut, label, tag

WIDTH, HEAD, LINE, INDENT = 236.0, 34.0, 21.0, 14.0
"""Pixels of a box: some thirty letters of a step wide; its head; a line with its icon; one level inward."""

MOST_LINES = 16
"""Lines shown of a stage: its box is 380 pixels high then, half a screen; how many more there are is the last one."""

LABEL, LABEL_WIDTH = 11.5, 216.0
"""Pixels of a way's label: its letters, as in `STYLE`, and how wide it may be: as a box is inside."""

STYLE = (
    ".head{font-size:14px;font-weight:600}.step{font-size:12px}.arm{font-size:11px;fill:var(--faint);font-style:italic}"
    ".way{fill:none;stroke:var(--edge);stroke-width:1.5}.on{font-size:11.5px;fill:var(--ink);paint-order:stroke;"
    "stroke:var(--paper);stroke-width:5px;stroke-linejoin:round}.if{fill:var(--faint)}.count{font-size:11px;"
    "font-weight:600;fill:var(--accent)}.icon{fill:none;stroke:var(--accent);stroke-width:1.4;stroke-linejoin:round;"
    "stroke-linecap:round}.here{font-size:11px;font-weight:600;fill:var(--here)}.name{font-size:16px;font-weight:600}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """Where one customer stands."""

    stage: str
    step: str | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a stage's box: a step, or the heading of an arm (without an icon)."""

    depth: int
    text: str
    icon: str | None
    step: str | None


def draw(
    journey: Definition,
    *,
    counts: Mapping[tuple[str, str], int] | None = None,
    flows: Mapping[Edge, int] | None = None,
    here: Here | None = None,
    theme: Theme = "auto",
) -> str:
    """The map as SVG. `counts` says how many stand at (stage, step) ("" is resting), `flows` how many moved."""
    names = name_steps(journey)
    lines = {key: _shorten(list(_lines(stage.steps, names, 0))) for key, stage in journey.stages.items()}
    sizes = {key: (WIDTH, HEAD + (LINE * len(inner) + 8 if inner else 0)) for key, inner in lines.items()}
    ways = _ways(journey)
    texts = {edge: _texts(edge, causes, flows) for edge, causes in ways.items()}
    labels = {edge: (max(svg.width_of(text, LABEL) for text, _ in told), len(told)) for edge, told in texts.items()}
    layout = arrange(sizes, list(ways), labels)
    parts = [_arrowheads(), label(20, 28, journey.name or journey.journey, class_="name")]
    parts += [tag("path", d=curve(way), class_="way", marker_end="url(#tip)") for way in layout.ways.values()]
    parts += [_box(journey, layout, key, inner, counts, here) for key, inner in lines.items()]
    if layout.labelled:
        parts += [_label(layout, edge, told) for edge, told in texts.items()]
    else:
        parts.append(label(20, 46, f"{len(ways):,} ways, drawn without their names", class_="arm"))
    parts.append(_entrance(journey, layout))
    wide = max(layout.width, svg.width_of(journey.name or journey.journey, 16) + 60)
    return svg.document(
        wide, layout.height, parts, name=f"The journey {journey.name or journey.journey}", theme=theme, style=STYLE
    )


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


def _texts(
    edge: Edge, causes: Sequence[tuple[str, str | None]], flows: Mapping[Edge, int] | None
) -> list[tuple[str, str]]:
    """The lines of a label with their classes."""
    told = list(dict.fromkeys(causes))
    lines: list[tuple[str, str]] = []
    for cause, guard in told[:3]:
        lines.append((cut(cause, LABEL, LABEL_WIDTH), "on"))
        if guard:
            lines.append((cut(f"if {short_guard(guard)}", LABEL, LABEL_WIDTH), "on if"))
    if len(told) > 3:
        lines.append((f"and {len(told) - 3} more", "on if"))
    if flows and edge in flows:
        lines.append((f"{flows[edge]:,}", "on count"))
    return lines


def short_guard(guard: str) -> str:
    """A guard as a person says it: `customer.events["Order Completed"].count >= 5` is `Order Completed count ≥ 5`."""
    text = re.sub(r"""customer\.events\[\s*["']([^"']*)["']\s*\]\.(\w+)""", r"\1 \2", guard)
    text = text.replace("customer.", "").replace("event.properties.", "").replace(">=", "≥").replace("<=", "≤")
    return text.replace("==", "=").replace("&&", "and").replace("||", "or")


def _label(layout: Layout, edge: Edge, told: Sequence[tuple[str, str]]) -> str:
    x, y = layout.ways[edge].anchor
    first = y - (len(told) - 1) * LABEL_HEIGHT / 2 + 4
    return "".join(
        label(x, first + index * LABEL_HEIGHT, text, class_=name, text_anchor="middle")
        for index, (text, name) in enumerate(told)
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
    lines: Sequence[_Line],
    counts: Mapping[tuple[str, str], int] | None,
    here: Here | None,
) -> str:
    box, stage = layout.boxes[key], journey.stages[key]
    standing = here is not None and here.stage == key
    frame = {"stroke": "var(--here)" if standing else "var(--line)", "stroke_width": 2.5 if standing else 1.2}
    parts = [tag("rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=9, fill="var(--box)", **frame)]
    if stage.final:
        inner = {"x": box.x + 3.5, "y": box.y + 3.5, "width": box.width - 7, "height": box.height - 7, "rx": 6}
        parts.append(tag("rect", fill="none", stroke="var(--line)", stroke_width=1, **inner))
    total = sum(count for (stage_key, _), count in (counts or {}).items() if stage_key == key)
    room = WIDTH - 28 - (svg.width_of(f"{total:,}", 11) + 8 if counts else 0) - (80 if standing else 0)
    parts.append(label(box.x + 14, box.y + 22, cut(stage.label or key.replace("_", " "), 14, room), class_="head"))
    if counts is not None:
        parts.append(label(box.x + WIDTH - 12, box.y + 22, f"{total:,}", class_="count", text_anchor="end"))
    for index, line in enumerate(lines):
        parts.append(_step(line, box.x, box.y + HEAD + LINE * index, key, counts, here))
    if standing:
        right = box.x + WIDTH - 12 - (svg.width_of(f"{total:,}", 11) + 10 if counts is not None else 0)
        parts.append(label(right, box.y + 22, "you are here", class_="here", text_anchor="end"))
    return tag("g", svg.title(key), *parts)


def _step(
    line: _Line, x: float, y: float, stage: str, counts: Mapping[tuple[str, str], int] | None, here: Here | None
) -> str:
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
    count = (counts or {}).get((stage, line.step or ""), 0) if line.step else 0
    room = x + WIDTH - 12 - (svg.width_of(f"{count:,}", 11) + 6 if count else 0) - (left + (19 if line.icon else 0))
    text = cut(line.text, 12, room)
    parts.append(label(left + (19 if line.icon else 0), y + 15, text, class_="step" if line.icon else "arm"))
    if count:
        parts.append(label(x + WIDTH - 12, y + 15, f"{count:,}", class_="count", text_anchor="end"))
    return tag("g", svg.title(line.text), *parts)


ICONS: Mapping[str, str] = {
    "send": "M0,1 H13 V11 H0 Z M0,1.5 L6.5,6.5 L13,1.5",
    "wait": "M6.5,0.5 A5.8,5.8 0 1 1 6.4,0.5 Z M6.5,3 V6.5 L9,8",
    "wait_for": "M6.5,0.5 A5.8,5.8 0 1 1 6.4,0.5 Z M4,6.5 L6,8.5 L9.2,4.5",
    "branch": "M6.5,0 L13,6 L6.5,12 L0,6 Z",
    "split": "M0,6 H5 M5,6 L12,1 M5,6 L12,11 M5,6 H12",
    "set": "M1,3 H12 M1,9 H12 M4,1 V5 M9,7 V11",
    "webhook": "M1,6 H9 M6,2.5 L9.5,6 L6,9.5 M12,1 V11",
    "notify": "M6.5,1 C3,1 3,5 3,7 L1.5,9.5 H11.5 L10,7 C10,5 10,1 6.5,1 Z M5.2,11.4 H7.8",
    "enroll": "M1,6 H12 M6.5,0.5 V11.5",
    "go": "M1,6 H11 M7.5,2 L11.5,6 L7.5,10",
    "exit": "M7,1 H1 V11 H7 M4,6 H12 M9.5,3.5 L12,6 L9.5,8.5",
}


def _shorten(lines: list[_Line]) -> list[_Line]:
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[: MOST_LINES - 1], _Line(0, f"… and {len(lines) - MOST_LINES + 1} more", None, None)]


def _lines(steps: Sequence[verbs.Step], names: Mapping[int, str], depth: int) -> Iterator[_Line]:
    for step in steps:
        yield _Line(depth, _told(step), _verb(step), names[id(step)])
        for heading, inner in _arms(step):
            yield _Line(depth + 1, heading, None, None)
            yield from _lines(inner, names, depth + 1)


def _arms(step: verbs.Step) -> Iterator[tuple[str, Sequence[verbs.Step]]]:
    match step:
        case verbs.WaitForStep():
            for heading, inner in (("then", step.wait_for.then), ("else", step.wait_for.otherwise)):
                if inner:
                    yield heading, inner
        case verbs.WaitStep(wait=verbs.WaitUntilDate() as wait):
            if wait.otherwise:
                yield "else", wait.otherwise
        case verbs.BranchStep():
            for case in step.branch:
                yield (f"if {short_guard(case.condition)}" if case.condition else "else"), case.steps
        case verbs.SplitStep():
            weights = sum(one.weight for one in step.split.variants.values())
            for name, one in step.split.variants.items():
                yield f"{name} {100 * one.weight / weights:.0f}%{' holdout' if one.holdout else ''}", one.steps
        case _:
            return


def _verb(step: verbs.Step) -> str:
    return next(name for name in type(step).model_fields if name in verbs.VERBS)


def _told(step: verbs.Step) -> str:  # noqa: C901 - a case per verb
    """A step in a few words."""
    match step:
        case verbs.SendStep():
            return step.send.template.replace("_", " ")
        case verbs.WaitStep():
            return _wait(step.wait)
        case verbs.WaitForStep():
            for_what = step.wait_for.event or short_guard(step.wait_for.when or "")
            return f"for {for_what}" + (f", up to {step.wait_for.up_to}" if step.wait_for.up_to else "")
        case verbs.BranchStep():
            return "branch"
        case verbs.SplitStep():
            return f"split {step.split.id}"
        case verbs.SetStep():
            return "set " + ", ".join(step.set)
        case verbs.WebhookStep():
            return _whom(step.webhook.url)
        case verbs.NotifyStep():
            return f"tell {step.notify.email or 'a chat'}"
        case verbs.EnrollStep():
            return f"start {step.enroll.journey}"
        case verbs.GoStep():
            return step.go.replace("_", " ")
        case verbs.ExitStep():
            return "exit" if step.exit is True else f"exit: {step.exit}"


def _whom(url: str | NamedSecret) -> str:
    return url.partition("://")[2] if isinstance(url, str) else url.secret.replace("_", " ")


def _wait(wait: str | verbs.WaitUntil | verbs.WaitUntilDate) -> str:
    if isinstance(wait, str):
        return wait
    if isinstance(wait, verbs.WaitUntilDate):
        return f"until {wait.offset + ' from ' if wait.offset else ''}{wait.until.removeprefix('customer.')}"
    days = wait.on if isinstance(wait.on, str) else ", ".join(wait.on)
    return f"until {wait.until}" + ("" if days == "mon-sun" else f" {days}")
