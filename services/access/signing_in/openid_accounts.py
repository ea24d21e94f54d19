"""Whom a person is here whom an OpenID Connect provider has proven, and what they may do.

Their groups decide, anew at each sign-in: whoever is in no group that has a role is not let in, and what an admin has
changed by hand in the meantime does not last. An account is found by what the provider calls it, which never changes;
the first time by an address that the provider has verified, since whoever may write any address into their profile
there would else be whoever they like. Where nobody has that address, the group is the invitation.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from services.access import audit_log
from services.access.signing_in import roles, sessions, users
from services.errors import Refused
from store.queries.access import users as rows
from store.tables.users import User, UserIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenPerson:
    """Whom a provider has proven: its own name for them, and what it says of them."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str
    groups: Collection[str]
    token: str = field(default="", repr=False)
    """The ID token, by which the provider knows later whom to sign out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdAdmission:
    """The id of the user who is let in; else None, and why not, in words for them."""

    user_id: str | None
    told: str = ""


NO_GROUP = "Your account is in no group that may work here. Ask whoever runs this installation to add you to one."
UNVERIFIED = "The provider has not verified your address, so we cannot tell who you are here. Verify it there first."
ANOTHER = "Your address belongs to a user who signs in by another account of the provider. Ask an admin."
DISABLED = "Your account here is disabled. Ask an admin."
LAST_ADMIN = "By your groups you are no admin any more, and you are the last one here. Make another one first."


def admit(
    session: Session, person: ProvenPerson, roles_of: Mapping[str, Sequence[str]], now: datetime
) -> OpenIdAdmission:
    """Find or make the user, and give them the roles of their groups. `roles_of` are the roles by group.

    Whoever is in no such group any more is disabled: no password and no link lets in whom the groups do not. The last
    admin alone is not, and their sessions end. Raise InvalidInput where the address is none.
    """
    wanted = roles.of_groups(person.groups, roles_of)
    user = rows.by_identity(session, person.issuer, person.subject)
    if not wanted:
        if user is not None:
            _leaves(session, user, now)
        return OpenIdAdmission(user_id=None, told=NO_GROUP)
    if user is not None:
        return _again(session, user, wanted, now)
    if not person.email_verified:
        return OpenIdAdmission(user_id=None, told=UNVERIFIED)
    return _for_the_first_time(session, person, wanted, now)


def _leaves(session: Session, user: User, now: datetime) -> None:
    """Nobody but the provider may have known of it until they tried."""
    action, before = "was disabled for want of a group", user.disabled_at
    try:
        users.disable(session, user.id, now)
    except Refused:
        action = "was refused for want of a group"
        sessions.end_all(session, user.id, now)
    if before is None:
        audit_log.record(session, user.id, action, "user", user.id, now)


def _for_the_first_time(session: Session, person: ProvenPerson, wanted: list[str], now: datetime) -> OpenIdAdmission:
    invited = rows.by_email(session, users.normal_address(person.email))
    if invited is not None and rows.has_identity(session, invited.id, person.issuer):
        return OpenIdAdmission(user_id=None, told=ANOTHER)
    user = invited or users.invite(session, person.email, person.name, wanted, None, now)
    if invited is None:
        audit_log.record(session, user.id, "created", "user", user.id, now, after={"roles": user.roles})
    known = UserIdentity(issuer=person.issuer, subject=person.subject, user_id=user.id, created_at=now)
    admission = _again(session, user, wanted, now)
    if admission.user_id is not None:
        session.add(known)
    return admission


def _again(session: Session, user: User, wanted: list[str], now: datetime) -> OpenIdAdmission:
    if user.disabled_at is not None:
        return OpenIdAdmission(user_id=None, told=DISABLED)
    before = list(user.roles)
    if before != wanted:
        try:
            users.change(session, user.id, wanted, None)
        except Refused:
            return OpenIdAdmission(user_id=None, told=LAST_ADMIN)
        changes = {"roles": before}, {"roles": wanted}
        audit_log.record(session, user.id, "changed by their groups", "user", user.id, now, *changes)
    return OpenIdAdmission(user_id=user.id)
