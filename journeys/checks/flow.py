"""Whether a journey flows: stages that nobody reaches or leaves, loops without a wait, steps and waits in vain."""

from collections.abc import Iterator, Sequence

from journeys.facts import calendar
from journeys.language.definition import Definition, Stage
from journeys.language.problems import DefinitionProblem, Path
from journeys.language.step_tree import inside, steps_of
from journeys.language.verbs import (
    BranchStep,
    ExitStep,
    GoStep,
    SplitStep,
    Step,
    WaitFor,
    WaitForStep,
    WaitStep,
    WaitUntilDate,
)


def problems(journey: Definition, *, whole: bool = True) -> Iterator[DefinitionProblem]:
    """Everything found.

    Where the journey is not `whole` (a way is misspelt, or put aside), nobody says of a stage that no way leads there.
    """
    if whole:
        yield from _unreachable(journey)
    yield from _endless(journey)
    for key, stage in journey.stages.items():
        if whole:
            yield from _no_way_out(journey, key, stage)
        yield from _shadowed(key, stage)
        yield from _in_vain(key, stage)
        yield from _after_the_end(stage.steps, ("stages", key, "steps"))
        yield from _too_long(key, stage)


# -- reaching and leaving stages ---------------------------------------------------------------------------------------


def _unreachable(journey: Definition) -> Iterator[DefinitionProblem]:
    reached, queue = {journey.start}, [journey.start]
    while queue:
        for stage in _ways_out(journey.stages[queue.pop()]):
            if stage not in reached:
                reached.add(stage)
                queue.append(stage)
    for key in journey.stages:
        if key not in reached:
            yield DefinitionProblem(
                code="unreachable_stage",
                message=f"no way leads to the stage {key!r}",
                path=("stages", key),
                expected="a transition or go that leads here, or remove it",
            )


def _ways_out(stage: Stage) -> set[str]:
    goes = {step.go for _, step in steps_of(stage.steps) if isinstance(step, GoStep)}
    return goes | {one.to for one in stage.transitions}


def _no_way_out(journey: Definition, key: str, stage: Stage) -> Iterator[DefinitionProblem]:
    leaves = any(isinstance(step, ExitStep) for _, step in steps_of(stage.steps))
    if not (stage.final or leaves or _ways_out(stage) or journey.exit):
        yield DefinitionProblem(
            code="no_way_out",
            severity="warning",
            message=f"nobody ever leaves the stage {key!r}",
            path=("stages", key),
            expected="a transition, or final: true",
        )


# -- loops -------------------------------------------------------------------------------------------------------------


def _endless(journey: Definition) -> Iterator[DefinitionProblem]:
    """A cycle of `go` that passes no wait is an error; one that guards alone hold open is a warning."""
    hasty = {key: _gone_to(stage.steps)[0] for key, stage in journey.stages.items()}
    yield from _cycles(hasty, "endless_loop", "error", "these stages follow each other without ever waiting")
    guarded = {
        key: hasty[key] | {one.to for one in stage.transitions if _by_guard_alone(one)}
        for key, stage in journey.stages.items()
    }
    if any(guarded[key] != hasty[key] for key in hasty):
        message = "these stages follow each other without a wait while their guards hold"
        yield from _cycles(guarded, "possible_loop", "warning", message, hasty)


def _by_guard_alone(one: object) -> bool:
    return all(getattr(one, name) is None for name in ("on", "after", "inactive"))


def _cycles(
    ways: dict[str, set[str]], code: str, severity: str, message: str, known: dict[str, set[str]] | None = None
) -> Iterator[DefinitionProblem]:
    reported: set[frozenset[str]] = set()
    for start in ways:
        cycle = _cycle(start, ways)
        if not cycle or frozenset(cycle) in reported or (known and _cycle(start, known)):
            continue
        reported.add(frozenset(cycle))
        yield DefinitionProblem(
            code=code,
            severity="error" if severity == "error" else "warning",
            message=f"{message}: " + " → ".join([*cycle, cycle[0]]),
            path=("stages", cycle[0]),
            expected="a wait on the way round",
        )


