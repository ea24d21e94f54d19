"""Writing a segment, with who is in it now beside the guard as one types; and removing one.

Of two people who change one segment the second is told, instead of writing over the first.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.signed_in import MarketerUser
from api.deps.transactions import Now, Reading
from api.edge import etags, segment_changes
from api.edge.etags import Tags
from api.edge.heavy_work import TheHeavyWork
from api.edge.own_pages import own_form
from api.errors import ApiError
from api.pages.frame import confirmations, forms
from api.pages.frame.confirmations import CHANGED_SINCE, LONGEST_REASON, ActionConfirmation
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.schemas.segments import SegmentIn, SegmentOut
from readers.keys import PATTERN
from services.customers.audiences import segment_preview, segments
from services.customers.audiences.segment_preview import SegmentPreview
from services.definitions.journey_versions import journeys
from services.errors import InvalidInput, Refused
from services.values import Rejected

router = APIRouter(prefix="/segments", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])


class SegmentForm(BaseModel):
    """A segment as it is typed; `seen` is the mark of what the page showed, empty of one that is new."""

    model_config = ConfigDict(extra="ignore")

    key: str = Field(default="", max_length=200)
    name: str = Field(default="", max_length=1_000)
    guard: str = Field(default="", max_length=20_000)
    seen: str = Field(default="", max_length=64)


class _WantedSegment(SegmentIn):
    key: str = Field(pattern=PATTERN)

    @property
    def body(self) -> SegmentIn:
        return SegmentIn(name=self.name, guard=self.guard)


@router.get("/new", response_class=HTMLResponse)
def new(frame: TheFrame, looks: MarketerUser) -> HTMLResponse:
    """An empty one."""
    return _editor(frame, SegmentForm())


@router.get("/{key}/edit", response_class=HTMLResponse)
def edit(key: str, frame: TheFrame, looks: MarketerUser, session: Reading, now: Now) -> HTMLResponse:
    """One as it is, and who of the newest customers is in it."""
    segment = segments.get(session, key)
    seen = etags.of(SegmentOut.model_validate(segment))
    form = SegmentForm(key=key, name=segment.name or "", guard=segment.guard, seen=seen)
    return _editor(frame, form, found=segment_preview.preview(session, segment.guard, now))


@router.post("/preview", response_class=HTMLResponse)
async def preview(
    frame: TheFrame, looks: MarketerUser, heavy: TheHeavyWork, asked: Annotated[SegmentForm, Form()]
) -> HTMLResponse:
    """Who would be in it, of the newest customers; nothing is stored."""

    def look() -> HTMLResponse:
        if not asked.guard.strip():
            return _editor(frame, asked)
        try:
            with frame.parts.database.reading() as session:
                found = segment_preview.preview(session, asked.guard, frame.parts.clock())
        except InvalidInput as wrong:
            return _editor(frame, asked, guard_problem=str(wrong))
        return _editor(frame, asked, found=found)

    return await heavy.run(look)


@router.post("/save", response_class=RedirectResponse)
def save(frame: TheFrame, looks: MarketerUser, now: Now, asked: Annotated[SegmentForm, Form()]) -> Response:
    """Store it, new or changed; what is wrong is told beside what was typed."""
    tags = Tags(Response(), asked.seen or None, None if asked.seen else "*")

    def work(session: Session) -> None:
        wanted = forms.read(_WantedSegment, {"key": asked.key, "name": asked.name or None, "guard": asked.guard})
        segment_changes.put(session, Trail(frame.request, session, now), tags, wanted.key, wanted.body, now)

    try:
        frame.parts.database.write(work)
    except (InvalidInput, Rejected) as wrong:
        return _editor(frame, asked, problem=str(wrong), status=422)
    except Refused as refused:
        return _editor(frame, asked, problem=str(refused), status=409)
    except ApiError as between:
        return _editor(frame, asked, problem=_told(asked, between), status=412)
    return RedirectResponse(f"/segments/{asked.key}", 303)


def _told(asked: SegmentForm, between: ApiError) -> str:
    if not asked.seen:
        return "There is a segment with this key already: open it, or take another key."
    return f"Somebody changed or removed it meanwhile ({between.detail}). Nothing was written over."


@router.get("/{key}/remove", response_class=HTMLResponse)
def ask_remove(key: str, frame: TheFrame, looks: MarketerUser, session: Reading) -> HTMLResponse:
    """What will happen, and whether that is meant."""
    return _question(frame, session, key)


@router.post("/{key}/remove", response_class=RedirectResponse)
def remove(
    key: str, frame: TheFrame, looks: MarketerUser, now: Now,
    reason: Annotated[str, Form(max_length=LONGEST_REASON)] = "",
    seen: Annotated[str, Form(max_length=64)] = "",
) -> Response:  # fmt: skip
    """Do it; a refusal, and what somebody has changed since, is told beside the question."""

    def work(session: Session) -> None:
        if etags.of(SegmentOut.model_validate(segments.get(session, key))) != seen:
            raise Refused(CHANGED_SINCE)
        segment_changes.remove(session, Trail(frame.request, session, now), key, now, reason)

    try:
        frame.parts.database.write(work)
    except Refused as refused:
        with frame.parts.database.reading() as session:
            return _question(frame, session, key, problem=str(refused), status=409)
    return RedirectResponse("/segments", 303)


def _question(frame: Frame, session: Session, key: str, *, problem: str = "", status: int = 200) -> HTMLResponse:
    segment = segments.get(session, key)
    used = segments.used_by(journeys.all_live(session), key)
    lets = f"It lets customers into {', '.join(used)}, so it stays until these are published without it."
    effect = "Its members are let go in the background, and no journey hears of that."
    return confirmations.ask(
        frame,
        ActionConfirmation(
            title=f"Remove the segment {segment.name or key}?",
            told=[f"In it is whoever fulfils: {segment.guard:.500}", effect, *([lets] if used else [])],
            action=f"/segments/{key}/remove", verb="Remove it", back=f"/segments/{key}",
            crumbs=[("Segments", "/segments"), (segment.name or key, f"/segments/{key}")], call=f"/v1/segments/{key}",
            hidden={"seen": etags.of(SegmentOut.model_validate(segment))},
        ),
        problem=problem, status=status,
    )  # fmt: skip


def _editor(
    frame: Frame, asked: SegmentForm, *, found: SegmentPreview | None = None, guard_problem: str = "",
    problem: str = "", status: int = 200,
) -> HTMLResponse:  # fmt: skip
    name = "segments/preview.html" if frame.in_part else "segments/edit.html"
    return frame.page(
        name, status=status, asked=asked, found=found, guard_problem=guard_problem, problem=problem,
        most=segment_preview.LOOKED_AT, call=f"/v1/segments/{asked.key}" if asked.seen else "/v1/segments",
    )  # fmt: skip
