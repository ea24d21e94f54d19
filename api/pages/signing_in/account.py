"""One's own account: the password, and the browsers in which one is signed in."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.signed_in import AnyUser, SignedIn
from api.edge.own_pages import own_form
from api.errors import ApiError
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from services.access import audit_log
from services.access.signing_in import passwords, sessions, users
from services.errors import InvalidInput

router = APIRouter(prefix="/account", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

Password = Annotated[str, Form(max_length=2_000)]


@router.get("", response_class=HTMLResponse)
def account(frame: TheFrame, looks: AnyUser, saved: bool = False) -> HTMLResponse:
    """Who one is here."""
    return _shown(frame, looks, saved=saved)


@router.post("/password", response_class=RedirectResponse)
def set_password(frame: TheFrame, looks: AnyUser, password: Password, former: Password = "") -> Response:
    """Another password; the former one is asked for, where there is one. Every other session ends."""
    parts, now = frame.parts, frame.parts.clock()
    with parts.database.reading() as session:
        user = users.get(session, looks.actor)
    if user.password is not None:
        parts.sign_ins.check_password("their session", user.email)
        if not passwords.fits(user.password, former):
            parts.sign_ins.wrong_password("their session", user.email)
            return _shown(frame, looks, problem="The present password is another one.", status=422)
    try:
        passwords.check(password, user.email)
    except InvalidInput as wrong:
        return _shown(frame, looks, problem=f"{str(wrong).capitalize()}.", status=422)
    kept = passwords.hashed(password)

    def change(session: Session) -> None:
        own = users.get(session, looks.actor)
        own.password = kept
        session.add(own)
        sessions.end_all(session, own.id, now, but=looks.session)
        audit_log.record(session, own.id, "set the password of", "user", own.id, now)

    parts.database.write(change)
    return RedirectResponse("/account?saved=true", 303)


@router.post("/sessions/{id}/end", response_class=RedirectResponse)
def end_session(id: str, frame: TheFrame, looks: AnyUser) -> RedirectResponse:
    """A browser of one's own is signed out."""
    now = frame.parts.clock()
    frame.parts.database.write(lambda session: sessions.end(session, looks.actor, id, now))
    return RedirectResponse("/account", 303)


def _shown(frame: Frame, looks: SignedIn, *, saved: bool = False, problem: str = "", status: int = 200) -> HTMLResponse:
    if looks.session is None:
        raise ApiError("forbidden", "a key has no account; sign in by name")
    with frame.parts.database.reading() as session:
        user = users.get(session, looks.actor)
        live = sessions.live(session, user.id, frame.parts.clock())
    return frame.page(
        "signing_in/account.html", status=status, user=user, sessions=live, saved=saved, problem=problem,
        shortest=passwords.SHORTEST,
    )  # fmt: skip
