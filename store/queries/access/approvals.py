"""Requests of colleagues that a draft be published."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from store.statuses import ApprovalStatus
from store.tables.approvals import ApprovalRequest


def open_of(session: Session, journey: str) -> ApprovalRequest | None:
    """The one request of a journey that waits for an approver."""
    query = select(ApprovalRequest).where(
        ApprovalRequest.journey == journey, col(ApprovalRequest.status) == ApprovalStatus.OPEN
    )
    return session.exec(query).first()


def waiting(session: Session, most: int) -> Sequence[ApprovalRequest]:
    """Those that wait for an approver, the oldest first, so many at most."""
    query = select(ApprovalRequest).where(col(ApprovalRequest.status) == ApprovalStatus.OPEN)
    return session.exec(query.order_by(col(ApprovalRequest.id)).limit(most)).all()
