"""A draft planned, seen and published: the impact first, then the maps, then the text; each publish is confirmed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.signed_in import MarketerUser
from api.edge.heavy_work import TheHeavyWork
from api.edge.own_pages import own_form
from api.edge.shown_operations import operation_out
from api.pages.frame.frame import PRIVATE, Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.pages.writing import checked_text, desk, storing
from api.pages.writing.beginning import PICTURE
from api.pages.writing.desk import TheWritten
from api.schemas.journeys import JourneyOut
from journeys.changes.outcomes import Choices
from journeys.language.definition import Definition
from pictures import map as maps
from services.access import audit_log
from services.changes.planning import plan as plans
from services.changes.planning import written_moves
from services.changes.planning.plan import PlanRequest
from services.changes.planning.written_moves import WrittenMoves
from services.changes.publication import versions
from services.changes.publication.versions import ComparedSide, ComparedVersions
from services.definitions.journey_versions import journeys
from services.definitions.journey_versions.draft_texts import TextConflict
from services.definitions.journey_versions.drafts import DraftConflict
from services.errors import NotFound, Refused
from services.operations import operations
from store.queries.access import approvals
from store.statuses import OPERATION_LIVE
from store.tables.access import Operation

router = APIRouter(prefix="/journeys", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])


class PlanForm:
    """What the author says about those who are under way; `moves` is the text of a YAML file."""

    def __init__(
        self,
        on_change: Annotated[Literal["keep", "rest", "restart"], Form()] = "rest",
        again: Annotated[Literal["skip", "send"], Form()] = "skip",
        spread_minutes: Annotated[int, Form(ge=0, le=24 * 60)] = 30,
        share: Annotated[int, Form(ge=1, le=100)] = 100,
        moves: Annotated[str, Form(max_length=250_000)] = "",
    ) -> None:
        self.choices = Choices(on_change=on_change, again=again, spread=timedelta(minutes=spread_minutes))
        self.share, self.moves = share, moves.strip()

    def request(self) -> PlanRequest:
        """As a plan is asked for; raise InvalidInput for moves that cannot be read."""
        read = written_moves.read(self.moves) if self.moves else WrittenMoves()
        return PlanRequest(choices=self.choices, share=self.share, moves=read.moves, lines=read.lines)


@router.post("/{key}/edit/plan", response_class=RedirectResponse)
async def plan(key: str, frame: TheFrame, looks: MarketerUser, heavy: TheHeavyWork, written: TheWritten) -> Response:
    """Keep the text as the journey's draft, and ask what it would do to each who is under way.

    Nobody is under way in a journey that was never published: that is asked about without a plan.
    """
    checked = await heavy.run(lambda: checked_text.check(frame.parts, key, written.text))
    if checked.draft is None:
        why = "There are errors in it still; nobody can be led by it."
        return await run_in_threadpool(
            desk.show, frame, key, written.text, written.seen, checked, status=422, problem=why
        )
    now, templates = frame.parts.clock(), await run_in_threadpool(frame.parts.templates)

    def work(session: Session) -> str:
        journey = storing.store(session, key, written, checked, looks.actor, now)
        if journey.live_version is None:
            return f"/journeys/{key}/edit/first"
        return _asked(session, key, PlanRequest(), looks.actor, frame, templates)

    try:
        return RedirectResponse(await run_in_threadpool(frame.parts.database.write, work), 303)
    except TextConflict as conflict:
        return await run_in_threadpool(desk.show_conflict, frame, key, conflict)
    except DraftConflict as conflict:
        return await run_in_threadpool(desk.show_changed_elsewhere, frame, key, written, conflict)
    except Refused as refused:
        return await run_in_threadpool(
            desk.show, frame, key, written.text, written.seen, checked, status=409, problem=str(refused)
        )


def _asked(
    session: Session, key: str, wanted: PlanRequest, by: str, frame: Frame, templates: frozenset[str]
) -> str:  # fmt: skip
    """Ask for a plan, on record; return where it is shown."""
    now = frame.parts.clock()
    operation = plans.start(session, key, wanted, by, now, templates)
    shown = operation_out(operation, now).model_dump(mode="json")
    audit_log.record(session, by, "planned", "journey", key, now, None, shown)
    return f"/journeys/{key}/edit/plan/{operation.id}"


@router.post("/{key}/edit/plan-again", response_class=RedirectResponse)
def plan_again(key: str, frame: TheFrame, looks: MarketerUser, form: Annotated[PlanForm, Depends()]) -> Response:
    """The same draft once more, as the author now says about those who are under way."""
    templates = frame.parts.templates()
    place = frame.parts.database.write(
        lambda session: _asked(session, key, form.request(), looks.actor, frame, templates)
    )
    return RedirectResponse(place, 303)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPlan:
    """A plan with what it compares."""

    operation: Operation
    compared: ComparedVersions

    @property
    def told(self) -> Mapping[str, Any]:
        """What it has counted."""
        return self.operation.result or {}


@router.get("/{key}/edit/plan/{id}", response_class=HTMLResponse)
async def planned(key: str, id: str, frame: TheFrame, looks: MarketerUser, heavy: TheHeavyWork) -> HTMLResponse:
    """How far the plan is; then whom it concerns, in sentences, and what it changes."""
    return await heavy.run(lambda: show_plan(frame, key, id))


def show_plan(frame: Frame, key: str, id: str, *, problem: str = "", status: int = 200) -> HTMLResponse:
    """The page of a plan; `problem` is why it was not published."""
    now = frame.parts.clock()
    with frame.parts.database.reading() as session:
        shown = _plan_of(session, key, id)
        journey = JourneyOut.model_validate(journeys.get(session, key))
        request = approvals.open_of(session, key)
    running = shown.operation.status in OPERATION_LIVE
    name = "writing/plan_part.html" if frame.in_part else "writing/plan.html"
    return frame.page(
        name, status=status, key=key, plan=shown, journey=journey, running=running, problem=problem,
        progress=operation_out(shown.operation, now), approval=frame.parts.approval, kinds=KINDS,
        request=request if request is not None and request.plan == id else None,
    )  # fmt: skip


KINDS: Mapping[str, str] = {
    "stays": "stay at their step, and act when they would have",
    "retimed": "stay at their step, and act at another time",
    "moves": "go to another step",
    "rests": "rest in their stage: it has no step left for them",
    "stranded": "keep their version: their stage is gone, and nothing says where to go instead",
    "mails_again": "come to a step ahead that would send what they were sent already",
    "mails_at_once": "are mailed as soon as they are moved",
    "would_leave": "leave their stage, or the journey, as soon as they are moved",
    "pinned": "keep their version",
    "unsettled": "are about to act, or a mail of theirs is on its way: they are tried again",
    "ended": "have ended",
}
"""What becomes of customers, by kind: `journeys.changes.outcomes.Kind`."""


def _plan_of(session: Session, key: str, id: str) -> ShownPlan:
    operation = operations.get(session, id)
    if operation.kind != plans.KIND or operation.request["journey"] != key:
        raise NotFound(f"there is no plan {id!r} of the journey {key!r}")
    before = versions.side(session, key, operation.request["from"])
    definition = Definition.model_validate_json(operation.request["canonical"])
    after = ComparedSide(
        number=None, definition=definition, drafted_by=None, published_by=None, at=operation.created_at
    )  # fmt: skip
    return ShownPlan(operation=operation, compared=versions.compare(before, after))


@router.get("/{key}/edit/plan/{id}/{side}.svg", response_class=Response)
async def side_map(
    key: str, id: str, side: Literal["old", "new"], frame: TheFrame, looks: MarketerUser, heavy: TheHeavyWork
) -> Response:
    """The map of what is live, or of what is planned."""

    def draw() -> str:
        with frame.parts.database.reading() as session:
            compared = _plan_of(session, key, id).compared
        return maps.draw((compared.before if side == "old" else compared.after).definition)

    headers = {"Content-Security-Policy": PICTURE, **PRIVATE}
    return Response(await heavy.run(draw), media_type="image/svg+xml", headers=headers)
