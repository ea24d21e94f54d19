"""Who may call, and what repeated calls were answered."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import event as hooks
from sqlmodel import Session, col, delete, or_, select

from store.tables.access import ApiKey, IdempotentAnswer

_changes = [0]


def changed(session: Session) -> None:
    """The keys change in this transaction: what this process knows of them is out of date once it is committed."""

    def note(_: Session) -> None:
        _changes[0] += 1

    hooks.listen(session, "after_commit", note, once=True)


def changes() -> int:
    """How many transactions of this process have changed keys until now."""
    return _changes[0]


def keys(session: Session) -> Sequence[ApiKey]:
    """All API keys, revoked and expired ones too, the oldest first."""
    return session.exec(select(ApiKey).order_by(col(ApiKey.id))).all()


def origins(session: Session, now: datetime) -> frozenset[str]:
    """The origins of pages that some live key names."""
    live = select(ApiKey.origins).where(
        col(ApiKey.revoked_at).is_(None), or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > now)
    )
    return frozenset(origin for named in session.exec(live) for origin in named)


def key_by_hash(session: Session, hashed: str) -> ApiKey | None:
    """The API key whose text has this hash, live or not; None where there was never one."""
    return session.exec(select(ApiKey).where(ApiKey.hash == hashed)).first()


def forget_answers(session: Session, before: datetime) -> None:
    """Let go of answers to requests with an Idempotency-Key that were given before an instant."""
    session.connection().execute(delete(IdempotentAnswer).where(col(IdempotentAnswer.at) < before))
