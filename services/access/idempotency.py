"""What a request with an Idempotency-Key was answered, kept for a day and sealed with the caller's own key."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlmodel import Session

from services.errors import Refused
from store.queries.access import callers
from store.tables.access import IdempotentAnswer

if TYPE_CHECKING:
    from nacl.secret import Aead

KEPT = timedelta(hours=24)
"""For how long a repeat gets the first answer: clients that lost one ask again within seconds, queues within hours."""


class Conflict(Refused):
    """The key was used for another request."""

    code = "idempotency-conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Which request of whom; `fingerprint` tells it from another one that uses the same key."""

    caller: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What was answered: the HTTP status, the headers that are worth repeating, the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def find(session: Session, claim: Claim, secret: str, now: datetime) -> KeptAnswer | None:
    """The first answer to this request, None where there is none, or none from within KEPT.

    `secret` is the caller's key, in which answers are sealed. Raise Conflict where the Idempotency-Key was used for
    another request.
    """
    row = session.get(IdempotentAnswer, (claim.caller, claim.key))
    if row is None or row.at < now - KEPT:
        return None
    if row.fingerprint != claim.fingerprint:
        raise Conflict("this Idempotency-Key was used before, for another path or body; use a fresh one")
    return KeptAnswer(status=row.status, headers=row.headers, body=_opened(row.body, claim, secret))


def keep(session: Session, claim: Claim, secret: str, answer: KeptAnswer, now: datetime) -> None:
    """Store an answer, to be committed with what it answers; one that has passed its time makes room.

    Of two at the same moment one raises IntegrityError, and is undone as a whole.
    """
    old = session.get(IdempotentAnswer, (claim.caller, claim.key))
    if old is not None and old.at < now - KEPT:
        session.delete(old)
        session.flush()
    session.add(
        IdempotentAnswer(
            caller=claim.caller,
            key=claim.key,
            fingerprint=claim.fingerprint,
            status=answer.status,
            headers=dict(answer.headers),
            body=_sealed(answer.body, claim, secret),
            at=now,
        )
    )
    session.flush()


def prune(session: Session, now: datetime) -> None:
    """Forget answers older than KEPT."""
    callers.forget_answers(session, now - KEPT)


def _cipher(claim: Claim, secret: str) -> "Aead":
    from nacl.secret import Aead  # three megabytes, for whoever uses it

    return Aead(hashlib.sha256(f"{secret}\0{claim.key}".encode()).digest())


def _sealed(body: bytes, claim: Claim, secret: str) -> bytes:
    return bytes(_cipher(claim, secret).encrypt(body, claim.fingerprint.encode()))


def _opened(body: bytes, claim: Claim, secret: str) -> bytes:
    return _cipher(claim, secret).decrypt(body, claim.fingerprint.encode())
