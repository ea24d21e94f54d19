"""Reports that are counted page by page, drawn: what was counted while somebody waited, and what an operation found."""

from collections.abc import Callable, Mapping
from typing import Any

from pictures import cohorts, funnel, intervals
from pictures.svg import Theme
from services.errors import NotFound, Refused
from services.reports.conversion import report_operations
from store.statuses import OperationStatus
from store.tables.access import Operation

Drawn = Callable[[Mapping[str, Any], float, Theme], str]
"""A picture of a report, so wide, light or dark."""


def _funnel(found: Mapping[str, Any], width: float, theme: Theme) -> str:
    first, last = (_short(found["steps"][place]["step"]) for place in (0, -1))
    name = f"{first} to {last}, within {found['within']}"
    return funnel.draw(found["steps"], name, found["told"], width=width, theme=theme)


def _cohorts(found: Mapping[str, Any], width: float, theme: Theme) -> str:
    name = f"Who comes back by {found['returning']}"
    return cohorts.draw(found["cohorts"], found["by"], name, found["told"], width=width, theme=theme)


def _lift(found: Mapping[str, Any], width: float, theme: Theme) -> str:
    name = "Who gets no marketing mail, and everybody else"
    return intervals.draw(found["groups"], name, " ".join(found["told"]), width=width, theme=theme)


def _short(step: str) -> str:
    return step.partition(":")[2] or step


PICTURES: Mapping[str, Drawn] = {
    report_operations.FUNNEL: _funnel,
    report_operations.COHORTS: _cohorts,
    report_operations.LIFT: _lift,
}
"""What draws the report of each kind of operation that has a picture."""


def has_picture(operation: Operation) -> bool:
    """Whether it is a report that has a picture, and is counted."""
    return operation.kind in PICTURES and operation.status == OperationStatus.DONE


def of_operation(operation: Operation, width: float, theme: Theme = "auto") -> str:
    """What it found, as SVG; raise NotFound of other work, Refused of a report that is not counted (yet)."""
    if operation.kind not in PICTURES:
        raise NotFound(f"the operation {operation.id!r} has no picture: it is no {', '.join(PICTURES)}")
    if not has_picture(operation):
        raise Refused(f"the operation {operation.id!r} is {operation.status}: there is nothing to draw yet")
    return PICTURES[operation.kind](operation.result or {}, width, theme)
