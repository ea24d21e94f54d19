"""Whether a well-formed definition makes sense: ways that lead nowhere, stages nobody reaches, loops without a wait."""

from collections.abc import Iterator, Sequence

from journeys.definition import (
    BranchStep,
    Case,
    ExitStep,
    GoStep,
    Journey,
    SendStep,
    SplitStep,
    Stage,
    Step,
    WaitForStep,
    WaitStep,
)
from journeys.problems import Path, Problem, nearest

Steps = Sequence[Step]


def lint(journey: Journey, templates: frozenset[str] | None = None) -> list[Problem]:
    """Every problem of meaning, errors first."""
    found = [*_stages_named(journey), *_ids(journey), *_topics(journey)]
    if templates is not None:
        found += _templates(journey, templates)
    if not found or all(problem.code != "unknown_stage" for problem in found):
        found += [*_unreachable(journey), *_endless(journey), *_no_way_out(journey)]
    return sorted(found, key=lambda problem: problem.severity != "error")


def steps_of(steps: Steps, path: Path) -> Iterator[tuple[Path, Step]]:
    """Every step with its path, those inside others included."""
    for index, step in enumerate(steps):
        here = (*path, index)
        yield here, step
        for inner, where in _inside(step, here):
            yield from steps_of(inner, where)


def _inside(step: Step, here: Path) -> list[tuple[Steps, Path]]:
    match step:
        case WaitForStep():
            inner = step.wait_for
            return [(inner.then, (*here, "wait_for", "then")), (inner.otherwise, (*here, "wait_for", "else"))]
        case BranchStep():
            return [(case.steps, (*here, "branch", i, _arm(case))) for i, case in enumerate(step.branch)]
        case SplitStep():
            variants = step.split.variants.items()
            return [(one.steps, (*here, "split", "variants", name, "steps")) for name, one in variants]
        case _:
            return []


def _arm(case: Case) -> str:
    return "else" if case.condition is None else "then"


def _all_steps(journey: Journey) -> Iterator[tuple[Path, Step]]:
    for key, stage in journey.stages.items():
        yield from steps_of(stage.steps, ("stages", key, "steps"))


def _stages_named(journey: Journey) -> Iterator[Problem]:
    known = list(journey.stages)
    named: list[tuple[Path, str]] = [(("start",), journey.start)]
    for key, stage in journey.stages.items():
        named += [(("stages", key, "transitions", i, "to"), one.to) for i, one in enumerate(stage.transitions)]
    named += [((*path, "go"), step.go) for path, step in _all_steps(journey) if isinstance(step, GoStep)]
    for path, name in named:
        if name not in journey.stages:
            message = f"there is no stage {name!r}"
            yield Problem(
                code="unknown_stage", message=message, path=path, found=repr(name), expected=nearest(name, known)
            )


def _ids(journey: Journey) -> Iterator[Problem]:
    seen: dict[str, Path] = {}
    for path, step in _all_steps(journey):
        names = [(step.id, (*path, "id"))] if step.id else []
        if isinstance(step, SplitStep):
            names.append((f"split {step.split.id}", (*path, "split", "id")))
        for name, where in names:
            if name in seen:
                message = f"the id {name.removeprefix('split ')!r} is used twice"
                yield Problem(code="duplicate_id", message=message, path=where, expected="an id of its own")
            seen[name] = where


def _templates(journey: Journey, templates: frozenset[str]) -> Iterator[Problem]:
    for path, step in _all_steps(journey):
        if isinstance(step, SendStep) and step.send.template not in templates:
            name = step.send.template
            yield Problem(
                code="unknown_template",
                message=f"there is no template {name!r}",
                path=(*path, "send"),
                found=repr(name),
                expected=nearest(name, sorted(templates)),
            )


def _topics(journey: Journey) -> Iterator[Problem]:
    for path, step in _all_steps(journey):
        if isinstance(step, SendStep) and not (step.send.topic or journey.defaults.topic or step.send.transactional):
            yield Problem(
                code="no_topic",
                severity="warning",
                message="this mail has no topic, so it belongs to 'general'",
                path=(*path, "send"),
                expected="a topic here or in defaults, so that people can leave just this kind of mail",
            )


def _unreachable(journey: Journey) -> Iterator[Problem]:
    reached, queue = {journey.start}, [journey.start]
    while queue:
        for stage in _ways_out(journey.stages[queue.pop()]):
            if stage not in reached:
                reached.add(stage)
                queue.append(stage)
    for key in journey.stages:
        if key not in reached:
            message = f"no way leads to the stage {key!r}"
            expected = "a transition or go that leads here, or remove it"
            yield Problem(code="unreachable_stage", message=message, path=("stages", key), expected=expected)


def _ways_out(stage: Stage) -> set[str]:
    goes = {step.go for _, step in steps_of(stage.steps, ()) if isinstance(step, GoStep)}
    return goes | {one.to for one in stage.transitions}


def _no_way_out(journey: Journey) -> Iterator[Problem]:
    for key, stage in journey.stages.items():
        leaves = any(isinstance(step, ExitStep) for _, step in steps_of(stage.steps, ()))
        if not (stage.final or leaves or _ways_out(stage) or journey.exit):
            yield Problem(
                code="no_way_out",
                severity="warning",
                message=f"nobody ever leaves the stage {key!r}",
                path=("stages", key),
                expected="a transition, or final: true",
            )


def _endless(journey: Journey) -> Iterator[Problem]:
    """A cycle of `go` that passes no wait."""
    hasty = {key: _gone_to(stage.steps)[0] for key, stage in journey.stages.items()}
    reported: set[frozenset[str]] = set()
    for start in journey.stages:
        cycle = _cycle(start, hasty)
        if cycle and frozenset(cycle) not in reported:
            reported.add(frozenset(cycle))
            yield Problem(
                code="endless_loop",
                message="these stages follow each other without ever waiting: " + " → ".join([*cycle, cycle[0]]),
                path=("stages", cycle[0]),
                expected="a wait on the way round",
            )


def _gone_to(steps: Steps) -> tuple[set[str], bool]:
    """The stages that steps can `go` to before any wait, and whether their end can be reached without a wait."""
    stages: set[str] = set()
    for step in steps:
        match step:
            case GoStep():
                return stages | {step.go}, False
            case WaitStep() | ExitStep():
                return stages, False
            case WaitForStep():
                return stages, False
            case BranchStep() | SplitStep():
                passes = isinstance(step, BranchStep) and all(case.condition for case in step.branch)
                passes = passes or (
                    isinstance(step, SplitStep) and any(v.holdout for v in step.split.variants.values())
                )
                for inner, _ in _inside(step, ()):
                    gone, through = _gone_to(inner)
                    stages |= gone
                    passes = passes or through
                if not passes:
                    return stages, False
            case _:
                continue
    return stages, True


def _cycle(start: str, ways: dict[str, set[str]]) -> list[str] | None:
    """A way from `start` back to itself, if there is one."""
    stack, seen = [[start]], {start}
    while stack:
        path = stack.pop()
        for stage in sorted(ways[path[-1]]):
            if stage == start:
                return path
            if stage not in seen:
                seen.add(stage)
                stack.append([*path, stage])
    return None
