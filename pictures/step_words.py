"""The steps of a stage in a few words each, a line for every step and for the heading of every arm."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from journeys.language import verbs
from journeys.language.secrets import NamedSecret

MOST_LINES = 16
"""Lines shown of a stage: its box is 380 pixels high then, half a screen; how many more there are is the last one."""


@dataclass(frozen=True, slots=True)
class StepLine:
    """One line of a stage's box: a step, or the heading of an arm (without an icon)."""

    depth: int
    text: str
    icon: str | None
    step: str | None


def short_guard(guard: str) -> str:
    """A guard as a person says it: `customer.events["Order Completed"].count >= 5` is `Order Completed count ≥ 5`."""
    text = re.sub(r"""customer\.events\[\s*["']([^"']*)["']\s*\]\.(\w+)""", r"\1 \2", guard)
    text = text.replace("customer.", "").replace("event.properties.", "").replace(">=", "≥").replace("<=", "≤")
    return text.replace("==", "=").replace("&&", "and").replace("||", "or")


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


def shorten(lines: list[StepLine]) -> list[StepLine]:
    """The first MOST_LINES of them; how many more there are is the last one then."""
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[: MOST_LINES - 1], StepLine(0, f"… and {len(lines) - MOST_LINES + 1} more", None, None)]


def lines_of(steps: Sequence[verbs.Step], names: Mapping[int, str], depth: int) -> Iterator[StepLine]:
    """A line for each step; `names` has the id of each by its identity, `depth` says how far inward they begin."""
    for step in steps:
        yield StepLine(depth, _told(step), _verb(step), names[id(step)])
        for heading, inner in _arms(step):
            yield StepLine(depth + 1, heading, None, None)
            yield from lines_of(inner, names, depth + 1)


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
