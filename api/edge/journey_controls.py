"""Pausing, resuming and archiving a journey, on record: for the API's calls and for the pages' forms."""

from datetime import datetime

from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.schemas.journeys import ArchiveIn, JourneyChanged, JourneyOut, PauseIn, ResumeIn
from services.definitions.journey_versions import journeys
from services.definitions.pausing import pauses
from services.operations import operations
from store.tables.definitions import Journey


def shown(journey: Journey) -> JourneyOut:
    """A journey as it is put on record, and as the API tells it."""
    return JourneyOut.model_validate(journey)


def pause(session: Session, trail: Trail, key: str, now: datetime, asked: PauseIn) -> JourneyOut:
    """Park everybody (in this stage) at their next wake; raise Refused, NotFound where there is no such stage."""
    before = shown(journeys.get(session, key))
    after = shown(pauses.pause(session, key, now, asked.stage))
    trail.note("paused", "journey", key, before, after, said=asked.reason)
    return after


def resume(session: Session, trail: Trail, key: str, now: datetime, asked: ResumeIn, by: str) -> JourneyChanged:
    """Go on, and let an operation tell those who were parked; raise Refused where nothing is paused."""
    before = shown(journeys.get(session, key))
    after = shown(pauses.resume(session, key, now, asked.stage, asked.late))
    request = {"journey": key, "stage": asked.stage, "late": asked.late}
    operation = operations.start(session, "resume", request, now, by=by)
    trail.note("resumed", "journey", key, before, after, said=asked.reason)
    return JourneyChanged(**after.model_dump(), operation=operation.id)


def archive(session: Session, trail: Trail, key: str, now: datetime, asked: ArchiveIn, by: str) -> JourneyChanged:
    """Let nobody in any more, and those under way go on, or leave by an operation; raise Refused."""
    before = shown(journeys.get(session, key))
    after = shown(journeys.archive(session, key, now))
    at_once = asked.in_flight == "exit"
    operation = operations.start(session, "leave", {"journey": key}, now, by=by) if at_once else None
    trail.note("archived", "journey", key, before, after)
    return JourneyChanged(**after.model_dump(), operation=operation.id if operation else None)
