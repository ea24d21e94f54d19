"""Enrollments against the workflows that carry them; and what is put on its way so that each has its own.

A workflow that is begun anew begins where its enrollment stands: everything that was decided, planned and sent is in
the database, so nothing of it happens again. All repairs go by the dispatch table, like any start.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import Session

from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import Priority
from store.queries.enrollment import enrollments
from store.queries.recounting import strays
from store.queries.recounting.strays import LiveWorkflow
from store.statuses import OPERATION_LIVE, EnrollmentStatus
from store.tables.access import Operation

PAGE = 500
"""Enrollments that Temporal is asked about at once: a filter of 40 kB."""

GRACE = timedelta(minutes=10)
"""A workflow that is not behind has heard of its end, but for a moment; after so long it never will."""


class WorkflowDirectory(Protocol):
    """What runs in Temporal (`activities.workflow_directory`, seen from here)."""

    def running(self, ids: Sequence[str]) -> Collection[str]:
        """Those of these workflows that run."""
        ...

    def of_enrollments(self) -> Iterator[Sequence[str]]:
        """The ids of all workflows of enrollments that run, a page at a time."""
        ...


# -- what is found -----------------------------------------------------------------------------------------------------


def without_workflow(page: Sequence[LiveWorkflow], directory: WorkflowDirectory) -> Sequence[LiveWorkflow]:
    """Those of these live enrollments whose workflows do not run."""
    running = set(directory.running([one.workflow_id for one in page]))
    return [one for one in page if one.workflow_id not in running]


def of_ended(session: Session, workflow_ids: Sequence[str], now: datetime) -> list[str]:
    """Those of these workflows whose enrollments ended a while ago, and that nothing else ends."""
    known = strays.of_workflows(session, workflow_ids)
    ending = strays.ending(session, workflow_ids) | strays.behind(session, workflow_ids)
    return [
        name
        for name, (status, ended_at) in sorted(known.items())
        if name in workflow_ids
        and name not in ending
        and status == EnrollmentStatus.ENDED
        and (ended_at is None or ended_at <= now - GRACE)
    ]


def of_nobody(session: Session, workflow_ids: Sequence[str]) -> list[str]:
    """Those of these workflows whose enrollments are not there, and that nothing else ends."""
    known, ending = strays.of_workflows(session, workflow_ids), strays.ending(session, workflow_ids)
    return [name for name in sorted(workflow_ids) if name not in known and name not in ending]


def operations_without_workflow(session: Session, directory: WorkflowDirectory) -> list[str]:
    """Operations that nobody works on, and nobody will."""
    asked = strays.operations(session)
    running = set(directory.running([_workflow_of(one) for one in asked])) if asked else set[str]()
    return [one for one in asked if _workflow_of(one) not in running]


def _workflow_of(operation_id: str) -> str:
    return f"operation/{operation_id}"


# -- what is done about it ---------------------------------------------------------------------------------------------


def restart(session: Session, ids: Collection[str], now: datetime) -> int:
    """Begin workflows for those of these enrollments that are live still; return how many."""
    found = strays.still_live(session, ids)
    enrollments.mark_poked(session, [one.id for one in found], now)
    rows = [dispatches.row(one.id, one.workflow_id, "restart", {}, Priority.START, now) for one in found]
    dispatches.add(session, rows)
    return len(found)


def end(session: Session, workflow_ids: Collection[str], now: datetime) -> int:
    """End these workflows, and have Temporal forget them, so that their ids are free; return how many."""
    left = sorted(set(workflow_ids) - strays.ending(session, workflow_ids))
    dispatches.add(session, [dispatches.row(name, name, "end", {}, Priority.SIGNAL, now) for name in left])
    return len(left)


def begin_again(session: Session, operation_ids: Collection[str], now: datetime) -> int:
    """Begin these operations again, where they have not ended; return how many."""
    found = [session.get(Operation, one) for one in sorted(operation_ids)]
    live = [one.id for one in found if one is not None and one.status in OPERATION_LIVE]
    again = {"again": True}
    rows = [dispatches.row(one, _workflow_of(one), "operate", again, Priority.START, now) for one in live]
    dispatches.add(session, rows)
    return len(live)
