"""What every way in has in common: the form that offers them all, and the session that each ends in."""

from urllib.parse import quote

from fastapi.responses import HTMLResponse, RedirectResponse
from sqlmodel import Session

from api.deps import signed_in
from api.pages.frame.frame import Frame
from services.access import audit_log
from services.access.signing_in import sessions, users
from store.queries.access import users as rows


def show_form(frame: Frame, to: str, *, problem: str = "", email: str = "", status: int = 200) -> HTMLResponse:
    """The ways in; `to` is where whoever comes in goes on, `problem` why they did not yet."""
    parts, back_to = frame.parts, local_path(to)
    with parts.database.reading() as session:
        anybody = rows.first(session) is not None
    openid = parts.openid.client.button if parts.openid is not None else ""
    begin = f"{parts.desk_url}/sign-in/openid?to={quote(back_to, safe='/')}"
    return frame.page(
        "signing_in/sign_in.html", status=status, to=back_to, problem=problem, email=email, anybody=anybody,
        openid=openid, begin=begin,
    )  # fmt: skip


def let_in(frame: Frame, user_id: str, to: str, how: str) -> RedirectResponse:
    """A new session for this browser, whatever it had before."""
    parts, now, agent = frame.parts, frame.parts.clock(), frame.request.headers.get("user-agent", "")

    def start(session: Session) -> str:
        user = users.get(session, user_id)
        audit_log.record(session, user.id, how, "user", user.id, now)
        return sessions.start(session, user, agent, now)[1]

    answer = RedirectResponse(local_path(to), 303)
    signed_in.remember(frame.request, answer, parts, parts.database.write(start))
    return answer


def local_path(to: str) -> str:
    """A path of ours, or the start page: nobody is led elsewhere behind a sign-in."""
    plain = to.isprintable() and "\\" not in to
    return to if plain and to.startswith("/") and not to.startswith("//") and not to.startswith("/sign-") else "/"
