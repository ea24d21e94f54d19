"""The audit log: who changed what."""

from collections.abc import Sequence

from sqlmodel import Session, select

from store.tables.access import Audit


def about(session: Session, kind: str, target: str) -> Sequence[Audit]:
    """Every entry about one thing: a `customer` by its internal id, say."""
    return session.exec(select(Audit).where(Audit.kind == kind, Audit.target == target)).all()
