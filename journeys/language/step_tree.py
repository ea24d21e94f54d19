"""The steps of a stage as a tree: which lists a step holds, and every step with its path."""

from collections.abc import Iterator, Sequence

from journeys.language.definition import Definition
from journeys.language.problems import Path
from journeys.language.verbs import BranchStep, Case, SplitStep, Step, WaitForStep, WaitStep, WaitUntilDate


def inside(step: Step) -> list[tuple[list[Step], Path]]:
    """The lists of steps that a step holds, each with its path within the step."""
    match step:
        case WaitForStep():
            return [(step.wait_for.then, ("wait_for", "then")), (step.wait_for.otherwise, ("wait_for", "else"))]
        case WaitStep(wait=WaitUntilDate() as wait):
            return [(wait.otherwise, ("wait", "else"))]
        case BranchStep():
            return [(case.steps, ("branch", i, _arm(case))) for i, case in enumerate(step.branch)]
        case SplitStep():
            variants = step.split.variants.items()
            return [(one.steps, ("split", "variants", name, "steps")) for name, one in variants]
        case _:
            return []


def _arm(case: Case) -> str:
    return "else" if case.condition is None else "then"


def steps_of(steps: Sequence[Step], path: Path = ()) -> Iterator[tuple[Path, Step]]:
    """Every step with its path, those inside others included, in the order written."""
    for index, step in enumerate(steps):
        here = (*path, index)
        yield here, step
        for inner, where in inside(step):
            yield from steps_of(inner, (*here, *where))


def all_steps(journey: Definition) -> Iterator[tuple[Path, Step]]:
    """Every step of a journey with its path from the top of the document."""
    for key, stage in journey.stages.items():
        yield from steps_of(stage.steps, ("stages", key, "steps"))
