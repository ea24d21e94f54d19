"""Long work: asked for in one transaction, done by a worker page by page, watched and cancelled meanwhile.

queued → running → done | failed | cancelled

Each page is a transaction that also keeps how far the work is, so it goes on where a worker died.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from sqlmodel import Session

from services.errors import NotFound, Refused
from store.ids import new_id
from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import Priority
from store.queries.upkeep import operations as operation_rows
from store.statuses import OPERATION_LIVE, OperationStatus
from store.tables.access import Operation

MOST_ERRORS_KEPT = 10_000
"""Wrong lines that are kept of an operation; all are counted. Whoever has more has one mistake ten thousand times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineError:
    """A line that was not taken; numbers count from 1. The reason names the field and nothing personal.

    `unexpected` is what was raised where nobody expected it: whoever does the work logs and counts it.
    """

    line: int
    reason: str
    unexpected: Exception | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a page did: so many things, up to `cursor`; `result` adds to (or replaces) what is reported at the end."""

    count: int
    cursor: str = ""
    errors: Sequence[LineError] = ()
    result: Mapping[str, Any] | None = None
    note: str | None = None
    total: int | None = None


NEVER_PAUSED = ("erase", "test mail", "sign-in mail")
"""An erasure is owed at once, and a single mail is one call."""

PageOfWork = Callable[[Session], Done | None]
"""One page of work, within one transaction; None where nothing is left to do."""


def start(
    session: Session,
    kind: str,
    request: dict[str, Any],
    now: datetime,
    *,
    by: str | None = None,
    total: int | None = None,
    operation_id: str | None = None,
) -> Operation:
    """Ask for work; it starts when the transaction is committed. `request` must hold nothing personal.

    `by` is who asked; `total` is how much there is to do, where that is known.
    """
    operation = Operation(
        id=operation_id or new_id("op"), kind=kind, request=request, total=total, asked_by=by, created_at=now
    )
    session.add(operation)
    session.flush()
    row = dispatches.row(operation.id, f"operation/{operation.id}", "operate", {}, Priority.START, now)
    dispatches.add(session, [row])
    return operation


def get(session: Session, operation_id: str) -> Operation:
    """An operation; raise NotFound, also where it has been let go of since."""
    found = session.get(Operation, operation_id)
    if found is None:
        raise NotFound(f"there is no operation {operation_id!r}")
    return found


def cancel(session: Session, operation_id: str) -> Operation:
    """Ask the worker to stop behind its present page; what was done stays done.

    Raise Refused where it has ended, or is an erasure.
    """
    operation = _under_way(session, operation_id)
    if operation.kind == "erase":
        raise Refused("an erasure is not stopped half way")
    operation.cancel = True
    session.add(operation)
    return operation


def _under_way(session: Session, operation_id: str) -> Operation:
    operation = get(session, operation_id)
    if operation.status not in OPERATION_LIVE:
        raise Refused(f"the operation is {operation.status} already")
    return operation


def pause(session: Session, operation_id: str) -> Operation:
    """Let it wait behind its present page; raise Refused where it has ended, waits already, or must not wait."""
    operation = _under_way(session, operation_id)
    if operation.kind in NEVER_PAUSED:
        raise Refused(f"what does {operation.kind!r} is not paused")
    if operation.paused:
        raise Refused("the operation is paused already")
    operation.paused = True
    session.add(operation)
    return operation


def resume(session: Session, operation_id: str) -> Operation:
    """Let it go on where it stopped; raise Refused where it does not wait."""
    operation = get(session, operation_id)
    if not operation.paused or operation.status not in OPERATION_LIVE:
        raise Refused("the operation is not paused")
    operation.paused = False
    session.add(operation)
    return operation


def waits(session: Session, operation_id: str) -> bool:
    """Whether somebody paused it, and nobody has cancelled it since."""
    operation = get(session, operation_id)
    return operation.paused and not operation.cancel


def under_way(session: Session, kind: str, journey: str) -> Operation | None:
    """The operation of this kind that works on a journey just now; None where there is none."""
    live = operation_rows.live_of_kind(session, kind)
    return next((one for one in live if one.request.get("journey") == journey), None)


def begin(session: Session, operation_id: str, now: datetime) -> Operation | None:
    """The operation to work on, or None where there is nothing left to do."""
    operation = session.get(Operation, operation_id)
    if operation is None or operation.status not in OPERATION_LIVE:
        return None
    operation.status, operation.started_at = OperationStatus.RUNNING, operation.started_at or now
    session.add(operation)
    return operation


def advance(session: Session, operation_id: str, page: PageOfWork) -> Done | None:
    """Do one page and keep how far the work is now; None where it is done or somebody wants it to stop."""
    operation = get(session, operation_id)
    done = page(session) if not operation.cancel else None
    if done is None:
        return None
    _keep_errors(session, operation, done.errors)
    operation.done += done.count
    operation.cursor = done.cursor or operation.cursor
    operation.note = done.note
    operation.total = done.total if done.total is not None else operation.total
    if done.result is not None:
        operation.result = {**(operation.result or {}), **done.result}
    session.add(operation)
    return done


def _keep_errors(session: Session, operation: Operation, errors: Sequence[LineError]) -> None:
    """A line that is told again, because the work goes on after a crash, counts once."""
    if not errors:
        return
    known = operation_rows.reported_lines(session, operation.id, [one.line for one in errors])
    fresh = {one.line: one.reason for one in errors if one.line not in known}
    room = max(0, MOST_ERRORS_KEPT - operation.error_count)
    operation.error_count += len(fresh)
    kept = {line: reason[:300] for line, reason in islice(fresh.items(), room)}
    operation_rows.keep_errors(session, operation.id, kept)


def close(session: Session, operation_id: str, now: datetime, error: str | None = None) -> str:
    """Close an operation, and let its file go; return how it ended.

    It has failed with an `error`, else it is cancelled where somebody asked for that, else done.
    """
    operation = get(session, operation_id)
    operation.status = (
        OperationStatus.FAILED
        if error is not None
        else OperationStatus.CANCELLED
        if operation.cancel
        else OperationStatus.DONE
    )
    operation.finished_at, operation.error, operation.note, operation.paused = now, error, None, False
    session.add(operation)
    operation_rows.drop_file(session, operation_id)
    return operation.status


def drop_unasked_file(session: Session, operation_id: str) -> None:
    """Let a file go that was kept for an operation, where that was never asked for."""
    if session.get(Operation, operation_id) is None:
        operation_rows.drop_file(session, operation_id)


def add_counts(operation: Operation, more: Mapping[str, int]) -> dict[str, int]:
    """Counts of the result, with more added."""
    known = operation.result or {}
    return {name: int(known.get(name, 0)) + count for name, count in more.items()}
