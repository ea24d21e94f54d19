"""Asking something of one enrollment and having it done: for the API's calls and for the pages' forms.

It is done in the transaction that asks, so a person waits for no worker and for no Temporal; where that cannot be, the
enrollment's workflow is hurried.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session

from api.deps.backend import Backend
from api.deps.transactions import Write
from api.edge.idempotency import AnsweredBefore
from journeys.language.words import Late
from services.access import audit_log
from services.enrollments.controls import asking, giving_up
from services.enrollments.forecast import places, waited_mails
from services.enrollments.waking import wake
from services.errors import Refused, ServiceError
from services.reports.customer import customer_view
from store import dialect
from store.queries.enrollment import controls as control_rows
from store.queries.enrollment.controls import Destination
from store.queries.identity import customers
from store.statuses import ControlStatus
from store.tables.enrollments import Enrollment
from workflows.gateway import TemporalUnavailable

log = structlog.get_logger("waypost.controls")


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedControl:
    """What is asked: one of `asking.VERBS`, why, where a move leads, what becomes of overdue mail at a resume.

    With the same `once` it is asked once; with `waits_in` only of somebody who still waits in that step, and `past`
    lets the mail behind it go past hours and caps.
    """

    verb: str
    said: str = ""
    to: Destination | None = None
    late: Late | None = None
    once: str | None = None
    waits_in: str | None = None
    past: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedControl:
    """A control by its id, the workflow that can be hurried, and whether everything that was due is `done`.

    `stands` is how the enrollment stands then, where what was asked is done, too.
    """

    control: str
    workflow: str
    done: bool
    stands: Enrollment | None = None


async def ask_and_wait(
    parts: Backend, id: str, caller: str, wanted: WantedControl, write: Write[AskedControl]
) -> Enrollment:
    """Ask it of an enrollment in the name of a key or a user, and return how it stands when it is done.

    Raise NotFound, InvalidInput where a move leads nowhere, Refused with the reason where it was not done, and
    TemporalUnavailable where only its workflow can do it and cannot be asked to hurry.
    """
    asked = await run_in_threadpool(_ask, parts, id, caller, wanted, write)
    if asked.stands is not None:
        return asked.stands
    if not asked.done:
        await _hurry(parts, id, asked)
    return await run_in_threadpool(_controlled, parts, id, asked.control)


async def _hurry(parts: Backend, id: str, asked: AskedControl) -> None:
    """Have its workflow do it; raise TemporalUnavailable, or Refused, where nobody has done it, and nobody will."""
    try:
        await (await parts.gateway()).hurry(asked.workflow)
    except TemporalUnavailable:
        if await run_in_threadpool(_withdrawn, parts, id, asked.control):
            raise
    if await run_in_threadpool(_withdrawn, parts, id, asked.control):
        raise Refused(await run_in_threadpool(_why_not, parts, id))


def _ask(parts: Backend, id: str, caller: str, wanted: WantedControl, write: Write[AskedControl]) -> AskedControl:
    """Ask for it, and do it; where that raises, ask alone, and leave it to the workflow, which says if it is stuck.

    One that was known to be stuck, and is to end, is given up at once: for errors that may be the database's its
    workflow takes minutes, which nobody waits for.
    That it was asked is on record with what the person said, which is kept nowhere else. What comes of it is put there
    by whoever does it, or refuses it.
    """
    asked = list[AskedControl]()

    def work(session: Session) -> AskedControl:
        asked[:] = [_put(session, parts, id, caller, wanted)]
        return asked[0]

    def at_once(session: Session) -> AskedControl:
        put = work(session)
        done = id in wake.lead(session, [id], parts.clock()).done
        return replace(put, done=done, stands=_standing(session, put.control) if done else None)

    try:
        return write(at_once)
    except Exception as error:
        if not asked:
            raise
        log.warning("control_not_done_at_once", enrollment=id, error=type(error).__name__)

    def alone(session: Session) -> AskedControl:
        put = work(session)
        done = wanted.verb == giving_up.EXIT and _given_up(session, id, parts.clock())
        return replace(put, done=done, stands=_standing(session, put.control) if done else None)

    return write(alone)


def _standing(session: Session, control_id: str) -> Enrollment | None:
    """How it stands, where what was asked was not refused."""
    stored = control_rows.as_stored(session, control_id)
    return stored[1] if stored is not None and stored[0].status == ControlStatus.DONE else None


def _given_up(session: Session, id: str, now: datetime) -> bool:
    enrollment = customer_view.enrollment(session, id)
    if enrollment.stuck is None or giving_up.give_up(session, enrollment, enrollment.stuck, now) is None:
        return False
    enrollment.follow_at = now
    return True


def _put(session: Session, parts: Backend, id: str, caller: str, wanted: WantedControl) -> AskedControl:
    now = parts.clock()
    customers.lock_owners(session, [id])
    enrollment = customer_view.enrollment(session, id)
    known = asking.asked_before(session, wanted.once)
    if known is not None:
        return AskedControl(control=known.id, workflow=enrollment.workflow_id, done=False)
    if wanted.waits_in is not None:
        waited_mails.check_waits(session, enrollment, wanted.waits_in, now)
    if wanted.past:
        waited_mails.let_past(session, enrollment)
    place = places.place_named(session, enrollment, *wanted.to) if wanted.to is not None else None
    asked = asking.ask(session, enrollment, wanted.verb, now, once=wanted.once, to=place, late=wanted.late)
    if asked.asked_at == now and asked.status == ControlStatus.ASKED:
        after = {audit_log.ASKED: asked.id}
        audit_log.record(session, caller, wanted.verb, "enrollment", id, now, after=after, said=wanted.said)
    return AskedControl(control=asked.id, workflow=enrollment.workflow_id, done=False)


class _StillStuck(Exception):
    """What a wake refuses is no refusal of what was asked."""


def try_again(parts: Backend, id: str, caller: str, write: Write[Enrollment]) -> Enrollment:
    """Wake one that is stuck, at once; return how it stands then.

    Raise NotFound, and Refused where it is not stuck, or ends in an error still.
    """

    def at_once(session: Session) -> Enrollment:
        now = parts.clock()
        customers.lock_owners(session, [id])
        enrollment = customer_view.enrollment(session, id)
        if enrollment.stuck is None:
            raise Refused("it is not stuck: it goes by itself")
        before, _ = asking.standing(enrollment), asking.poke(session, [enrollment], now)
        try:
            wake.lead(session, [id], now)
        except ServiceError as error:
            raise _StillStuck from error
        after = asking.standing(enrollment)
        audit_log.record(session, caller, "retried", "enrollment", id, now, before=before, after=after)
        return enrollment

    try:
        return write(at_once)
    except (ServiceError, AnsweredBefore):
        raise
    except Exception as error:
        if dialect.is_at_fault(error):
            raise
        log.warning("still_stuck", enrollment=id, exc_info=error)
        own = error.__cause__ if isinstance(error, _StillStuck) else error
        raise Refused(f"it ends in an error still: {type(own).__name__}: {own}"[:300]) from None


def _why_not(parts: Backend, id: str) -> str:
    with parts.database.reading() as session:
        stuck = customer_view.enrollment(session, id).stuck
    return "its workflow has not started yet" if stuck is None else f"its wakes end in an error: {stuck}"


def _withdrawn(parts: Backend, id: str, control_id: str) -> bool:
    def work(session: Session) -> bool:
        customers.lock_owners(session, [id])
        return asking.withdraw(session, control_id, parts.clock())

    return parts.database.write(work)


def _controlled(parts: Backend, id: str, control_id: str) -> Enrollment:
    """How it stands now. Raise Refused with the reason where it was not done."""
    with parts.database.reading() as session:
        asking.outcome(session, control_id)
        return customer_view.enrollment(session, id)
