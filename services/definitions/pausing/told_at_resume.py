"""What resumes said of mails that are overdue, and what is paused: read from the rows where a pause put it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from pydantic import TypeAdapter
from sqlmodel import Session

from journeys.language.words import Late
from journeys.program.send_terms import SendTerms
from journeys.rules.policy import PUNCTUAL
from store.tables.definitions import Journey
from store.tables.enrollments import Enrollment

ALL = ""
"""Under this the resume of the whole journey is kept, beside those of its stages."""

_LATE: TypeAdapter[Late | None] = TypeAdapter(Late | None)

ToldLate = tuple[datetime, Late | None]
"""When a resume was, and what it said of what is overdue (None: what the steps say)."""


def terms(
    session: Session, stated: SendTerms, run: Enrollment | None, stage: str, due: datetime, now: datetime
) -> SendTerms:
    """The terms of a step's mail that was due at `due`: what the last resume behind that instant said goes first."""
    if run is None or now - due <= PUNCTUAL:
        return stated
    return by_last(stated, resumes(session.get(Journey, run.journey), run, stage), due)


def resumes(journey: Journey | None, run: Enrollment, stage: str) -> Iterator[ToldLate]:
    """The resumes that concern mail of this stage of an enrollment."""
    for name in (ALL, stage):
        if journey is not None and name in journey.resumed:
            told = journey.resumed[name]
            yield datetime.fromisoformat(told["at"]), _LATE.validate_python(told["late"])
    if run.resumed_at is not None:
        yield run.resumed_at, _LATE.validate_python(run.resumed_late)


def by_last(stated: SendTerms, told: Iterator[ToldLate], due: datetime) -> SendTerms:
    """These terms, as the last of the resumes has them that came behind `due`."""
    late = max(((at, late) for at, late in told if at > due), key=lambda one: one[0], default=(due, None))[1]
    return replace(stated, late=late) if late is not None else stated


def since(journey: Journey | None, stage: str) -> tuple[str, datetime] | None:
    """What is paused of those in this stage, in words, and since when; None where nothing is."""
    if journey is None:
        return None
    if journey.paused_at is not None:
        return f"the journey {journey.key}", journey.paused_at
    at = journey.paused_stages.get(stage)
    return (f"the stage {stage} of {journey.key}", datetime.fromisoformat(at)) if at is not None else None
