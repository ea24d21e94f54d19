"""Users: who signs in to the pages, and where they are signed in."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.deps.audit_trail import TheTrail
from api.deps.backend import TheBackend
from api.deps.paging import ThePage
from api.deps.permission import Admin
from api.deps.transactions import Now, Reading, Writing
from api.edge.idempotency import IdempotentRoute
from api.errors import responses
from api.schemas.base import Page
from api.schemas.users import SessionOut, UserChange, UserIn, UserInvited, UserOut
from services.access.signing_in import sessions, sign_in, users
from services.jobs.mails import sign_in_mail
from store.queries.listing import lists

router = APIRouter(prefix="/v1/users", tags=["users"], route_class=IdempotentRoute)

UserId = Annotated[str, Path(description="`usr_…`, or the email address", max_length=320)]


@router.post("", status_code=201, summary="Invite a user", responses=responses(409, 422))
def invite(body: UserIn, parts: TheBackend, session: Writing, now: Now, caller: Admin, trail: TheTrail) -> UserInvited:
    """They sign in by the link of this answer, which is mailed to them, too."""
    user = users.invite(session, body.email, body.name, body.roles, caller.id, now)
    shown = UserOut.model_validate(user)
    if body.mail:
        link = sign_in_mail.start(session, user, caller.id, now, sign_in.INVITED)
    else:
        link = sign_in.link(session, user.id, now, sign_in.INVITED)
    trail.note("invited", "user", user.id, after=shown)
    return UserInvited(**shown.model_dump(), link=parts.links.sign_in_url(link.id))


@router.get("", summary="List users", responses=responses(422))
def listed(session: Reading, caller: Admin, page: ThePage) -> Page[UserOut]:
    """Those who are disabled, too."""
    rows, cursor = lists.users(session, page.slice())
    return Page(items=[UserOut.model_validate(row) for row in rows], cursor=cursor)


@router.get("/{id}", summary="One user", responses=responses(404))
def get(id: UserId, session: Reading, caller: Admin) -> UserOut:
    """Who they are, and what they may do."""
    return UserOut.model_validate(users.get(session, id))


@router.patch("/{id}", summary="Change a user", responses=responses(404, 409, 422))
def change(id: UserId, body: UserChange, session: Writing, caller: Admin, trail: TheTrail) -> UserOut:
    """Other roles hold from the next page that they open. The last admin stays one."""
    before = UserOut.model_validate(users.get(session, id))
    shown = UserOut.model_validate(users.change(session, id, body.roles, body.name))
    trail.note("changed", "user", shown.id, before, shown)
    return shown


@router.post("/{id}/disable", summary="Let a user in no more", responses=responses(404, 409))
def disable(id: UserId, session: Writing, now: Now, caller: Admin, trail: TheTrail) -> UserOut:
    """Their sessions end now, and their links open nothing. What they did stays theirs in the audit log."""
    before = UserOut.model_validate(users.get(session, id))
    shown = UserOut.model_validate(users.disable(session, id, now))
    trail.note("disabled", "user", shown.id, before, shown)
    return shown


@router.post("/{id}/enable", summary="Let a user in again", responses=responses(404, 409))
def enable(id: UserId, session: Writing, caller: Admin, trail: TheTrail) -> UserOut:
    """They sign in anew."""
    before = UserOut.model_validate(users.get(session, id))
    shown = UserOut.model_validate(users.enable(session, id))
    trail.note("enabled", "user", shown.id, before, shown)
    return shown


@router.get("/{id}/sessions", summary="Where a user is signed in", responses=responses(404))
def signed_in(id: UserId, session: Reading, now: Now, caller: Admin) -> list[SessionOut]:
    """The browser that was used last comes first."""
    user = users.get(session, id)
    return [SessionOut.model_validate(one) for one in sessions.live(session, user.id, now)]


@router.delete("/{id}/sessions/{session_id}", summary="End a session", responses=responses(404))
def end(
    id: UserId, session_id: Annotated[str, Path(max_length=40)], session: Writing, now: Now, caller: Admin,
    trail: TheTrail,
) -> SessionOut:  # fmt: skip
    """That browser is signed out."""
    user = users.get(session, id)
    ended = sessions.end(session, user.id, session_id, now)
    trail.note("ended a session of", "user", user.id)
    return SessionOut.model_validate(ended)
