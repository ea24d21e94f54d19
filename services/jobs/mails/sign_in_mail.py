"""The mail with which somebody signs in: its operation names the link, neither the address nor what opens."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from services.access.signing_in import sign_in
from services.errors import NotFound
from services.operations import operations
from store.tables.access import Operation
from store.tables.users import SignInLink, User

KIND = "sign-in mail"
"""The kind of its operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRequest:
    """To whom a link goes, the link's id, and for how many minutes it works."""

    to: str
    link: str
    minutes: int


def start(session: Session, user: User, by: str | None, now: datetime, lives: timedelta) -> SignInLink:
    """Make a link for a user, and ask the worker to mail it; `by` is whoever asks, None where the user does."""
    link = sign_in.link(session, user.id, now, lives)
    operations.start(session, KIND, {"link": link.id}, now, by=by or user.id, total=1)
    return link


def request(session: Session, operation: Operation) -> SignInRequest:
    """The mail that was asked for; raise NotFound where the link or its user is gone."""
    link = session.get(SignInLink, operation.request["link"])
    user = session.get(User, link.user_id) if link is not None and link.user_id is not None else None
    if link is None or user is None:
        raise NotFound("the link is gone; ask for another")
    minutes = round((link.expires_at - link.created_at).total_seconds() / 60)
    return SignInRequest(to=user.email, link=link.id, minutes=minutes)
