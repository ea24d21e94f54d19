"""Users as an admin sees them: who may do what, who was invited, who is let in no more."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.paging import ThePage
from api.deps.signed_in import AdminUser
from api.edge.own_pages import own_form
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.schemas.users import UserOut
from services.access import audit_log
from services.access.signing_in import sign_in, users
from services.access.signing_in.roles import Role
from services.errors import InvalidInput, Refused
from services.jobs.mails import sign_in_mail
from store.queries.listing import lists
from store.queries.listing.lists import Slice

router = APIRouter(prefix="/users", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

ROLES = {
    Role.SUPPORT: "sees customers and mails; pauses, moves and ends enrollments",
    Role.MARKETER: "all of that, and journeys, templates, topics and consent",
    Role.APPROVER: "all that a marketer may, and publishes what another has written",
    Role.ADMIN: "everything, users and keys too",
}
"""What each role may, in words."""

Roles = Annotated[list[str] | None, Form()]


@router.get("", response_class=HTMLResponse)
def listed(frame: TheFrame, looks: AdminUser, page: ThePage) -> HTMLResponse:
    """Everybody, and a form for one more."""
    return _shown(frame, page.slice())


@router.post("", response_class=HTMLResponse)
def invite(
    frame: TheFrame, looks: AdminUser, email: Annotated[str, Form(max_length=320)], roles: Roles = None,
    name: Annotated[str, Form(max_length=200)] = "",
) -> HTMLResponse:  # fmt: skip
    """They get a mail; whoever invites sees the link, too, since mail may not go out yet."""
    parts, now = frame.parts, frame.parts.clock()

    def work(session: Session) -> str:
        user = users.invite(session, email, name, roles or [], looks.actor, now)
        shown = UserOut.model_validate(user).model_dump(mode="json")
        audit_log.record(session, looks.actor, "invited", "user", user.id, now, after=shown)
        return parts.links.sign_in_url(sign_in_mail.start(session, user, looks.actor, now, sign_in.INVITED).id)

    try:
        link = parts.database.write(work)
    except (InvalidInput, Refused) as wrong:
        return _shown(frame, Slice(), problem=str(wrong), email=email, name=name, status=422)
    return _shown(frame, Slice(), invited=email, link=link)


@router.post("/{id}/roles", response_class=RedirectResponse)
def set_roles(id: str, frame: TheFrame, looks: AdminUser, roles: Roles = None) -> Response:
    """All of them at once."""

    def work(session: Session) -> None:
        before = UserOut.model_validate(users.get(session, id)).model_dump(mode="json")
        after = UserOut.model_validate(users.change(session, id, roles or [], None)).model_dump(mode="json")
        audit_log.record(session, looks.actor, "changed", "user", id, frame.parts.clock(), before, after)

    return _done(frame, work)


@router.post("/{id}/{change}", response_class=RedirectResponse)
def let_in(id: str, change: Literal["disable", "enable"], frame: TheFrame, looks: AdminUser) -> Response:
    """No more, or again."""
    now = frame.parts.clock()

    def work(session: Session) -> None:
        before = UserOut.model_validate(users.get(session, id)).model_dump(mode="json")
        user = users.disable(session, id, now) if change == "disable" else users.enable(session, id)
        after = UserOut.model_validate(user).model_dump(mode="json")
        audit_log.record(session, looks.actor, f"{change}d", "user", id, now, before, after)

    return _done(frame, work)


def _done(frame: Frame, work: Callable[[Session], None]) -> Response:
    try:
        frame.parts.database.write(work)
    except (InvalidInput, Refused) as wrong:
        return _shown(frame, Slice(), problem=str(wrong), status=422)
    return RedirectResponse("/users", 303)


def _shown(frame: Frame, wanted: Slice, *, status: int = 200, **said: str) -> HTMLResponse:
    with frame.parts.database.reading() as session:
        rows, cursor = lists.users(session, wanted)
    known: dict[str, Any] = {"problem": "", "invited": "", "link": "", "email": "", "name": "", **said}
    return frame.page("users/users.html", status=status, users=rows, cursor=cursor, roles=ROLES, **known)