def _gone_to(steps: Sequence[Step]) -> tuple[set[str], bool]:
    """The stages that steps can `go` to before any wait, and whether their end can be reached without a wait."""
    stages: set[str] = set()
    for step in steps:
        match step:
            case GoStep():
                return stages | {step.go}, False
            case ExitStep():
                return stages, False
            case WaitStep():
                gone, through = _through_wait(step)
            case WaitForStep():
                gone, through = _through_wait_for(step.wait_for)
            case BranchStep() | SplitStep():
                gone, through = _through_arms(step)
            case _:
                continue
        stages |= gone
        if not through:
            return stages, False
    return stages, True


def _through_wait(step: WaitStep) -> tuple[set[str], bool]:
    """A date that cannot be read takes its `else` at once; every other wait is one."""
    other = step.wait.otherwise if isinstance(step.wait, WaitUntilDate) else []
    return _gone_to(other) if other else (set(), False)


def _through_wait_for(wait: WaitFor) -> tuple[set[str], bool]:
    """A guard may be true at once, so it is no wait; an event always comes later."""
    return (set(), False) if wait.event is not None else _gone_to(wait.then)


def _through_arms(step: BranchStep | SplitStep) -> tuple[set[str], bool]:
    if isinstance(step, BranchStep):
        through = all(case.condition for case in step.branch)
    else:
        through = any(variant.holdout for variant in step.split.variants.values())
    stages: set[str] = set()
    for inner, _ in inside(step):
        gone, passes = _gone_to(inner)
        stages |= gone
        through = through or passes
    return stages, through


def _cycle(start: str, ways: dict[str, set[str]]) -> list[str] | None:
    """A way from `start` back to itself, if there is one."""
    stack, seen = [[start]], {start}
    while stack:
        path = stack.pop()
        for stage in sorted(ways.get(path[-1], ())):
            if stage == start:
                return path
            if stage not in seen:
                seen.add(stage)
                stack.append([*path, stage])
    return None


# -- in vain -----------------------------------------------------------------------------------------------------------


def _shadowed(key: str, stage: Stage) -> Iterator[DefinitionProblem]:
    """A transition behind one that takes the same event always."""
    always: set[str] = set()
    for index, one in enumerate(stage.transitions):
        if one.on is not None and one.on in always:
            yield DefinitionProblem(
                code="shadowed_transition",
                severity="warning",
                message=f"an earlier transition of this stage always takes {one.on!r}",
                path=("stages", key, "transitions", index),
                expected="a guard on the earlier one, or this one before it",
            )
        elif one.on is not None and one.when is None:
            always.add(one.on)


def _in_vain(key: str, stage: Stage) -> Iterator[DefinitionProblem]:
    always = {one.on for one in stage.transitions if one.on is not None and one.when is None}
    for path, step in steps_of(stage.steps, ("stages", key, "steps")):
        if isinstance(step, WaitForStep) and step.wait_for.event in always:
            yield DefinitionProblem(
                code="shadowed_wait_for",
                severity="warning",
                message=f"a transition of the stage always takes {step.wait_for.event!r} first",
                path=(*path, "wait_for"),
                expected="another event, or a guard on the transition",
            )


def _after_the_end(steps: Sequence[Step], path: Path) -> Iterator[DefinitionProblem]:
    """Steps behind a `go` or `exit`."""
    for index, step in enumerate(steps):
        for inner, where in inside(step):
            yield from _after_the_end(inner, (*path, index, *where))
        if isinstance(step, GoStep | ExitStep) and index + 1 < len(steps):
            yield DefinitionProblem(
                code="unreachable_step",
                severity="warning",
                message=f"nobody reaches the steps behind this {'go' if isinstance(step, GoStep) else 'exit'}",
                path=(*path, index + 1),
                expected="nothing behind it, or the step before it",
            )
            return


def _too_long(key: str, stage: Stage) -> Iterator[DefinitionProblem]:
    """A wait that an unguarded `after` of the stage always cuts off."""
    limits = [calendar.parse_span(one.after).elapsed for one in stage.transitions if one.after and not one.when]
    if not limits:
        return
    for path, step in steps_of(stage.steps, ("stages", key, "steps")):
        written = step.wait if isinstance(step, WaitStep) else None
        if isinstance(written, str) and calendar.parse_span(written).elapsed > min(limits):
            yield DefinitionProblem(
                code="wait_past_after",
                severity="warning",
                message="this wait is longer than the time after which the stage is left",
                path=(*path, "wait"),
                found=repr(written),
                expected=f"less than {min(limits).days} days" if min(limits).days else "less than the stage's after",
            )
