"""Webhooks and notes to colleagues: what became of each, and those that wait for a person tried again or given up."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.paging import ThePage
from api.deps.signed_in import MarketerUser, SupportUser
from api.deps.transactions import Now, Reading
from api.edge import hook_controls
from api.edge.hook_controls import HookControl
from api.edge.own_pages import own_form
from api.pages.frame import api_calls, confirmations
from api.pages.frame.confirmations import LONGEST_REASON, ActionConfirmation
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from journeys.program.step_ids import in_words
from services.enrollments import hooks
from services.errors import Refused
from store.queries.identity import customers
from store.queries.listing import lists
from store.statuses import HookStatus

router = APIRouter(prefix="/hooks", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

EFFECTS: Mapping[HookControl, str] = {
    "retry": "It is called at once, with all its attempts before it. The receiver may have had it: it knows it again "
    "by its id, where it looks at that. A note by mail goes once more.",
    "cancel": "It is not called any more. Its journey goes on as before; that it was given up stands on the "
    "customer's timeline.",
}
"""What each does, in words."""

VERBS: Mapping[HookControl, str] = {"retry": "Call it again", "cancel": "Give it up"}


class WantedHooks(BaseModel):
    """Which ones somebody looks for; what is empty lets all of them through."""

    model_config = ConfigDict(extra="ignore")

    status: HookStatus | Literal[""] = ""
    journey: str = Field(default="", max_length=63)

    @property
    def given(self) -> dict[str, str]:
        """What the filter says, as an address carries it."""
        return {name: str(value) for name, value in self.model_dump(mode="json").items() if value}


@router.get("", response_class=HTMLResponse)
def listed(
    frame: TheFrame, looks: SupportUser, session: Reading, page: ThePage, asked: Annotated[WantedHooks, Query()]
) -> HTMLResponse:
    """A page at a time, with the receiver's last answer."""
    rows, cursor = lists.hooks(session, page.slice(), status=asked.status or None, journey=asked.journey or None)
    known = {one.id: one for one in customers.by_ids(session, {row.customer_id for row in rows})}
    return frame.page(
        "operations/hooks.html", hooks=rows, customers=known, cursor=cursor, asked=asked, statuses=list(HookStatus),
        call=api_calls.shown_by("/v1/hooks", **asked.given),
    )  # fmt: skip


@router.get("/{id}/{verb}", response_class=HTMLResponse)
def ask(id: str, verb: HookControl, frame: TheFrame, looks: MarketerUser, session: Reading) -> HTMLResponse:
    """What will happen, and whether that is meant."""
    return _question(frame, session, id, verb)


@router.post("/{id}/{verb}", response_class=RedirectResponse)
def do(
    id: str,
    verb: HookControl,
    frame: TheFrame,
    looks: MarketerUser,
    now: Now,
    reason: Annotated[str, Form(max_length=LONGEST_REASON)] = "",
) -> Response:
    """Do it; a refusal is told beside the question."""

    def work(session: Session) -> None:
        hook_controls.control_hook(session, Trail(frame.request, session, now), id, verb, now, reason)

    try:
        frame.parts.database.write(work)
    except Refused as refused:
        with frame.parts.database.reading() as session:
            return _question(frame, session, id, verb, problem=str(refused), status=409)
    return RedirectResponse("/hooks?status=stuck", 303)


def _question(
    frame: Frame, session: Session, id: str, verb: HookControl, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    hook = hooks.get(session, id)
    last = f" Its last answer was {hook.error or hook.answer}." if hook.error or hook.answer else ""
    return confirmations.ask(
        frame,
        ActionConfirmation(
            title=f"{VERBS[verb]}?",
            told=[
                f"The {hook.kind} of '{in_words(hook.step)}' in {hook.journey} is {hook.status}.{last}", EFFECTS[verb],
            ],
            action=f"/hooks/{hook.id}/{verb}", verb=VERBS[verb], back="/hooks?status=stuck",
            crumbs=[("Webhooks and notes", "/hooks")], call=f"/v1/hooks/{hook.id}",
        ),
        problem=problem, status=status,
    )  # fmt: skip
