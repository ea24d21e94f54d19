"""What is kept for a time and no longer: rendered bodies, rejections, ended operations, answers to repeats."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlmodel import Session, col

from services.access import idempotency
from services.installation import installation_settings
from store.queries import message_bodies
from store.tables.access import Operation, OperationError, Rejection

PAGE = 5_000


def prune(session: Session, now: datetime) -> int:
    """Let go of a page of what has passed its time; return how many rows that were."""
    kept = installation_settings.load(session).retention
    idempotency.prune(session, now)
    count = 0
    if kept.bodies is not None:
        count += message_bodies.forget(session, now - timedelta(days=kept.bodies), PAGE)
    if kept.rejections is not None:
        count += _rejections(session, now - timedelta(days=kept.rejections))
    if kept.operations is not None:
        count += _operations(session, now - timedelta(days=kept.operations))
    return count


def _rejections(session: Session, before: datetime) -> int:
    query = select(col(Rejection.id)).where(col(Rejection.received_at) < before).limit(PAGE)
    ids = session.connection().execute(query).scalars().all()
    session.connection().execute(delete(Rejection).where(col(Rejection.id).in_(ids)))
    return len(ids)


def _operations(session: Session, before: datetime) -> int:
    query = select(col(Operation.id)).where(col(Operation.finished_at) < before).limit(PAGE)
    ids = session.connection().execute(query).scalars().all()
    session.connection().execute(delete(OperationError).where(col(OperationError.operation_id).in_(ids)))
    session.connection().execute(delete(Operation).where(col(Operation.id).in_(ids)))
    return len(ids)
