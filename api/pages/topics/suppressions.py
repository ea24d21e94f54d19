"""Addresses that are never written to: found, added, and let be written to again with a reason.

An address stands in no path: paths are kept in the logs of proxies.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.paging import Paging, ThePage
from api.deps.signed_in import MarketerUser, SupportUser
from api.deps.transactions import Now, Reading
from api.edge import suppression_changes
from api.edge.own_pages import own_form
from api.pages.frame import api_calls, confirmations
from api.pages.frame.confirmations import LONGEST_REASON, ActionConfirmation
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.schemas.suppressions import SuppressionIn
from services.customers import suppressions
from services.errors import InvalidInput, NotFound
from store.queries.access import users
from store.queries.listing import lists

router = APIRouter(
    prefix="/suppressions", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

REASONS = ("bounce", "complaint", "unsubscribe", "manual")


class WantedSuppressions(BaseModel):
    """Which ones somebody looks for: how the address begins, and why it gets nothing."""

    model_config = ConfigDict(extra="ignore")

    query: str = Field(default="", max_length=320)
    reason: Literal["bounce", "complaint", "unsubscribe", "manual", ""] = ""

    @property
    def given(self) -> dict[str, str]:
        """What the filter says, as an address carries it."""
        return {name: value for name, value in self.model_dump().items() if value}


EmailField = Annotated[str, Form(max_length=400)]
ReasonField = Annotated[str, Form(max_length=LONGEST_REASON)]


@router.get("", response_class=HTMLResponse)
def listed(
    frame: TheFrame, looks: SupportUser, session: Reading, page: ThePage, asked: Annotated[WantedSuppressions, Query()]
) -> HTMLResponse:
    """By the alphabet."""
    return _shown(frame, session, asked, page)


@router.post("", response_class=RedirectResponse)
def add(frame: TheFrame, looks: MarketerUser, now: Now, email: EmailField, reason: ReasonField = "") -> Response:
    """No mail goes there from now on; the first reason stays."""

    def work(session: Session) -> None:
        trail = Trail(frame.request, session, now)
        suppression_changes.put(session, trail, email, SuppressionIn(), f"user {looks.actor}", now, reason)

    try:
        frame.parts.database.write(work)
    except InvalidInput as wrong:
        with frame.parts.database.reading() as session:
            return _shown(
                frame, session, WantedSuppressions(), Paging(limit=50), problem=str(wrong), typed=email, status=422
            )
    return RedirectResponse("/suppressions", 303)


@router.post("/lift/ask", response_class=HTMLResponse)
def ask_lift(frame: TheFrame, looks: MarketerUser, session: Reading, email: EmailField) -> HTMLResponse:
    """What will happen, and why it is right."""
    return _question(frame, session, email)


@router.post("/lift", response_class=RedirectResponse)
def lift(frame: TheFrame, looks: MarketerUser, now: Now, email: EmailField, reason: ReasonField = "") -> Response:
    """Do it; without a reason it is asked once more."""
    if not reason.strip():
        with frame.parts.database.reading() as session:
            return _question(frame, session, email, problem="Say why: the audit log keeps it.", status=422)

    def work(session: Session) -> None:
        suppression_changes.lift(session, Trail(frame.request, session, now), email, reason.strip())

    frame.parts.database.write(work)
    return RedirectResponse("/suppressions", 303)


def _question(frame: Frame, session: Session, email: str, *, problem: str = "", status: int = 200) -> HTMLResponse:
    found = suppressions.find(session, email)
    if found is None:
        raise NotFound("this address is not suppressed, or no more")
    return confirmations.ask(
        frame,
        ActionConfirmation(
            title=f"Let {found.email} be written to again?",
            told=[
                f"It gets nothing because of: {found.reason}.",
                "Mail goes there again from now on, where consent and caps allow it. What was skipped stays skipped. "
                "A bounce or a complaint brings the suppression back.",
            ],
            action="/suppressions/lift", verb="Let it be written to", back="/suppressions",
            crumbs=[("Suppressions", "/suppressions")], call="/v1/suppressions", why="must",
            hidden={"email": found.email},
        ),
        problem=problem, status=status,
    )  # fmt: skip


def _shown(
    frame: Frame, session: Session, asked: WantedSuppressions, page: Paging, *, problem: str = "", typed: str = "",
    status: int = 200,
) -> HTMLResponse:  # fmt: skip
    begins = asked.query.strip().lower() or None
    rows, cursor = lists.suppressions(session, page.slice(), reason=asked.reason or None, begins=begins)
    sources = {row.source.partition(" ")[2] for row in rows if " " in row.source}
    return frame.page(
        "topics/suppressions.html", status=status, rows=rows, cursor=cursor, asked=asked, reasons=REASONS,
        names=users.names(session, sources) if sources else {}, problem=problem, typed=typed,
        call=api_calls.shown_by("/v1/suppressions", reason=asked.reason),
    )  # fmt: skip
