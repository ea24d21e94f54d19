"""Sessions: one for each browser in which somebody is signed in. They expire, are listed, and can be ended.

The cookie holds 256 bits of chance, of which a hash is kept. What forms carry against forgery is made of the same, so
it needs no place of its own and ends with the session.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from services.errors import NotFound
from store.ids import new_id
from store.queries.access import users as rows
from store.tables.users import User, UserSession

LIFE = timedelta(days=14)
"""How long a session lasts whatever happens: two working weeks."""

IDLE = timedelta(days=3)
"""How long one lasts in which nothing is asked: from Friday to Monday."""

USED_EVERY = timedelta(minutes=1)
"""How fine the last use is kept: one write a minute for a session, not one for each page."""

LONGEST_AGENT = 200
"""Characters of the browser's own name that are kept."""

KEPT = timedelta(days=30)
"""How long a session that has expired stays on record."""


def start(session: Session, user: User, agent: str, now: datetime) -> tuple[UserSession, str]:
    """A new session of a user in a browser, and the text for its cookie, which is known this once."""
    text = secrets.token_urlsafe(32)
    made = UserSession(
        id=new_id("ses"),
        hash=_hash(text),
        user_id=user.id,
        agent=agent[:LONGEST_AGENT],
        created_at=now,
        last_used_at=now,
        expires_at=now + LIFE,
    )
    user.last_sign_in_at = now
    session.add(user)
    session.add(made)
    session.flush()
    return made, text


def find(session: Session, text: str, now: datetime) -> tuple[UserSession, User] | None:
    """The live session with this cookie, and whose it is.

    None where it is unknown, ended, idle for too long, or its user may not come in any more.
    """
    found = rows.by_session(session, _hash(text))
    if found is None:
        return None
    there, user = found
    over = there.revoked_at is not None or there.expires_at <= now or now - there.last_used_at > IDLE
    return None if over or user.disabled_at is not None else (there, user)


def used(session: Session, session_id: str, now: datetime) -> None:
    """Remember the use of a session, once a minute at most."""
    there = session.get(UserSession, session_id)
    if there is not None and now - there.last_used_at > USED_EVERY:
        there.last_used_at = now
        session.add(there)


def live(session: Session, user_id: str, now: datetime) -> Sequence[UserSession]:
    """The sessions of a user that still open pages, the one used last first."""
    return [one for one in rows.live_sessions(session, user_id, now) if now - one.last_used_at <= IDLE]


def end(session: Session, user_id: str, session_id: str, now: datetime) -> UserSession:
    """End one session of a user; a second time changes nothing. Raise NotFound."""
    there = session.get(UserSession, session_id)
    if there is None or there.user_id != user_id:
        raise NotFound(f"there is no session {session_id!r:.60}")
    there.revoked_at = there.revoked_at or now
    session.add(there)
    return there


def end_all(session: Session, user_id: str, now: datetime, but: str | None = None) -> int:
    """End every session of a user (`but` one); return how many those were."""
    those = [one for one in rows.live_sessions(session, user_id, now) if one.id != but]
    for one in those:
        one.revoked_at = now
        session.add(one)
    return len(those)


def form_token(text: str) -> str:
    """What the forms of a session carry, so that no page of somebody else can post them; `text` is its cookie's."""
    return derived(text, "form")[:32]


def derived(text: str, purpose: str) -> str:
    """64 hexadecimal digits for a purpose, made of a secret text and telling nothing of it."""
    return hmac.new(text.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def prune(session: Session, now: datetime) -> None:
    """Forget sessions and links that expired KEPT ago."""
    rows.forget(session, now - KEPT)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
