"""Journeys: a draft, its validation, published versions."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import Field
from sqlmodel import Session

from api.deps.audit_trail import TheTrail, Trail
from api.deps.backend import TheBackend
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge import etags, journey_controls
from api.edge.etags import TheTags
from api.edge.heavy_work import TheHeavyWork
from api.edge.idempotency import IdempotentRoute
from api.edge.journey_controls import shown
from api.edge.judging import validation_around
from api.errors import responses
from api.schemas.base import Page
from api.schemas.journeys import (
    ArchiveIn,
    DefinitionProblemOut,
    DraftOut,
    JourneyChanged,
    JourneyOut,
    PauseIn,
    ResumeIn,
    Validation,
)
from journeys.checks import source
from journeys.language.problems import DefinitionProblem, InvalidJourney
from pictures import map as maps
from services.definitions.journey_versions import drafts, journeys
from services.definitions.journey_versions.drafts import DraftAuthor
from services.errors import InvalidInput, Refused
from services.reports.customer import customer_view
from services.reports.lifecycle import lifecycle_report
from store.queries.listing import lists
from store.tables.definitions import Journey
from store.tables.enrollments import Enrollment

router = APIRouter(prefix="/v1/journeys", tags=["journeys"], route_class=IdempotentRoute)

JourneyKey = Annotated[str, Path(description="the journey's key", max_length=63)]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""A version's number, within what every database counts."""

EXAMPLE = """\
journey: welcome
name: Welcome
enter: [{on: Signed Up}]
start: new
stages:
  new:
    steps: [{send: thank_you}]
    final: true
"""
_DEFINITION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/yaml": {"schema": {"type": "string"}, "example": EXAMPLE},
            "application/json": {"schema": {"type": "object"}, "example": json.loads(json.dumps(
                {"journey": "welcome", "start": "new", "stages": {"new": {"steps": [{"send": "thank_you"}]}}}))},
        },
    }
}  # fmt: skip


