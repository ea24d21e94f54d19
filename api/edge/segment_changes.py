"""Segments stored and removed, on record: for the API's calls and for the pages' forms."""

from datetime import datetime

from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.edge.etags import Tags
from api.schemas.segments import SegmentIn, SegmentOut
from services import values
from services.customers.audiences import segments
from services.definitions.journey_versions import journeys
from store.tables.customers import Segment


def put(session: Session, trail: Trail, tags: Tags, key: str, wanted: SegmentIn, now: datetime) -> SegmentOut:
    """Store one under conditions; raise what `Tags.check`, `values.check_values` and `segments.put` raise."""
    values.check_values(wanted.model_dump())
    present = session.get(Segment, key)
    before = SegmentOut.model_validate(present) if present else None
    tags.check(before)
    after = SegmentOut.model_validate(segments.put(session, key, wanted.guard, wanted.name, now))
    trail.note("changed" if before else "created", "segment", key, before, after)
    return after


def remove(session: Session, trail: Trail, key: str, now: datetime, said: str = "") -> None:
    """Remove one that lets nobody in; raise NotFound, Refused."""
    before = SegmentOut.model_validate(segments.get(session, key))
    segments.delete(session, key, segments.used_by(journeys.all_live(session), key), now)
    trail.note("removed", "segment", key, before, said=said)
