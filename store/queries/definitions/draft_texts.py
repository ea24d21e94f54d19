"""Texts of drafts, as they are written in the browser."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from store.tables.definitions import DraftText


def locked(session: Session, journey: str) -> DraftText | None:
    """The text of a journey's draft as it stands now, locked until the transaction ends; None where there is none."""
    return session.get(DraftText, journey, with_for_update=True, populate_existing=True)


def unpublished(session: Session, limit: int) -> Sequence[DraftText]:
    """Those that are not published, the newest first."""
    query = select(DraftText).where(col(DraftText.published_at).is_(None))
    return session.exec(query.order_by(col(DraftText.updated_at).desc(), col(DraftText.journey)).limit(limit)).all()
