"""Users, the links that sign them in, and their sessions."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, delete, select, update

from store.tables.access import ApiKey
from store.tables.users import SignInLink, User, UserIdentity, UserSession


def by_email(session: Session, email: str) -> User | None:
    """The user with this address (in its normal form), disabled or not."""
    return session.exec(select(User).where(User.email == email)).first()


def by_identity(session: Session, issuer: str, subject: str) -> User | None:
    """The user with this account at a provider, disabled or not."""
    query = select(User).join(UserIdentity, col(UserIdentity.user_id) == col(User.id))
    return session.exec(query.where(UserIdentity.issuer == issuer, UserIdentity.subject == subject)).first()


def has_identity(session: Session, user_id: str, issuer: str) -> bool:
    """Whether a user has an account at this provider."""
    query = select(UserIdentity).where(UserIdentity.user_id == user_id, UserIdentity.issuer == issuer)
    return session.exec(query).first() is not None


def first(session: Session) -> User | None:
    """The user who was made first; None where there is none."""
    return session.exec(select(User).order_by(col(User.id)).limit(1)).first()


def every_role(session: Session) -> Sequence[Sequence[str]]:
    """The roles of each user; colleagues are few."""
    return session.exec(select(User.roles)).all()


def enabled(session: Session) -> Sequence[User]:
    """Everybody who may sign in, locked until the transaction ends: who looks for the last admin may rely on it."""
    return session.exec(
        select(User).where(col(User.disabled_at).is_(None)).order_by(col(User.id)).with_for_update()
    ).all()


def names(session: Session, ids: Collection[str]) -> Mapping[str, str]:
    """What users and keys are called, by id; one that is neither is left out."""
    found: dict[str, str] = {}
    for table in (User, ApiKey):
        columns: Any = (table.id, table.name)
        found |= dict(session.exec(select(*columns).where(col(table.id).in_(ids))).all())
    return found


def take_link(session: Session, link_id: str, now: datetime) -> bool:
    """Use a link up; False where it is unknown, was used or has expired. Of two at the same moment one gets it."""
    row = update(SignInLink).where(
        col(SignInLink.id) == link_id, col(SignInLink.used_at).is_(None), col(SignInLink.expires_at) > now
    )
    return session.connection().execute(row.values(used_at=now)).rowcount == 1


def void_links(session: Session, user_id: str, now: datetime) -> None:
    """No link of this user opens any more."""
    row = update(SignInLink).where(col(SignInLink.user_id) == user_id, col(SignInLink.used_at).is_(None))
    session.connection().execute(row.values(used_at=now))


def by_session(session: Session, hashed: str) -> tuple[UserSession, User] | None:
    """The session whose cookie has this hash, and whose it is; live or not."""
    query = select(UserSession, User).where(UserSession.hash == hashed, col(User.id) == col(UserSession.user_id))
    return session.exec(query).first()


def live_sessions(session: Session, user_id: str, now: datetime) -> Sequence[UserSession]:
    """The sessions of a user that were neither ended nor have expired, the one used last first."""
    query = select(UserSession).where(
        UserSession.user_id == user_id, col(UserSession.revoked_at).is_(None), col(UserSession.expires_at) > now
    )
    return session.exec(query.order_by(col(UserSession.last_used_at).desc(), col(UserSession.id))).all()


def forget(session: Session, before: datetime) -> None:
    """Let go of sessions and links that had expired before an instant."""
    for table in (UserSession, SignInLink):
        session.connection().execute(delete(table).where(col(table.expires_at) < before))
