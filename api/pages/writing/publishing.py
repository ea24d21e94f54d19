"""The publish itself, once its author has seen what it does: by a plan, or the first time, when nobody is under way."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.signed_in import MarketerUser, SignedIn
from api.edge import publishing as publish_edge
from api.edge.own_pages import own_form
from api.edge.publishing import WantedPublish
from api.edge.shown_operations import operation_out
from api.errors import ApiError
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.pages.writing import planning
from api.pages.writing.checked_text import as_address
from api.schemas.journeys import JourneyOut
from journeys.language.problems import InvalidJourney
from journeys.program.compiler import compile_journey
from pictures import map as maps
from services.changes.publication import publishing
from services.changes.publication.publishing import Drifted
from services.definitions.journey_versions import journeys
from services.errors import InvalidInput, Refused
from services.operations import operations
from store.queries.access import approvals, users
from store.tables.definitions import JourneyVersion

router = APIRouter(prefix="/journeys", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])


@router.post("/{key}/edit/plan/{id}", response_class=RedirectResponse)
def publish(
    key: str,
    id: str,
    frame: TheFrame,
    looks: MarketerUser,
    in_flight: Annotated[Literal["move", "pin"], Form()] = "move",
) -> Response:
    """As the plan has told; what has changed since is told, and nothing is published."""
    try:
        done = _publish(frame, looks, WantedPublish(
            key=key, by=looks.actor, in_flight=in_flight, token=id, approved=frame.parts.approval
        ))  # fmt: skip
    except Drifted as drifted:
        why = f"Nothing was published: {drifted}. Plan again to see them as they are now."
        return planning.show_plan(frame, key, id, problem=why, status=409)
    except (Refused, InvalidInput, InvalidJourney) as refused:
        return planning.show_plan(frame, key, id, problem=f"Nothing was published: {refused}", status=409)
    return RedirectResponse(f"/journeys/{key}/edit/published/{done.number}", 303)


def _publish(frame: Frame, looks: SignedIn, wanted: WantedPublish) -> JourneyVersion:
    parts, now = frame.parts, frame.parts.clock()
    if parts.approval and not looks.approves:
        raise ApiError(
            "forbidden", "here an approver publishes what another has written: ask for approval on the page of the plan"
        )
    known = parts.templates()

    def make_live(session: Session, share: int) -> tuple[JourneyVersion, bool]:
        return journeys.publish(session, wanted.key, known, now, parts.beside_store, wanted.by, share)

    return publish_edge.publish(parts, wanted, now, make_live, parts.database.write).version


@router.get("/{key}/edit/first", response_class=HTMLResponse)
def first(key: str, frame: TheFrame, looks: MarketerUser) -> HTMLResponse:
    """Who will enter, what they will be sent, and whether that is meant."""
    return show_first(frame, key)


@router.post("/{key}/edit/first", response_class=RedirectResponse)
def publish_first(key: str, frame: TheFrame, looks: MarketerUser) -> Response:
    """The first version."""
    wanted = WantedPublish(key=key, by=looks.actor, in_flight="pin", approved=frame.parts.approval)
    try:
        done = _publish(frame, looks, wanted)
    except (Refused, InvalidInput, InvalidJourney) as refused:
        return show_first(frame, key, problem=f"Nothing was published: {refused}", status=409)
    return RedirectResponse(f"/journeys/{key}/edit/published/{done.number}", 303)


def show_first(frame: Frame, key: str, *, problem: str = "", status: int = 200) -> HTMLResponse:
    """The page that asks for the first publish; `problem` is why nothing was done."""
    with frame.parts.database.reading() as session:
        journey = journeys.get(session, key)
        definition = journeys.draft_or(session, key, None)
        shown = JourneyOut.model_validate(journey)
        request = approvals.open_of(session, key)
    program = compile_journey(definition)
    return frame.page(
        "writing/first.html", status=status, key=key, journey=shown, definition=definition, problem=problem,
        triggers=sorted({one.event for one in program.triggers}), templates=sorted(program.templates),
        drawn=as_address(maps.draw(definition)), approval=frame.parts.approval, request=request,
    )  # fmt: skip


@router.get("/{key}/edit/published/{number}", response_class=HTMLResponse)
def published(key: str, number: int, frame: TheFrame, looks: MarketerUser) -> HTMLResponse:
    """That it is live, and how far those are who go over to it."""
    with frame.parts.database.reading() as session:
        version = journeys.version(session, key, number)
        moving = operations.under_way(session, publishing.KIND, key)
        by = users.names(session, {version.published_by or ""}).get(version.published_by or "")
    name = "writing/moving_part.html" if frame.in_part else "writing/published.html"
    progress = operation_out(moving, frame.parts.clock()) if moving is not None else None
    return frame.page(name, key=key, version=version, progress=progress, by=by)
