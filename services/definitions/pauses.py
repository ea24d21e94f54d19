"""Pauses: of a journey, of one stage of it; and what a resume makes of mails that are overdue.

A pause is found at each next wake, so it is a word on the journey's row. What a resume says stands there too, or with
the enrollment where it was that alone: it concerns the mails that were due before it. It must not know who is parked.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from pydantic import TypeAdapter
from sqlmodel import Session

from journeys.language.words import Late
from journeys.program.send_terms import SendTerms
from journeys.rules.policy import PUNCTUAL
from services.definitions import journeys
from services.errors import NotFound, Refused
from store.queries import enrollments
from store.tables.definitions import Journey
from store.tables.enrollments import Enrollment

ALL = ""
"""Under this the resume of the whole journey is kept, beside those of its stages."""

_LATE: TypeAdapter[Late | None] = TypeAdapter(Late | None)

ToldLate = tuple[datetime, Late | None]
"""When a resume was, and what it said of what is overdue (None: what the steps say)."""


def pause(session: Session, key: str, now: datetime, stage: str | None = None) -> Journey:
    """Park everybody (in this stage) at their next wake; their places are kept, and no mail goes.

    Raise Refused where it is not published, or paused already; NotFound where no version has such a stage.
    """
    journey = journeys.held(session, key)
    if journey.live_version is None:
        raise Refused(f"the journey {key!r} is not published, so there is nobody to pause")
    if stage is not None:
        _check_stage(session, journey, stage)
        journey.paused_stages = {**journey.paused_stages, stage: now.isoformat()}
    elif journey.paused_at is not None:
        raise Refused(f"the journey {key!r} is paused already")
    else:
        journey.paused_at = now
    session.add(journey)
    return journey


def _check_stage(session: Session, journey: Journey, stage: str) -> None:
    """Customers may be under way in a stage that only an older version has."""
    if stage in journey.paused_stages:
        raise Refused(f"the stage {stage!r} of {journey.key!r} is paused already")
    if stage in journeys.definition(session, journey.key).stages:
        return
    if not enrollments.stands_in(session, journey.key, stage):
        raise NotFound(f"the journey {journey.key!r} has no stage {stage!r}, and nobody is under way in one")


def resume(session: Session, key: str, now: datetime, stage: str | None = None, late: Late | None = None) -> Journey:
    """Go on, its alarm forgotten; who was parked gets a signal, from the operation that the caller starts.

    `late` is what becomes of mails that are overdue now; without it what their steps say. Raise Refused where it is not
    paused.
    """
    journey = journeys.held(session, key)
    if stage is not None:
        if stage not in journey.paused_stages:
            raise Refused(f"the stage {stage!r} of {key!r} is not paused")
        journey.paused_stages = {one: since for one, since in journey.paused_stages.items() if one != stage}
    elif journey.paused_at is None:
        raise Refused(f"the journey {key!r} is not paused")
    else:
        journey.paused_at = journey.alarm = None
    journey.resumed = {**journey.resumed, stage or ALL: {"at": now.isoformat(), "late": late}}
    session.add(journey)
    return journey


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
