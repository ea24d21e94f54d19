"""Asking something of one enrollment and waiting until it is done: for the API's calls and for the pages' forms."""

from dataclasses import dataclass

from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session

from api.deps.backend import Backend
from journeys.language.words import Late
from services.access import audit_log
from services.enrollments import asking, places, waited_mails
from services.errors import Refused
from services.reports import customer_view
from store.queries import customers
from store.queries.controls import Destination
from store.statuses import ControlStatus
from store.tables.enrollments import Enrollment
from workflows.gateway import TemporalUnavailable


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


async def ask_and_wait(parts: Backend, id: str, caller: str, wanted: WantedControl) -> Enrollment:
    """Ask it of an enrollment in the name of a key or a user, and return how it stands when it is done.

    Raise NotFound, InvalidInput where a move leads nowhere, Refused with the reason where it was not done, and
    TemporalUnavailable where nobody can be asked to hurry.
    """
    control_id, workflow_id = await run_in_threadpool(_ask, parts, id, caller, wanted)
    try:
        await (await parts.gateway()).hurry(workflow_id)
    except TemporalUnavailable:
        if await run_in_threadpool(_withdrawn, parts, control_id):
            raise
    return await run_in_threadpool(_controlled, parts, id, control_id)


def _ask(parts: Backend, id: str, caller: str, wanted: WantedControl) -> tuple[str, str]:
    """Ask for it; return the control's id and the workflow's.

    That it was asked is on record with what the person said, which is kept nowhere else. What comes of it is put there
    by whoever does it, or refuses it.
    """
    now, verb = parts.clock(), wanted.verb

    def work(session: Session) -> tuple[str, str]:
        customers.lock_owners(session, [id])
        enrollment = customer_view.enrollment(session, id)
        if wanted.waits_in is not None:
            waited_mails.check_waits(session, enrollment, wanted.waits_in, now)
        if wanted.past:
            waited_mails.let_past(session, enrollment)
        place = places.place_named(session, enrollment, *wanted.to) if wanted.to is not None else None
        asked = asking.ask(session, enrollment, verb, now, once=wanted.once, to=place, late=wanted.late)
        if asked.asked_at == now and asked.status == ControlStatus.ASKED:
            after = {audit_log.ASKED: asked.id}
            audit_log.record(session, caller, verb, "enrollment", enrollment.id, now, after=after, said=wanted.said)
        return asked.id, enrollment.workflow_id

    return parts.database.write(work)


def _withdrawn(parts: Backend, control_id: str) -> bool:
    return parts.database.write(lambda session: asking.withdraw(session, control_id, parts.clock()))


def _controlled(parts: Backend, id: str, control_id: str) -> Enrollment:
    """How it stands now. Raise Refused with the reason where it was not done."""

    def work(session: Session) -> Enrollment | None:
        if asking.withdraw(session, control_id, parts.clock()):
            return None
        asking.outcome(session, control_id)
        return customer_view.enrollment(session, id)

    after = parts.database.write(work)
    if after is None:
        raise Refused("its workflow has not started yet")
    return after
