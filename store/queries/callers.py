"""Who may call, and what repeated calls were answered."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, select

from store.tables.access import ApiKey, IdempotentAnswer


def keys(session: Session) -> Sequence[ApiKey]:
    """All API keys, revoked and expired ones too, the oldest first."""
    return session.exec(select(ApiKey).order_by(col(ApiKey.id))).all()


def key_by_hash(session: Session, hashed: str) -> ApiKey | None:
    """The API key whose text has this hash, live or not; None where there was never one."""
    return session.exec(select(ApiKey).where(ApiKey.hash == hashed)).first()


def forget_answers(session: Session, before: datetime) -> None:
    """Let go of answers to requests with an Idempotency-Key that were given before an instant."""
    session.connection().execute(delete(IdempotentAnswer).where(col(IdempotentAnswer.at) < before))
