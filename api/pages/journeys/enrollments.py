"""Who is under way in a journey: found by where they stand, since when, on which version; and asked something together.

First what would happen is told, with how many it happens to. Where these are others by the time it is confirmed, it is
told again, and nothing is done.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api.deps.paging import ThePage
from api.deps.signed_in import MarketerUser, SupportUser
from api.deps.transactions import Now, Reading
from api.edge.own_pages import own_form
from api.pages.frame import api_calls
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from services.access import audit_log
from services.definitions.journey_versions import journeys
from services.enrollments.controls import bulk_controls
from services.enrollments.controls.bulk_controls import BulkRequest, BulkVerb
from services.errors import InvalidInput
from services.operations import operations
from services.reports.listings import journey_view
from store.ids import new_id
from store.queries.identity import customers
from store.queries.listing import live_selection
from store.queries.listing.live_selection import LiveFilter, LiveState
from store.tables.access import Operation

router = APIRouter(prefix="/journeys", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

Name = Annotated[str, Field(max_length=300)]


class WantedEnrollments(BaseModel):
    """Whom somebody looks for, as an address and a form say it; what is empty lets everybody through."""

    model_config = ConfigDict(extra="ignore")

    stage: Name = ""
    step: Name = ""
    state: LiveState = "any"
    version: Annotated[str, Field(pattern=r"^[0-9]{0,9}$")] = ""
    since: date | str = Field(default="", union_mode="left_to_right")

    def of(self, journey: str) -> LiveFilter:
        """The same of a journey; raise InvalidInput where the day is none."""
        if isinstance(self.since, str) and self.since:
            raise InvalidInput("say the day as 2026-03-31", "since")
        since = datetime.combine(self.since, time(), UTC) if isinstance(self.since, date) else None
        return LiveFilter(
            journey=journey, stage=self.stage or None, step=self.step or None, state=self.state,
            version=int(self.version) if self.version else None, since=since,
        )  # fmt: skip

    @property
    def given(self) -> Mapping[str, str]:
        """What the filter says, as a form and an address carry it."""
        said = {name: str(getattr(self, name)) for name in WantedEnrollments.model_fields}
        return {name: value for name, value in said.items() if value not in ("", "any")}


class AskedOfMany(WantedEnrollments):
    """What is asked, and of whom: of the `chosen`, or (`everybody`) of all whom the filter finds.

    `once` is the id of the operation that it becomes: a form that is posted twice is done once.
    """

    verb: BulkVerb
    chosen: Annotated[list[str], Field(max_length=bulk_controls.MOST_CHOSEN)] = []
    everybody: bool = False
    place: Name = ""
    expected: int = -1
    once: Annotated[str, Field(pattern=r"^(op_[0-9a-z]{24})?$")] = ""
    reason: Annotated[str, Field(max_length=200)] = ""

    def request(self, journey: str) -> BulkRequest:
        """As the service takes it."""
        stage, _, step = self.place.partition(" ")
        return BulkRequest(
            verb=self.verb, wanted=self.of(journey), chosen=None if self.everybody else self.chosen,
            to=(stage, step or None) if self.verb == "move" and stage else None,
        )  # fmt: skip


_BESIDE: Mapping[str, Callable[[WantedEnrollments], bool]] = {
    "version": lambda asked: True, "since": lambda asked: True, "state": lambda asked: asked.state != "stuck",
}  # fmt: skip
"""Filters of the page that the call does not have: whoever calls chooses by the parts of its answer."""


@router.get("/{key}/enrollments", response_class=HTMLResponse)
def listed(
    key: str,
    frame: TheFrame,
    looks: SupportUser,
    session: Reading,
    page: ThePage,
    asked: Annotated[WantedEnrollments, Query()],
) -> HTMLResponse:
    """The newest first, a page at a time."""
    standing = journey_view.standing(session, key)
    definition = journeys.definition(session, key)
    rows, cursor = live_selection.page(session, asked.of(key), page.slice("-entered"))
    known = {one.id: one for one in customers.by_ids(session, {row.customer_id for row in rows})}
    return frame.page(
        "journeys/enrollments.html",
        standing=standing,
        tab="enrollments",
        rows=rows,
        customers=known,
        cursor=cursor,
        asked=asked,
        places=journey_view.places(definition),
        call=api_calls.shown_by(
            "/v1/enrollments",
            journey=key,
            status="live",
            stage=asked.stage,
            step=asked.step,
            stuck=asked.state == "stuck",
            sort="-entered",
        ),
        beside=[one for one, there in _BESIDE.items() if asked.given.get(one) and there(asked)],
    )


@router.post("/{key}/enrollments/plan", response_class=HTMLResponse)
def plan(
    key: str, frame: TheFrame, looks: MarketerUser, session: Reading, asked: Annotated[AskedOfMany, Form()]
) -> HTMLResponse:
    """What would happen, and whether that is meant; of a move first where it leads."""
    return _question(frame, session, key, asked)


@router.post("/{key}/enrollments/ask", response_class=RedirectResponse)
def ask(key: str, frame: TheFrame, looks: MarketerUser, now: Now, asked: Annotated[AskedOfMany, Form()]) -> Response:
    """Do it, as an operation to watch; where it happens to others than was told, tell it again."""
    request = asked.request(key)

    def work(session: Session) -> str | None:
        if asked.once and session.get(Operation, asked.once) is not None:
            return asked.once
        planned = bulk_controls.plan(session, request)
        if not planned.acts or planned.acts != asked.expected:
            return None
        total = planned.acts + planned.rests
        started = operations.start(
            session, bulk_controls.KIND, request.as_json(), now,
            by=looks.actor, total=total, operation_id=asked.once or None,
        )  # fmt: skip
        after = {"operation": started.id, "verb": asked.verb, "enrollments": planned.acts}
        audit_log.record(session, looks.actor, "asked of many", "journey", key, now, None, after, asked.reason)
        return started.id

    operation = frame.parts.database.write(work)
    if operation is None:
        told = "Meanwhile they are others than you were told of. This is what would happen now."
        with frame.parts.database.reading() as session:
            return _question(frame, session, key, asked, problem=told, status=409)
    return RedirectResponse(f"/operations/{operation}", 303)


def _question(
    frame: Frame, session: Session, key: str, asked: AskedOfMany, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    standing, request = journey_view.standing(session, key), asked.request(key)
    places: Sequence[Any] = ()
    if asked.verb == "move":
        places = journey_view.places(journeys.definition(session, key))
    planned = bulk_controls.plan(session, request) if asked.verb != "move" or request.to is not None else None
    return frame.page(
        "journeys/ask_many.html", status=status, standing=standing, asked=asked, planned=planned, places=places,
        problem=problem, once=new_id("op"),
    )  # fmt: skip
