"""Users: whom an admin invites, what they may do, and who may not come in any more.

There is always an admin who can sign in: what would take the last one away is refused.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from services.access.signing_in import roles as known_roles
from services.access.signing_in import sessions
from services.access.signing_in.roles import Role
from services.errors import InvalidInput, NotFound, Refused
from store import addresses
from store.ids import new_id
from store.queries.access import users as rows
from store.tables.users import User

LONGEST_NAME = 100
"""Characters of a name: it stands in lists and in the frame of every page."""


def invite(session: Session, email: str, name: str, roles: Sequence[str], by: str | None, now: datetime) -> User:
    """A new user, who signs in by a link that is made apart.

    `by` is who invites them. Raise InvalidInput where the address or a role is none, Refused where somebody has the
    address already.
    """
    address, wanted = normal_address(email), known_roles.read(roles)
    if rows.by_email(session, address) is not None:
        raise Refused(f"there is a user {address!r} already", "email")
    made = User(
        id=new_id("usr"),
        email=address,
        name=_name(name) or address.partition("@")[0],
        roles=wanted,
        invited_by=by,
        created_at=now,
    )
    session.add(made)
    session.flush()
    return made


def normal_address(email: str) -> str:
    """An address as it is kept; raise InvalidInput where mail cannot be addressed to it."""
    address = addresses.normal(email)
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain or not address.isprintable() or " " in address:
        raise InvalidInput("write an email address, as bea@shop.example", "email")
    return address


def _name(given: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in given).split())[:LONGEST_NAME]


def get(session: Session, name: str) -> User:
    """A user by id or address; raise NotFound."""
    found = session.get(User, name) or rows.by_email(session, addresses.normal(name))
    if found is None:
        raise NotFound(f"there is no user {name!r:.80}")
    return found


def change(session: Session, user_id: str, roles: Sequence[str] | None, name: str | None) -> User:
    """Give a user other roles or another name; None leaves what there is.

    Raise NotFound, InvalidInput where a role is none, Refused where no admin would be left.
    """
    user = get(session, user_id)
    if roles is not None:
        wanted = known_roles.read(roles)
        if Role.ADMIN not in wanted:
            _keep_an_admin(session, user)
        user.roles = wanted
    if name is not None and _name(name):
        user.name = _name(name)
    session.add(user)
    return user


def disable(session: Session, user_id: str, now: datetime) -> User:
    """Let a user in no more: their sessions end now, their links open nothing. A second time changes nothing.

    Raise NotFound, Refused where no admin would be left.
    """
    user = get(session, user_id)
    _keep_an_admin(session, user)
    user.disabled_at = user.disabled_at or now
    rows.void_links(session, user.id, now)
    sessions.end_all(session, user.id, now)
    session.add(user)
    return user


def enable(session: Session, user_id: str) -> User:
    """Let a user in again; raise NotFound."""
    user = get(session, user_id)
    user.disabled_at = None
    session.add(user)
    return user


def any_admin(session: Session) -> bool:
    """Whether somebody is an admin, who may come in or not."""
    return any(Role.ADMIN in roles for roles in rows.every_role(session))


def _keep_an_admin(session: Session, user: User) -> None:
    others = [one for one in rows.enabled(session) if one.id != user.id and Role.ADMIN in one.roles]
    if Role.ADMIN in user.roles and user.disabled_at is None and not others:
        raise Refused("this is the last admin; make another one first", "last_admin")
