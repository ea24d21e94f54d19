"""A publish: its plan is checked, its version made live, the move asked for, and the audit log told, in one go.

For the API's calls and for the pages' forms.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlmodel import Session

from api.deps.backend import Backend
from api.deps.transactions import Write
from api.schemas.journey_changes import PublishedOnRecord
from api.schemas.journeys import JourneyOut
from services.access import audit_log
from services.changes.publication import approval, approval_requests, publishing
from services.definitions.journey_versions import draft_texts, journeys
from services.errors import InvalidInput
from store.tables.access import Operation
from store.tables.definitions import Journey, JourneyVersion

MakeLive = Callable[[Session, int], tuple[JourneyVersion, bool]]
"""Makes a version live, which so many in a hundred of those who come enter; False where it is live already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPublish:
    """What is published, by whom (the id of a key or a user), and what becomes of those who are under way.

    `in_flight` is None where they are to do as was planned. `version` is the older one to go back to, None the draft.
    `token` is that of the plan. `approved` asks for the approval of a draft; `request` is the id of the one that asked
    for it, which must be open still.
    """

    key: str
    by: str
    in_flight: Literal["pin", "move"] | None
    token: str | None = None
    version: int | None = None
    approved: bool = False
    request: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DonePublish:
    """The version that is live, whether it is a new one, and the operation that moves those who are under way."""

    version: JourneyVersion
    created: bool
    moving: Operation | None


def publish(
    parts: Backend, wanted: WantedPublish, now: datetime, make_live: MakeLive, write: Write[DonePublish]
) -> DonePublish:
    """Check the plan where there is one, which reads everybody; then publish.

    Raise NotFound, InvalidInput where the plan is of another version or there is none to move anybody by, Refused where
    it may not be carried out or the draft is not approved, Drifted where it must be seen again.
    """
    planned, moves = _checked(parts, wanted, now)

    def work(session: Session) -> DonePublish:
        publishing.one_at_a_time(session, wanted.key, planned)
        journey = journeys.get(session, wanted.key)
        before = JourneyOut.model_validate(journey)
        if wanted.request is not None:
            approval_requests.waiting(session, wanted.key, wanted.request)
        if wanted.approved:
            approval.check(session, wanted.key, wanted.by, planned)
        live, created = make_live(session, planned.request["share"] if planned is not None else 100)
        moving = None
        if planned is not None:
            publishing.check_draft(planned, live)
            moving = publishing.move(session, planned, live, wanted.by, now) if moves else None
        if wanted.version is None:
            draft_texts.published(session, wanted.key, now)
            approval_requests.settle(session, journey, live, wanted.by, now)
        if created:
            after = _on_record(journeys.get(session, wanted.key), live, wanted.token)
            shown = before.model_dump(mode="json"), after.model_dump(mode="json")
            audit_log.record(session, wanted.by, "published", "journey", wanted.key, now, *shown)
        return DonePublish(version=live, created=created, moving=moving)

    return write(work)


def _on_record(journey: Journey, live: JourneyVersion, plan: str | None) -> PublishedOnRecord:
    shown = JourneyOut.model_validate(journey).model_dump()
    return PublishedOnRecord(**shown, written_by=live.drafted_by, published_by=live.published_by, plan=plan)


def _checked(parts: Backend, wanted: WantedPublish, now: datetime) -> tuple[Operation | None, bool]:
    """The plan, and whether those under way go over by it: where they do not, nothing that it counted happens."""
    if wanted.token is None:
        if wanted.in_flight == "move":
            raise InvalidInput("plan first, and give the token of the plan", "token")
        return None, False
    with parts.database.reading() as session:
        planned = publishing.named(session, wanted.key, wanted.token, now)
        if planned.request["version"] != wanted.version:
            raise InvalidInput("the plan is of another version", "token")
        moves = publishing.in_flight(planned, wanted.in_flight) == "move"
        if moves:
            publishing.unchanged(session, planned, now)
        return planned, moves
