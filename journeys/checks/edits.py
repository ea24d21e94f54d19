"""What an edit changes without saying so: ids that moved with their steps, a holdout among those under way."""

from collections.abc import Iterator

from journeys.language.definition import Definition
from journeys.language.problems import DefinitionProblem
from journeys.language.step_tree import all_steps
from journeys.language.verbs import SplitStep
from journeys.program.step_ids import name_steps


def changes_since(journey: Definition, previous: Definition | None) -> Iterator[DefinitionProblem]:
    """What an edit changes without saying so."""
    if previous is None:
        return
    yield from _moved_ids(journey, previous)
    yield from _new_holdouts(journey, previous)


def _moved_ids(journey: Definition, previous: Definition) -> Iterator[DefinitionProblem]:
    """Ids that count occurrences name other steps when the count changes."""
    now, before = name_steps(journey), set(name_steps(previous).values())
    counts, counted = _occurrences(set(now.values())), _occurrences(before)
    for path, step in all_steps(journey):
        base = now[id(step)].partition("#")[0]
        many = max(counts[base], counted.get(base, 0)) > 1
        if step.id is None and many and base in counted and counts[base] != counted[base]:
            yield DefinitionProblem(
                code="moved_id",
                severity="warning",
                message=f"{now[id(step)]!r} may name another step than in the last version",
                path=path,
                expected="an id of its own",
            )


def _occurrences(names: set[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        base = name.partition("#")[0]
        counts[base] = counts.get(base, 0) + 1
    return counts


def _new_holdouts(journey: Definition, previous: Definition) -> Iterator[DefinitionProblem]:
    before = {step.split.id: step.split for _, step in all_steps(previous) if isinstance(step, SplitStep)}
    for path, step in all_steps(journey):
        if not isinstance(step, SplitStep) or step.split.id not in before:
            continue
        old = {name for name, one in before[step.split.id].variants.items() if one.holdout}
        for name, one in step.split.variants.items():
            if one.holdout and name not in old:
                yield DefinitionProblem(
                    code="new_holdout",
                    severity="warning",
                    message=f"the split had no holdout {name!r} before, so it now holds customers back who got mail",
                    path=(*path, "split", "variants", name),
                    expected="a new id for the split, so that the comparison starts clean",
                )
