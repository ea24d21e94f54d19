"""Operations: the lines that they did not take, the files they read, and when they are let go of."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, select, tuple_

from store import bulk
from store.ids import least_id
from store.queries.definitions import plans
from store.statuses import OPERATION_LIVE, OperationStatus
from store.tables.access import Operation, OperationError, UploadPart


def reported_lines(session: Session, operation_id: str, lines: Sequence[int]) -> set[int]:
    """Those of the lines of a file that have their error on record already."""
    query = select(OperationError.line)
    query = query.where(OperationError.operation_id == operation_id, col(OperationError.line).in_(lines))
    return set(session.exec(query).all())


def keep_errors(session: Session, operation_id: str, reasons: Mapping[int, str]) -> None:
    """Put lines on record that were not taken, each with its reason."""
    rows = [{"operation_id": operation_id, "line": line, "reason": reason} for line, reason in reasons.items()]
    bulk.add(session, OperationError, rows)


def held(session: Session, operation_id: str) -> Operation | None:
    """An operation, locked, so that nobody else adds to what it has found."""
    return session.get(Operation, operation_id, with_for_update=True)


def live_of_kind(session: Session, kind: str) -> Sequence[Operation]:
    """Those of a kind that are asked for or worked on."""
    query = select(Operation).where(Operation.kind == kind, col(Operation.status).in_(OPERATION_LIVE))
    return session.exec(query.order_by(col(Operation.id))).all()


def newest_of_kind(session: Session, kind: str, *, done: bool = False) -> Operation | None:
    """The one of a kind that was asked for last (and is `done`); None where there is none."""
    query = select(Operation).where(Operation.kind == kind)
    query = query.where(Operation.status == OperationStatus.DONE) if done else query
    return session.exec(query.order_by(col(Operation.id).desc()).limit(1)).first()


def part(session: Session, operation_id: str, number: int) -> bytes | None:
    """A part of an uploaded file, counted from 0; None behind the last one."""
    query = select(UploadPart.data).where(UploadPart.operation_id == operation_id, UploadPart.number == number)
    return session.exec(query).first()


def drop_file(session: Session, operation_id: str) -> None:
    """Let go of the file that was uploaded for an operation."""
    session.connection().execute(delete(UploadPart).where(col(UploadPart.operation_id) == operation_id))


def drop_unasked_files(session: Session, before: datetime, limit: int) -> int:
    """Let go of parts of files that came before an instant and for which no work was ever asked, `limit` of them.

    Return how many. Whoever takes a file and then dies leaves one.
    """
    asked = select(Operation.id).where(col(Operation.id) == UploadPart.operation_id).exists()
    query = select(UploadPart.operation_id, UploadPart.number).where(
        col(UploadPart.operation_id) < least_id("op", before), ~asked
    )
    found = session.exec(query.order_by(UploadPart.operation_id, col(UploadPart.number)).limit(limit)).all()
    key = tuple_(col(UploadPart.operation_id), col(UploadPart.number))
    session.connection().execute(delete(UploadPart).where(key.in_([tuple(one) for one in found])))
    return len(found)


def forget(session: Session, before: datetime, limit: int) -> int:
    """Let go of operations that ended before an instant, with their errors, a page of them; return how many."""
    query = select(Operation.id).where(col(Operation.finished_at) < before).limit(limit)
    ids = session.exec(query).all()
    session.connection().execute(delete(OperationError).where(col(OperationError.operation_id).in_(ids)))
    plans.forget(session, ids)
    session.connection().execute(delete(Operation).where(col(Operation.id).in_(ids)))
    return len(ids)
