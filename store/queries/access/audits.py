"""The audit log: who changed what."""

from collections.abc import Mapping, Sequence

from sqlmodel import Session, select

from store.tables.access import Audit


def about(session: Session, kind: str, target: str) -> Sequence[Audit]:
    """Every entry about one thing: a `customer` by its internal id, say."""
    return session.exec(select(Audit).where(Audit.kind == kind, Audit.target == target)).all()


def makers_of_keys(session: Session) -> Mapping[str, str]:
    """By the id of each key that a call made, the id of the user or key that called; keys are few."""
    query = select(Audit.target, Audit.actor).where(Audit.kind == "key", Audit.action == "created")
    return dict(session.exec(query).all())