async def _text(request: Request) -> str:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > source.LARGEST:
            raise InvalidInput(f"the definition is larger than {source.LARGEST:,} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise InvalidInput("the definition is not UTF-8") from None


@router.put("/{key}", summary="Store a draft", responses=responses(409, 412, 422), openapi_extra=_DEFINITION)
async def put(
    key: JourneyKey,
    request: Request,
    parts: TheBackend,
    caller: Marketer,
    tags: TheTags,
    heavy: TheHeavyWork,
    based_on: Annotated[
        int | None, Query(ge=0, le=2**31 - 1, description="the revision of the draft that you have read")
    ] = None,
) -> DraftOut:
    """A definition as YAML or JSON. An invalid one is refused with every problem, and nothing is stored.

    Nobody writes over what they have not seen: where the draft is at another revision than `based_on`, or where another
    key wrote it and nothing is said, the answer (409) has both, and what yours would change of it.
    """
    text = await _text(request)
    draft = await heavy.run(lambda: drafts.read_draft(key, text, validation_around(parts, key)))

    def store(session: Session) -> DraftOut:
        present = session.get(Journey, key)
        before = shown(present) if present else None
        tags.check(before)
        author = DraftAuthor(key=caller.id, based_on=based_on, seen=tags.are_named)
        after = shown(drafts.put_draft(session, draft, parts.clock(), author))
        trail = Trail(request, session, parts.clock())
        trail.note("changed" if before else "created", "journey", key, before, after)
        tags.tagged(after)
        return DraftOut(journey=after, warnings=[_finding(one) for one in draft.warnings])

    return await run_in_threadpool(parts.database.write, store)


@router.post("/validate", summary="Check a definition", responses=responses(422), openapi_extra=_DEFINITION)
async def validate(request: Request, parts: TheBackend, caller: Marketer, heavy: TheHeavyWork) -> Validation:
    """Every problem with its path, its line (for YAML), what was found and what would be right."""
    text = await _text(request)

    def check() -> Validation:
        try:
            document = source.parse(text)
            valid, problems = True, source.judge(document, validation_around(parts, document.key))[1]
        except InvalidJourney as invalid:
            valid, problems = False, tuple(invalid.problems)
        return Validation(valid=valid, problems=[_finding(one) for one in problems])

    return await heavy.run(check)


@router.post("/{key}/pause", summary="Pause a journey", responses=responses(404, 409))
def pause(
    key: JourneyKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail, body: PauseIn | None = None
) -> JourneyOut:
    """Everybody (in a `stage`) keeps their place and parks at their next wake; no mail goes, what is planned is held.

    Events are recorded meanwhile, and who enters is parked too.
    """
    return journey_controls.pause(session, trail, key, now, body or PauseIn())


@router.post("/{key}/resume", summary="Let a paused journey go on", responses=responses(404, 409))
def resume(
    key: JourneyKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail, body: ResumeIn | None = None
) -> JourneyChanged:
    """For each: first the events of the meantime, then the one overdue step by `late`, else by its own `late` policy.

    `GET …/resume-plan` with the same `stage` and `late` says what that sends.
    """
    return journey_controls.resume(session, trail, key, now, body or ResumeIn(), caller.id)


@router.post("/{key}/archive", summary="Archive a journey", responses=responses(404, 409, 422))
def archive(
    key: JourneyKey,
    session: Writing,
    now: Now,
    caller: Marketer,
    trail: TheTrail,
    body: ArchiveIn | None = None,
) -> JourneyChanged:
    """Nobody is let in any more. Those under way go on to the end, or leave at once. Publishing brings it back."""
    return journey_controls.archive(session, trail, key, now, body or ArchiveIn(), caller.id)


@router.get("", summary="List journeys", responses=responses(422))
def listed(
    session: Reading, caller: Support, page: ThePage, archived: Annotated[bool, Query(description="these too")] = False
) -> Page[JourneyOut]:
    """Every journey with its draft and its live version, by key."""
    rows, cursor = lists.journeys(session, page.slice(), archived=archived)
    return Page(items=[shown(row) for row in rows], cursor=cursor)


@router.get("/{key}", summary="One journey", responses=responses(404))
def get(key: JourneyKey, session: Reading, caller: Support, response: Response) -> JourneyOut:
    """The draft and the number of the live version."""
    return etags.tagged(response, shown(journeys.get(session, key)))


class Svg(Response):
    """A picture."""

    media_type = "image/svg+xml"


@router.get("/{key}/map", summary="The journey as a picture", response_class=Svg, responses=responses(404, 409))
async def map_(
    key: JourneyKey,
    parts: TheBackend,
    caller: Support,
    heavy: TheHeavyWork,
    version: Annotated[
        Number | None, Query(description="a published version; else the live one, else the draft")
    ] = None,
    counts: Annotated[bool, Query(description="how many customers stand and moved where")] = False,
    enrollment: Annotated[str | None, Query(max_length=40, description="show where this one stands")] = None,
    theme: Literal["light", "dark", "auto"] = "auto",
) -> Response:
    """Stages as boxes with their steps, transitions as ways, as SVG. More than 300 ways are drawn without names."""

    def draw() -> str:
        with parts.database.reading() as session:
            definition = journeys.definition(session, key, version)
            here = _here(customer_view.enrollment(session, enrollment), key) if enrollment else None
            standing, flows = lifecycle_report.on_the_map(session, key) if counts else (None, None)
        return maps.draw(definition, counts=standing, flows=flows, here=here, theme=theme)

    return Svg(await heavy.run(draw))


def _here(enrollment: Enrollment, key: str) -> maps.Here:
    if enrollment.journey != key:
        raise Refused(f"the enrollment is in the journey {enrollment.journey!r}")
    return maps.Here(stage=enrollment.stage, step=enrollment.step)


def _finding(problem: DefinitionProblem) -> DefinitionProblemOut:
    return DefinitionProblemOut(**problem.as_json())
