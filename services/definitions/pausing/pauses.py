"""Pauses: of a journey, of one stage of it; and what a resume makes of mails that are overdue.

A pause is found at each next wake, so it is a word on the journey's row. What a resume says stands there too, or with
the enrollment where it was that alone: it concerns the mails that were due before it. It must not know who is parked.
"""

from datetime import datetime

from sqlmodel import Session

from journeys.language.words import Late
from services.definitions.journey_versions import journeys
from services.definitions.pausing.told_at_resume import ALL
from services.errors import NotFound, Refused
from store.queries.enrollment import enrollments
from store.tables.definitions import Journey


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
