"""How somebody comes in: by a link that works once, or by a password.

A link names a row here and is signed where it is made, so that neither the database nor a log holds what opens.
Without a user it makes the first admin, as long as there is none; colleagues who came by a provider may be here then.
"""

from datetime import datetime, timedelta

from sqlmodel import Session

from services.access.signing_in import users
from services.access.signing_in.roles import Role
from services.errors import Refused
from store.ids import new_id
from store.queries.access import users as rows
from store.tables.users import SignInLink, User

MAILED = timedelta(minutes=30)
"""How long a link that was asked for works: as long as somebody waits for a mail."""

INVITED = timedelta(days=7)
"""How long an invitation works: who is away for a week asks for another."""

FIRST = timedelta(hours=24)
"""How long a link for the first admin works; each start of an installation without users makes another."""

SPENT = "this link was used or has expired; ask for another one"


def link(session: Session, user_id: str | None, now: datetime, lives: timedelta) -> SignInLink:
    """A new link for a user; for whoever becomes the first admin, where `user_id` is None."""
    made = SignInLink(id=new_id("lnk"), user_id=user_id, created_at=now, expires_at=now + lives)
    session.add(made)
    session.flush()
    return made


def first_admin_link(session: Session, now: datetime) -> SignInLink | None:
    """A link that makes the first admin; None where there is one already."""
    return link(session, None, now, FIRST) if not users.any_admin(session) else None


def look(session: Session, link_id: str, now: datetime) -> User | None:
    """Whom a link would sign in: None for the first admin. It stays as it is. Raise Refused where it opens nothing."""
    found = session.get(SignInLink, link_id)
    if found is None or found.used_at is not None or found.expires_at <= now:
        raise Refused(SPENT, "spent")
    if found.user_id is None:
        if users.any_admin(session):
            raise Refused("there is an admin already; ask them to invite you", "spent")
        return None
    user = session.get(User, found.user_id)
    if user is None or user.disabled_at is not None:
        raise Refused(SPENT, "spent")
    return user


def use(session: Session, link_id: str, now: datetime, email: str = "", name: str = "") -> User:
    """Use a link up, and return whom it signs in; the first admin is made with `email` and `name`.

    Whoever is here by that address already, without that role, becomes it. Raise Refused where it opens nothing,
    InvalidInput where the first admin gives no address.
    """
    user = look(session, link_id, now)
    if user is None:
        there = rows.by_email(session, users.normal_address(email))
        if there is None or there.disabled_at is not None:
            user = users.invite(session, email, name, [Role.ADMIN], None, now)
        else:
            user = users.change(session, there.id, [*there.roles, Role.ADMIN], None)
    if not rows.take_link(session, link_id, now):
        raise Refused(SPENT, "spent")
    return user


def wanted(session: Session, email: str) -> User | None:
    """Who may sign in with this address; None where nobody may."""
    user = rows.by_email(session, email)
    return user if user is not None and user.disabled_at is None else None
