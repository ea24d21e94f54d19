"""What a version of a journey changes against another, in the words of the language: stages, transitions, settings.

Steps are told by `step_changes`. What is only written in another way (a default that is spelled out) is no change.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from journeys.changes.step_changes import changes_of_steps
from journeys.changes.version_changes import ChangeKind, VersionChange
from journeys.language.definition import Definition, Stage, Transition

OF_A_STAGE = ("label", "phase", "mailable", "final")
"""What a stage has beside its steps and transitions."""

APART = ("journey", "stages", "defaults")
"""Fields of a definition that are not compared as one value."""


def diff(old: Definition, new: Definition) -> Sequence[VersionChange]:
    """Every change: of settings, of stages, of transitions, of steps; none where both mean the same."""
    return [
        *_settings(_plain(old), _plain(new)),
        *_stages(old, new),
        *(one for key, stage in new.stages.items() for one in _transitions(key, old.stages.get(key), stage)),
        *changes_of_steps(old, new),
    ]


def _plain(part: Definition | Stage | Transition) -> dict[str, Any]:
    """As JSON, with every default, so that only what differs in meaning differs."""
    return part.model_dump(mode="json", by_alias=True)


def _settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[VersionChange]:
    pairs = [(name, old[name], new[name]) for name in new if name not in APART]
    pairs += [(f"defaults.{name}", old["defaults"][name], new["defaults"][name]) for name in new["defaults"]]
    for name, before, after in pairs:
        if before != after:
            sentence = f"'{name}' is {_said(after)} instead of {_said(before)}."
            yield VersionChange(kind="setting_changed", place=name, sentence=sentence, before=before, after=after)


def _said(value: Any) -> str:
    """A value as the language writes it, without what was left out."""
    return "nothing" if value in (None, [], {}) else json.dumps(_short(value), ensure_ascii=False)


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items() if one is not None}
    return [_short(one) for one in value] if isinstance(value, list) else value


# -- stages ------------------------------------------------------------------------------------------------------------


def _stages(old: Definition, new: Definition) -> Iterator[VersionChange]:
    for key, stage in new.stages.items():
        if key not in old.stages:
            sentence = f"Stage '{key}' is new, with {_many(len(stage.steps), 'step')}."
            yield VersionChange(kind="stage_added", place=key, sentence=sentence, after=key)
    for key in old.stages:
        if key not in new.stages:
            yield VersionChange(kind="stage_removed", place=key, sentence=f"Stage '{key}' is gone.", before=key)
        else:
            yield from _stage(key, _plain(old.stages[key]), _plain(new.stages[key]))


def _stage(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[VersionChange]:
    for name in OF_A_STAGE:
        before, after = old[name], new[name]
        if before != after:
            sentence = f"'{name}' of stage '{key}' is {_said(after)} instead of {_said(before)}."
            yield VersionChange(kind="stage_changed", place=key, sentence=sentence, before=before, after=after)


def _many(count: int, name: str) -> str:
    return f"{count} {name}" + ("s" if count != 1 else "")


# -- transitions -------------------------------------------------------------------------------------------------------


def _transitions(stage: str, old: Stage | None, new: Stage) -> Iterator[VersionChange]:
    """One with the same way out and the same cause is the same one, whatever its length and its guard."""
    left, fresh = list(old.transitions if old else ()), list[Transition]()
    changed = list[tuple[Transition, Transition]]()
    for one in new.transitions:
        twin = next((other for other in left if other == one), None) or next(
            (other for other in left if _way(other) == _way(one)), None
        )
        if twin is None:
            fresh.append(one)
            continue
        left.remove(twin)
        changed += [(twin, one)] if twin != one else []
    yield from (_told("transition_removed", stage, f"{_spelled(one)} is gone", one, None) for one in left)
    yield from (_told("transition_added", stage, f"{_spelled(one)} is new", None, one) for one in fresh)
    for before, after in changed:
        said = f"{_spelled(after)} takes the place of {_spelled(before)}"
        yield _told("transition_changed", stage, said, before, after)
    if old is not None and not (left or fresh or changed) and old.transitions != new.transitions:
        yield _told("transition_changed", stage, "its transitions are tried in another order", None, None)


def _way(one: Transition) -> tuple[str | None, ...]:
    cause = next((name for name in ("on", "after", "inactive") if getattr(one, name) is not None), "when")
    return cause, one.on, one.of, one.to


def _told(kind: ChangeKind, stage: str, said: str, old: Transition | None, new: Transition | None) -> VersionChange:
    before, after = (_short(_plain(one)) if one else None for one in (old, new))
    return VersionChange(kind=kind, place=stage, sentence=f"In stage '{stage}', {said}.", before=before, after=after)


def _spelled(one: Transition) -> str:
    """As a person would say it: `after 30 days to 'gone'`."""
    cause = f"on {one.on}" if one.on else f"after {one.after}" if one.after else ""
    cause = f"after {one.inactive} without {one.of}" if one.inactive else cause
    guard = f" when {one.when}" if one.when else ""
    return f"the transition {f'{cause}{guard}'.strip()} to '{one.to}'"
