"""Topics: all of them are a page at most."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from store.tables.definitions import Topic

_LISTED = select(Topic).order_by(col(Topic.key))
_PAUSED = select(Topic.key).where(col(Topic.paused_at).is_not(None))


def listed(session: Session) -> Sequence[Topic]:
    """Every topic with terms of its own, in the order of their keys."""
    return session.exec(_LISTED).all()


def paused_keys(session: Session) -> Sequence[str]:
    """The keys of the topics whose mail is held."""
    return session.exec(_PAUSED).all()
