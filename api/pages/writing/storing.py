"""What one writes made the journey's draft, before it is planned or put to everybody's history."""

from datetime import datetime

from sqlmodel import Session

from api.pages.writing.checked_text import CheckedText
from api.pages.writing.desk import WrittenForm
from api.schemas.journeys import JourneyOut
from services.access import audit_log
from services.definitions.journey_versions import draft_texts
from services.definitions.journey_versions.draft_texts import SeenText
from store.tables.definitions import DraftText, Journey


def store(
    session: Session, key: str, written: WrittenForm, checked: CheckedText, by: str, now: datetime
) -> Journey:  # fmt: skip
    """Keep the text and make it the journey's draft, on record where that changes it.

    Raise TextConflict or DraftConflict where somebody else came between.
    """
    assert checked.draft is not None
    present = session.get(Journey, key)
    before = JourneyOut.model_validate(present).model_dump(mode="json") if present is not None else None
    row = draft_texts.save(session, key, written.text, written.seen, by, now)
    journey = draft_texts.store_draft(session, row, checked.draft, by, now)
    after = JourneyOut.model_validate(journey).model_dump(mode="json")
    if before is None or before["revision"] != after["revision"]:
        action = "changed" if before is not None else "created"
        audit_log.record(session, by, action, "journey", key, now, before, after)
    return journey


def seen_now(session: Session, journey: Journey) -> SeenText:
    """What the author has before them, once it is stored."""
    row = session.get(DraftText, journey.key)
    return SeenText(revision=row.revision if row is not None else 0, based_on=journey.revision)
