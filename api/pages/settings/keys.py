"""The keys of programs: what each is good for and when it was used, a new one shown once, and one revoked."""

from datetime import UTC, datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.paging import Paging, ThePage
from api.deps.signed_in import AdminUser
from api.deps.transactions import Now, Reading
from api.edge import key_changes
from api.edge.own_pages import own_form
from api.pages.frame import confirmations, forms, posted_once
from api.pages.frame.confirmations import LONGEST_REASON, ActionConfirmation
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.schemas.keys import KeyIn, KeyMade, KeyOut
from services.access.idempotency import Conflict
from services.access.keys import api_keys
from services.errors import InvalidInput
from store.queries.listing import lists

router = APIRouter(prefix="/keys", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

SCOPES = {
    "ingest": "sends events of your product",
    "support": "reads; pauses, moves and ends enrollments",
    "marketer": "all of that, and everything about journeys, templates, topics and consent",
    "approver": "a marketer's, and publishes what another has written, where two pairs of eyes are asked for",
    "admin": "everything, keys and settings too",
    "browser": "stands in a web page, tracks and pages, and nothing else: it has no other scope",
}
"""What each scope is good for, in words."""


class KeyForm(BaseModel):
    """A key that is wanted, as it is typed: the day from which it is refused, and an origin on each line."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(default="", max_length=1_000)
    scopes: list[str] = Field(default=[], max_length=20)
    expires: str = Field(default="", max_length=40)
    rate: str = Field(default="", max_length=40)
    origins: str = Field(default="", max_length=20_000)
    once: str = Field(default="", pattern=posted_once.PATTERN)

    def wanted(self) -> KeyIn:
        """As the API takes it; raise InvalidInput."""
        said: dict[str, Any] = {"name": self.name.strip(), "scopes": self.scopes, "rate": self.rate.strip() or None}
        return forms.read(KeyIn, {**said, "expires_at": self._expires_at(), "origins": forms.lines(self.origins)})

    def _expires_at(self) -> datetime | None:
        try:
            day = datetime.fromisoformat(self.expires).date() if self.expires else None
        except ValueError:
            raise InvalidInput("say the day as 2026-12-31", "expires") from None
        return datetime.combine(day, time(), UTC) if day is not None else None


OriginsField = Annotated[str, Form(max_length=20_000)]


@router.get("", response_class=HTMLResponse)
def listed(frame: TheFrame, looks: AdminUser, session: Reading, page: ThePage) -> HTMLResponse:
    """All of them, the revoked too, and a form for one more."""
    return _shown(frame, session, KeyForm(scopes=["ingest"]), page)


@router.post("", response_class=HTMLResponse)
def create(frame: TheFrame, looks: AdminUser, now: Now, asked: Annotated[KeyForm, Form()]) -> HTMLResponse:
    """The key is on the page that answers, and nowhere else; a form posted twice makes one, and shows it again."""

    def work(session: Session) -> str:
        trail, wanted = Trail(frame.request, session, now), asked.wanted()
        return posted_once.do(
            frame, session, asked.once, wanted.model_dump_json(),
            lambda: key_changes.create(session, trail, wanted, now).model_dump_json(),
        )  # fmt: skip

    try:
        made = frame.parts.database.write(work)
    except (InvalidInput, Conflict) as wrong:
        return _anew(frame, asked, problem=str(wrong), status=409 if isinstance(wrong, Conflict) else 422)
    return _anew(frame, KeyForm(), made=KeyMade.model_validate_json(made))


@router.post("/{id}/origins", response_class=RedirectResponse)
def set_origins(id: str, frame: TheFrame, looks: AdminUser, now: Now, origins: OriginsField = "") -> Response:
    """All of them: pages of other origins are refused from now on."""

    def work(session: Session) -> None:
        key_changes.set_origins(session, Trail(frame.request, session, now), id, forms.lines(origins))

    try:
        frame.parts.database.write(work)
    except InvalidInput as wrong:
        return _anew(frame, KeyForm(), problem=str(wrong), status=422)
    return RedirectResponse("/keys", 303)


@router.get("/{id}/revoke", response_class=HTMLResponse)
def ask_revoke(id: str, frame: TheFrame, looks: AdminUser, session: Reading) -> HTMLResponse:
    """What will happen, and whether that is meant."""
    key = api_keys.get(session, id)
    used = f"It was used last {key.last_used_at:%Y-%m-%d %H:%M} UTC." if key.last_used_at else "It was never used."
    return confirmations.ask(
        frame,
        ActionConfirmation(
            title=f"Revoke the key {key.name}?",
            told=[f"It begins with {key.prefix}. {used}",
                  "Whatever calls with it is refused from now on, for good: a program needs another key."],
            action=f"/keys/{id}/revoke", verb="Revoke it", back="/keys", crumbs=[("Keys", "/keys")], call="/v1/keys",
        ),
    )  # fmt: skip


@router.post("/{id}/revoke", response_class=RedirectResponse)
def revoke(
    id: str, frame: TheFrame, looks: AdminUser, now: Now,
    reason: Annotated[str, Form(max_length=LONGEST_REASON)] = "",
) -> Response:  # fmt: skip
    """Do it; a second time changes nothing."""

    def work(session: Session) -> None:
        key_changes.revoke(session, Trail(frame.request, session, now), id, now, reason)

    frame.parts.database.write(work)
    return RedirectResponse("/keys", 303)


def _anew(
    frame: Frame, asked: KeyForm, *, made: KeyMade | None = None, problem: str = "", status: int = 200
) -> HTMLResponse:
    with frame.parts.database.reading() as session:
        return _shown(frame, session, asked, Paging(limit=50), made=made, problem=problem, status=status)


def _shown(
    frame: Frame, session: Session, asked: KeyForm, page: Paging, *, made: KeyMade | None = None, problem: str = "",
    status: int = 200,
) -> HTMLResponse:  # fmt: skip
    rows, cursor = lists.api_keys(session, page.slice())
    return frame.page(
        "settings/keys.html", status=status, keys=rows, cursor=cursor, asked=asked, made=made, problem=problem,
        scopes=SCOPES, in_pages=api_keys.IN_PAGES, call="/v1/keys",
        once=posted_once.token(),
        as_json=f"[{', '.join(KeyOut.model_validate(row).model_dump_json() for row in rows)}]",
    )  # fmt: skip
