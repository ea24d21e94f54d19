"""Rows that have lost their counterpart: asked for by sets and pages, when the books are compared."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import or_
from sqlmodel import Session, col, select

from store import bulk
from store.statuses import CLAIMABLE, OPERATION_LIVE, EnrollmentStatus, MessageStatus
from store.tables.access import Operation
from store.tables.enrollments import Dispatch, Enrollment
from store.tables.messages import Message, OutboxMail

STARTS = ("start", "restart")
"""Kinds of dispatch rows after which a workflow runs."""

ENROLLMENTS_OWN = (*STARTS, "poke")
"""Kinds of dispatch rows that are for an enrollment which is there."""

OUTBOX = "outbox"
"""The provider's name of the local mail catcher."""

_ON_ITS_WAY = (
    select(Dispatch.id).where(Dispatch.enrollment_id == Enrollment.id, col(Dispatch.kind).in_(STARTS)).exists()
)


class LiveWorkflow(NamedTuple):
    """A live enrollment and the workflow that should carry it."""

    id: str
    workflow_id: str
    journey: str


def live_page(session: Session, after: str, limit: int) -> Sequence[LiveWorkflow]:
    """Live enrollments that no start is on its way for, behind the id `after`, in the order of their ids."""
    query = select(Enrollment.id, Enrollment.workflow_id, Enrollment.journey).where(
        Enrollment.status == EnrollmentStatus.LIVE, col(Enrollment.id) > after, ~_ON_ITS_WAY
    )
    return [LiveWorkflow(*one) for one in session.exec(query.order_by(col(Enrollment.id)).limit(limit)).all()]


def still_live(session: Session, ids: Collection[str]) -> Sequence[Enrollment]:
    """Those of these that are live and for which no start is on its way, in the order of their ids."""
    query = select(Enrollment).where(
        col(Enrollment.id).in_(ids), Enrollment.status == EnrollmentStatus.LIVE, ~_ON_ITS_WAY
    )
    return session.exec(query.order_by(col(Enrollment.id))).all()


def of_workflows(session: Session, workflow_ids: Sequence[str]) -> dict[str, tuple[EnrollmentStatus, datetime | None]]:
    """Status and end of the enrollments that these workflows carry, by the workflow's id.

    They are sought by the customers whom the ids name; a run that a merge gave to another customer is sought in all
    enrollments, which are few by then.
    """
    customers = {one.split("/")[2] for one in workflow_ids}
    found: dict[str, tuple[EnrollmentStatus, datetime | None]] = {}
    for part in bulk.parts(sorted(customers)):
        found |= _by_workflow(session, col(Enrollment.customer_id).in_(part))
    for part in bulk.parts(one for one in workflow_ids if one not in found):
        found |= _by_workflow(session, col(Enrollment.workflow_id).in_(part))
    return found


def _by_workflow(session: Session, here: Any) -> dict[str, tuple[EnrollmentStatus, datetime | None]]:
    query = select(Enrollment.workflow_id, Enrollment.status, Enrollment.ended_at).where(here)
    rows: Any = session.exec(query).all()
    return {workflow_id: (status, ended_at) for workflow_id, status, ended_at in rows}


def ending(session: Session, workflow_ids: Collection[str]) -> set[str]:
    """Those of these workflows that are on their way to their end, as an erasure wants it."""
    query = select(Dispatch.workflow_id).where(col(Dispatch.workflow_id).in_(workflow_ids), Dispatch.kind == "end")
    return set(session.exec(query).all())


def behind(session: Session, workflow_ids: Collection[str]) -> set[str]:
    """Those of these workflows that are to be poked, since they have not followed what was done ahead of them."""
    query = select(Enrollment.workflow_id).where(
        col(Enrollment.workflow_id).in_(workflow_ids), col(Enrollment.follow_at).is_not(None)
    )
    return set(session.exec(query).all())


def operations(session: Session) -> Sequence[str]:
    """Operations that are asked for or worked on, and are not on their way to Temporal."""
    here = select(Dispatch.id).where(Dispatch.enrollment_id == Operation.id).exists()
    query = select(Operation.id).where(col(Operation.status).in_(OPERATION_LIVE), ~here)
    return session.exec(query.order_by(col(Operation.id))).all()


def dispatches(session: Session, after: int, limit: int) -> Sequence[tuple[int, str]]:
    """Rows on their way for enrollments that are not there: their ids and kinds, behind the id `after`."""
    there = select(Enrollment.id).where(Enrollment.id == Dispatch.enrollment_id).exists()
    query = select(Dispatch.id, Dispatch.kind).where(
        col(Dispatch.kind).in_(ENROLLMENTS_OWN), col(Dispatch.id) > after, ~there
    )
    return [(row or 0, kind) for row, kind in session.exec(query.order_by(col(Dispatch.id)).limit(limit)).all()]


# -- mails: each of these gives ids and journeys, behind an id, in the order of the ids --------------------------------

StrayMail = tuple[str, str]
"""A mail's id, and its journey (empty for a broadcast's)."""

_COLUMNS: Any = select(Message.id, Message.journey)


def mails_of_nobody(session: Session, after: str, limit: int) -> Sequence[StrayMail]:
    """Mails that wait for an enrollment that is not there, or that are deferred and whose enrollment has ended."""
    there = select(Enrollment.id).where(Enrollment.id == Message.enrollment_id)
    lives = there.where(Enrollment.status == EnrollmentStatus.LIVE)
    deferred = (col(Message.status) == MessageStatus.DEFERRED) & ~lives.exists()
    here = col(Message.enrollment_id).is_not(None), col(Message.status).in_(CLAIMABLE), or_(~there.exists(), deferred)
    return _page(session, here, after, limit)


def mails_that_went(session: Session, after: str, limit: int, doubted: datetime) -> Sequence[StrayMail]:
    """Mails that the outbox has, or a provider has reported, and that are neither accepted nor in anybody's hands.

    Of one that is unknown its lane asks; it is in nobody's hands when it has been so since before `doubted`.
    """
    caught = select(OutboxMail.id).where(OutboxMail.send_id == Message.id).exists()
    settled = (MessageStatus.ACCEPTED, MessageStatus.CLAIMED, MessageStatus.SENDING)
    asked = (col(Message.status) == MessageStatus.UNKNOWN) & (col(Message.updated_at) >= doubted)
    here = (col(Message.status).not_in(settled), ~asked, or_(caught, col(Message.delivery).is_not(None)))
    return _page(session, here, after, limit)


def mails_not_caught(session: Session, after: str, limit: int) -> Sequence[StrayMail]:
    """Mails that the local outbox is said to have, and that are not there."""
    caught = select(OutboxMail.id).where(OutboxMail.send_id == Message.id).exists()
    here = (col(Message.status) == MessageStatus.ACCEPTED, col(Message.provider) == OUTBOX, ~caught)
    return _page(session, here, after, limit)


def _page(session: Session, here: tuple[Any, ...], after: str, limit: int) -> Sequence[StrayMail]:
    query = _COLUMNS.where(*here, col(Message.id) > after).order_by(col(Message.id)).limit(limit)
    rows: Any = session.connection().execute(query).all()
    return [(id, journey) for id, journey in rows]
