"""Guards that can never hold because of what their values are, and parts of guards that never do."""

from collections.abc import Iterable, Iterator

from journeys.facts import guards
from journeys.language.problems import DefinitionProblem, Path

PlacedGuards = Iterable[tuple[Path, str]]
"""Guards, each with its path."""


def problems(placed: PlacedGuards) -> Iterator[DefinitionProblem]:
    """Those that can never hold, as errors; then, as warnings, those of which a part never does, though another may."""
    found = list(_problems(placed))
    yield from sorted(found, key=lambda one: one.severity != "error")


def _problems(placed: PlacedGuards) -> Iterator[DefinitionProblem]:
    for path, guard in placed:
        problem = guards.type_problem(guard)
        if problem is None:
            continue
        never, why = problem
        yield DefinitionProblem(
            code="guard_never_holds" if never else "guard_types",
            severity="error" if never else "warning",
            message=f"this guard can never hold: {why}" if never else f"a part of this guard can never hold: {why}",
            path=path,
            found=repr(guard)[:80],
            expected="number(x), date(x) and days(n) read what is written as a text",
        )
