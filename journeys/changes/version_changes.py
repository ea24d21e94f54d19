"""What one version of a journey has that another has not, as data; and what that comes to in a sentence."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

ChangeKind = Literal[
    "stage_added", "stage_removed", "stage_changed", "step_added", "step_removed", "step_moved", "step_retimed",
    "guard_changed", "mail_changed", "step_changed", "transition_added", "transition_removed", "transition_changed",
    "setting_changed",
]  # fmt: skip
"""What was changed."""

COUNTED: Mapping[ChangeKind, tuple[str, str]] = {
    "stage_added": ("stage is new", "stages are new"),
    "stage_removed": ("stage is gone", "stages are gone"),
    "stage_changed": ("stage is changed", "stages are changed"),
    "step_added": ("step is new", "steps are new"),
    "step_removed": ("step is gone", "steps are gone"),
    "step_moved": ("step stands elsewhere", "steps stand elsewhere"),
    "step_retimed": ("wait has another time", "waits have another time"),
    "guard_changed": ("guard is changed", "guards are changed"),
    "mail_changed": ("mail is changed", "mails are changed"),
    "step_changed": ("step is changed", "steps are changed"),
    "transition_added": ("transition is new", "transitions are new"),
    "transition_removed": ("transition is gone", "transitions are gone"),
    "transition_changed": ("transition is changed", "transitions are changed"),
    "setting_changed": ("setting is changed", "settings are changed"),
}
"""Each kind as it is counted: one, and several. Told in this order."""

TOLD = 2
"""So many changes are told each in its own sentence; more are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionChange:
    """One change: what it concerns (`place`: a stage, a step's id, a setting), and a sentence about it.

    `before` and `after` are what stood there, as the language writes it; None where nothing did.
    """

    kind: ChangeKind
    place: str
    sentence: str
    before: Any = None
    after: Any = None


def summary(changes: Sequence[VersionChange]) -> str:
    """All changes in one line: a few as they are told, more by their counts."""
    if not changes:
        return "Nothing is changed but how it is written."
    if len(changes) <= TOLD:
        return " ".join(one.sentence for one in changes)
    counts = Counter(one.kind for one in changes)
    told = [f"{counts[kind]} {said[counts[kind] > 1]}" for kind, said in COUNTED.items() if counts[kind]]
    return ", ".join(told) + "."
