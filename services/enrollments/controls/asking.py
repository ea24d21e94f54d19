"""Asking something of enrollments: it is stored, and their workflows are poked. The next wake does it, or refuses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args

from sqlmodel import Session

from journeys.language.words import Late
from journeys.machine.inputs import Halting
from services.access import audit_log
from services.enrollments.controls import poking
from services.errors import NotFound, Refused
from store.queries.definitions import journeys as journey_rows
from store.queries.dispatching.dispatches import Priority
from store.queries.enrollment import controls
from store.queries.enrollment.controls import Destination
from store.statuses import ControlStatus, EnrollmentStatus
from store.tables.enrollments import ControlRequest, Enrollment

VERBS = ("pause", "resume", "skip", "move", "exit")

STANDING = ("status", "reason", "stage", "step", "visit", "paused", "paused_by", "wakes_at", "stage_since", "ended_at")
"""What a control can change of an enrollment, by the names under which it is shown."""


def ask(
    session: Session,
    enrollment: Enrollment,
    verb: str,
    now: datetime,
    *,
    reason: str = "",
    once: str | None = None,
    to: Destination | None = None,
    late: Late | None = None,
) -> ControlRequest:
    """Ask one of VERBS of an enrollment; `reason` is what an exit ends it with, `to` where a move leads.

    `late` is what becomes of mails that are overdue at a resume; without it what their steps say.

    With the same `once` it is asked once: repeats get the first control with its outcome; one that was withdrawn is
    asked again. Raises Refused where it cannot be done whatever comes in between.
    """
    known = controls.locked(session, once) if once is not None else None
    if known is not None and known.status != ControlStatus.WITHDRAWN:
        return known
    if enrollment.status == EnrollmentStatus.ENDED:
        raise Refused(f"the enrollment has ended ({enrollment.reason})")
    if verb == "resume" and enrollment.paused_by in get_args(Halting):
        _refuse_while_halted(session, enrollment)
    poke(session, [enrollment], now)
    if known is not None:
        controls.ask_again(session, known, now)
        return known
    row = controls.row(enrollment, verb, now, reason=reason, control_id=once, to=to, late=late)
    controls.add(session, [row])
    return ControlRequest(**row)


def asked_before(session: Session, once: str | None) -> ControlRequest | None:
    """The control that was asked with this `once`, unless it was withdrawn; what it let go by was let go then."""
    known = controls.locked(session, once) if once is not None else None
    return known if known is not None and known.status != ControlStatus.WITHDRAWN else None


def _refuse_while_halted(session: Session, enrollment: Enrollment) -> None:
    journey, stage = enrollment.journey, enrollment.stage
    if journey_rows.is_paused(session, journey):
        raise Refused(f"the whole journey {journey!r} is paused; resume that")
    if journey_rows.is_paused(session, journey, stage):
        raise Refused(f"the stage {stage!r} of {journey!r} is paused; resume that")


def outcome(session: Session, control_id: str) -> ControlRequest:
    """A control that was done; raise Refused with the reason where it was not."""
    control = session.get(ControlRequest, control_id)
    if control is None:
        raise NotFound("nothing of the kind was asked")
    if control.status == ControlStatus.REFUSED:
        raise Refused(control.refusal or "")
    if control.status == ControlStatus.WITHDRAWN:
        raise Refused("it was withdrawn, since no worker had done it in time")
    return control


def withdraw(session: Session, control_id: str, now: datetime) -> bool:
    """Take back what nobody has done in time; False where it was done or refused by now. Its customer is locked.

    A mail that was to go at once, past hours and caps, goes past nothing then.
    """
    control = controls.locked(session, control_id)
    if control is None or control.status != ControlStatus.ASKED:
        return False
    run = session.get(Enrollment, control.enrollment_id)
    if run is not None and control.verb == "skip":
        run.sent_past = None
    controls.settle(session, control, ControlStatus.WITHDRAWN, now)
    audit_log.settle(session, control.enrollment_id, control.id, {}, {"withdrawn": True})
    return True


def standing(enrollment: Enrollment) -> dict[str, Any]:
    """Where an enrollment stands: what is put on record of it before and after somebody's control."""
    return {name: getattr(enrollment, name) for name in STANDING}


def leave(
    session: Session, those: Sequence[Enrollment], reason: str, now: datetime, priority: Priority = Priority.SIGNAL
) -> None:
    """End these enrollments for this reason, whatever they are doing."""
    controls.add(session, [controls.row(one, "exit", now, reason=reason) for one in those])
    poke(session, those, now, priority)


def ask_all(
    session: Session, those: Sequence[Enrollment], verb: str, now: datetime, to: Destination | None = None
) -> None:
    """Ask one of VERBS of many who are live, behind whatever is asked of single ones; each wake does it, or refuses."""
    controls.add(session, [controls.row(one, verb, now, to=to) for one in those])
    poke(session, those, now, Priority.BULK_START)


def poke(session: Session, those: Sequence[Enrollment], now: datetime, priority: Priority = Priority.SIGNAL) -> None:
    """See to it that these enrollments look at what has happened."""
    poking.poke(session, {one.id: one.workflow_id for one in those}, now, priority)
