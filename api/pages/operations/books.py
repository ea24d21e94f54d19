"""Whether the books balance, each difference with its repair: first everything is compared, then it is repaired."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.signed_in import AdminUser, SupportUser
from api.deps.transactions import Now, Reading
from api.edge import book_repairs
from api.edge.heavy_work import TheHeavyWork
from api.edge.own_pages import own_form
from api.pages.frame import confirmations
from api.pages.frame.confirmations import ActionConfirmation
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.schemas.reconciliation import Reconciliation
from services.errors import Refused
from services.reconciliation import reconciling
from services.reports.health import backlog
from services.reports.health.reconciliation import reconcile

router = APIRouter(
    prefix="/reconciliation", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

CALL = "/v1/reports/reconciliation"


@router.get("", response_class=HTMLResponse)
async def books(frame: TheFrame, looks: SupportUser, heavy: TheHeavyWork, recount: bool = False) -> HTMLResponse:
    """The kept counts, which are read in a moment; with `recount` the rows themselves beside them."""
    return await heavy.run(lambda: _shown(frame, recount=recount))


@router.post("/check", response_class=RedirectResponse)
def check(frame: TheFrame, looks: SupportUser, now: Now) -> Response:
    """Compare everything, and change nothing."""
    try:
        started = frame.parts.database.write(
            lambda session: reconciling.start(session, now, looks.actor, repair=False).id
        )
    except Refused as refused:
        return _shown(frame, problem=str(refused), status=409)
    return RedirectResponse(f"/operations/{started}", 303)


@router.get("/repair", response_class=HTMLResponse)
def ask_repair(frame: TheFrame, looks: AdminUser, session: Reading) -> HTMLResponse:
    """What the repair of each difference would do, as the last comparison has found them."""
    return _question(frame, session)


@router.post("/repair", response_class=RedirectResponse)
def repair(frame: TheFrame, looks: AdminUser, now: Now, checked: Annotated[str, Form(max_length=40)] = "") -> Response:
    """Do it; where something was compared since, that is told first."""

    def work(session: Session) -> str | None:
        if not _open(reconciling.last_check(session)) or _operation(session) != checked:
            return None
        return book_repairs.start(session, Trail(frame.request, session, now), looks.actor, now).id

    try:
        started = frame.parts.database.write(work)
    except Refused as refused:
        return _shown(frame, problem=str(refused), status=409)
    if started is None:
        with frame.parts.database.reading() as session:
            return _question(
                frame, session, problem="Everything was compared once more since. This is what differs now."
            )
    return RedirectResponse(f"/operations/{started}", 303)


def _operation(session: Session) -> str:
    last = reconciling.last_check(session)
    return last["operation"] if last is not None else ""


def _open(last: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    """The differences that a comparison has left."""
    return [one for one in last["differences"] if one["count"] > one["repaired"]] if last is not None else []


def _question(frame: Frame, session: Session, *, problem: str = "") -> HTMLResponse:
    last = reconciling.last_check(session)
    left = _open(last)
    if last is None or not left:
        why = "the last comparison has left nothing open" if last is not None else "compare everything first"
        return _shown(frame, problem=f"There is nothing to repair: {why}.", status=409)
    return confirmations.ask(
        frame,
        ActionConfirmation(
            title="Repair what differs?",
            told=[*map(_told, left), "Everything is compared anew on the way, and nothing of the past happens again."],
            action="/reconciliation/repair", verb="Repair it", back="/reconciliation",
            crumbs=[("Reconciliation", "/reconciliation")], call=CALL, why="no", hidden={"checked": last["operation"]},
        ),
        problem=problem, status=409 if problem else 200,
    )  # fmt: skip


def _told(one: Mapping[str, Any]) -> str:
    repair = one["repair"] or "a person has to look at it"
    return f"{one['count'] - one['repaired']:,} in {one['place']}: {one['told']}. {repair[:1].upper()}{repair[1:]}."


def _shown(frame: Frame, *, recount: bool = False, problem: str = "", status: int = 200) -> HTMLResponse:
    with frame.parts.database.reading() as session:
        found = reconcile(session, None, recount=recount)
        shown = Reconciliation.model_validate(found | backlog.standing_still(session, frame.parts.clock()))
    return frame.page(
        "operations/books.html", status=status, books=shown, problem=problem,
        left=[one for one in (shown.last_check.differences if shown.last_check else ()) if one.count > one.repaired],
        call=f"{CALL}{'?recount=true' if recount else ''}", as_json=shown.model_dump_json(indent=2),
    )  # fmt: skip
