"""API keys: shown once, kept as a hash, compared in constant time, each with scopes."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from services.access.keys.origins import normalised
from services.errors import InvalidInput, NotFound
from store.ids import new_id
from store.queries.access import callers
from store.tables.access import ApiKey

SCOPES = ("browser", "ingest", "marketer", "support", "approver", "admin")
"""What a key may be good for; `admin` is good for everything."""

APPROVER = "approver"
"""The scope of keys that publish what another has written, and may all that a marketer's may."""

ALONE = "browser"
"""The scope of keys that stand in pages, where everybody reads them: they have no other."""

IN_PAGES = frozenset({ALONE, "ingest"})
"""The scopes of keys that pages may call with: they send events, and read nothing."""

PREFIX = "wp_"
"""How keys begin that are made here, so that people, and scanners of repositories, know one when they see it."""

SHOWN = 11
"""Characters of a key that are kept in the clear, to know it by: `wp_` and eight of the 43 that follow."""

SHORTEST = 32
"""Characters of a key that somebody chose (WAYPOST_ADMIN_KEY): only a hash without salt is kept, so it must not be
guessed."""

DIFFERENT = 12
"""Characters of a key that somebody chose; what chance gives has more (`openssl rand -hex 24`: 48 and about 15)."""

_RATE = re.compile(r"[1-9][0-9]{0,8}/(second|minute|hour|day)")

USED_EVERY = timedelta(minutes=1)
"""How fine the last use is kept: one write a minute for a key, not one for each request."""


def create(
    session: Session,
    name: str,
    scopes: Sequence[str],
    now: datetime,
    text: str | None = None,
    *,
    expires_at: datetime | None = None,
    rate: str | None = None,
    origins: Sequence[str] = (),
) -> tuple[ApiKey, str]:
    """A new key, and the only time its text is known.

    `text` is one that somebody chose, else 256 bits of chance; `rate` a number per span, as "600/minute";
    `origins` are those of the pages that may call with it. Raise InvalidInput where the scopes do not fit, the text is
    too easy, the rate or an origin unreadable, or `expires_at` (UTC) past.
    """
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise InvalidInput(f"a key has at least one of the scopes {', '.join(SCOPES)}", "scopes")
    if ALONE in scopes and {*scopes} != {ALONE}:
        raise InvalidInput(f"a key with the scope {ALONE} stands in a page, and has no other scope", "scopes")
    if text is not None and (len(text) < SHORTEST or len(set(text)) < DIFFERENT):
        told = f"a key has at least {SHORTEST} characters, {DIFFERENT} of them different"
        raise InvalidInput(f"{told}: take wp_ and what `openssl rand -hex 24` says", "key")
    if expires_at is not None and expires_at <= now:
        raise InvalidInput("lies in the past", "expires_at")
    if rate is not None and not _RATE.fullmatch(rate):
        raise InvalidInput("write a number per span, as 600/minute (second, minute, hour or day)", "rate")
    text = text or PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        id=new_id("key"),
        name=name,
        prefix=text[:SHOWN],
        hash=_hash(text),
        scopes=sorted(set(scopes)),
        created_at=now,
        expires_at=expires_at,
        rate=rate,
        origins=_origins(scopes, origins),
    )
    session.add(key)
    session.flush()
    callers.changed(session)
    return key, text


def find(session: Session, text: str, now: datetime) -> ApiKey | None:
    """The live key with this text; None where it is unknown, revoked or expired."""
    hashed = _hash(text)
    key = callers.key_by_hash(session, hashed)
    if key is None or key.revoked_at is not None or not hmac.compare_digest(key.hash, hashed):
        return None
    return None if key.expires_at is not None and key.expires_at <= now else key


def known(session: Session, text: str) -> bool:
    """Whether there was ever a key with this text, live or not."""
    return callers.key_by_hash(session, _hash(text)) is not None


def used(session: Session, key_id: str, now: datetime) -> None:
    """Remember the use of a key, once a minute at most."""
    key = session.get(ApiKey, key_id)
    if key is not None and (key.last_used_at is None or now - key.last_used_at > USED_EVERY):
        key.last_used_at = now
        session.add(key)


def allows(key: ApiKey, scope: str) -> bool:
    """Whether a key may be used for what asks for this scope."""
    return scope in key.scopes or "admin" in key.scopes or (scope == "marketer" and APPROVER in key.scopes)


def set_origins(session: Session, key_id: str, origins: Sequence[str]) -> ApiKey:
    """Let pages of these origins call with a key, and of no others; none: pages are neither refused nor answered.

    Raise NotFound, or InvalidInput where one is no origin or the key is for no page.
    """
    key = get(session, key_id)
    key.origins = _origins(key.scopes, origins)
    session.add(key)
    callers.changed(session)
    return key


def _origins(scopes: Sequence[str], origins: Sequence[str]) -> list[str]:
    if origins and not {*scopes} <= IN_PAGES:
        raise InvalidInput(
            f"only a key with the scope {' or '.join(sorted(IN_PAGES))} alone may stand in a page", "origins"
        )
    return normalised(origins)


def get(session: Session, key_id: str) -> ApiKey:
    """The key with this id, live or not; raise NotFound."""
    key = session.get(ApiKey, key_id)
    if key is None:
        raise NotFound(f"there is no key {key_id!r}")
    return key


def revoke(session: Session, key_id: str, now: datetime) -> ApiKey:
    """Refuse a key from now on, for good; a second time changes nothing. Raise NotFound."""
    key = get(session, key_id)
    key.revoked_at = key.revoked_at or now
    session.add(key)
    callers.changed(session)
    return key


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
