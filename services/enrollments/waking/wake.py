"""One wake of an enrollment: everything that is due, worked off in one transaction under the customer's lock.

It gathers what has happened, drives the core with the real answers until the enrollment waits or ends, and stores what
came of it. What is committed has happened: each wake is kept until the enrollment's workflow has followed it.

    wake        for the workflow: what it has not followed, or else what is due now
    lead        ahead of the workflows, many at once: so nobody waits for Temporal

Both are fenced by the customer's lock and the wake's number. Where the result is lost on its way to the workflow, the
wake comes again with the same number and gets the stored one.
"""

import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from journeys.machine.drive import answered, drive
from journeys.machine.state import ENGINE_VERSION
from journeys.machine.woken import WOKEN, Woken, checksum, kept, restored
from services.definitions.journey_versions import journeys
from services.enrollments.controls import asking, giving_up, standing
from services.enrollments.waking import working_off
from services.enrollments.waking.effects import WakeContext
from services.enrollments.waking.happened import Happened
from services.enrollments.waking.working_off import WorkingOff
from services.errors import NotFound
from services.installation import installation_settings
from services.messages.deciding.eligibility import Recipients
from store.queries.enrollment import decisions, enrollments
from store.queries.enrollment.enrollments import EnrollmentToWake
from store.queries.identity import customers
from store.session import CameBetween
from store.statuses import EnrollmentStatus
from store.tables.enrollments import Enrollment

AHEAD = 12
"""Wakes that are kept for a workflow at most, so that many are followed at once and a history stays what it is; an
enrollment that is so far ahead is waked by its workflow."""

AGAIN, AGAIN_INPUTS = 4, 10
"""How many of them it has followed already, and how much these were given in all, beside the last one. A task of the
workflow that is lost with its worker is done again from its beginning, and asks for each of its wakes once more; few
tasks have more than two."""

_NO_TIME = timedelta()


class Together:
    """Enrollments that are waked in one transaction: their customers, held, and how all of these stand as to mail."""

    def __init__(self, session: Session, enrollment_ids: Collection[str], now: datetime, *, wait: bool = True) -> None:
        self.session = session
        self.customers = customers.lock_owners(session, enrollment_ids, wait=wait)
        self._now = now
        self._recipients: Recipients | None = None

    def moved(self) -> None:
        """Somebody stands elsewhere, where mail may not go, or may go again: it is asked anew."""
        self._recipients = None

    def recipients(self) -> Recipients:
        """How they stand; asked once, until somebody moves."""
        if self._recipients is None:
            settings = installation_settings.load(self.session)
            self._recipients = Recipients(self.session, [*self.customers.values()], settings, self._now)
        return self._recipients


def wake(
    session: Session,
    enrollment_id: str,
    number: int,
    now: datetime,
    *,
    astray: bool = False,
    lag: timedelta = _NO_TIME,
) -> Woken:
    """All wakes from this number on, as one, that the workflow has not followed; or work off what is due at `now`.

    `astray` says that the workflow arrived at another state than the wake before this number did: it is put on record,
    and the state comes along. So it does where what is stored does not go on where the workflow is. `lag` is how long
    after a deadline the workflow looks, where somebody `lead`s.

    Raises NotFound where the enrollment is gone, and whatever a guard or a step raises; then nothing was done.
    """
    together, waking = _lock(session, enrollment_id, now)
    own = waking.enrollment
    own.follow_at = None
    session.add(own)
    unfollowed = _unfollowed(own, number, astray=astray)
    if unfollowed:
        followed, ahead = own.last_wakes[: -len(unfollowed)], own.last_wakes[-len(unfollowed) :]
        own.last_wakes = [*_asked_again(followed), *ahead]
        _let_lead(own)
        return _for_workflow(own, unfollowed, lag if _has_room(own) else _NO_TIME, more=_waits(own, now))
    lost = astray or number != own.wakes + 1
    if lost:
        _note(session, own, "put_right", {"wake": number, "wakes": own.wakes}, now)
    own.last_wakes = [] if lost else _asked_again(own.last_wakes)
    woken = _work_off(together, waking, now, lost=lost)
    _let_lead(own)
    return _for_workflow(own, [woken], lag if _has_room(own) else _NO_TIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Led:
    """Of whom everything that was due is done; who is so far ahead that the workflow is to go on; whom others hold."""

    done: Collection[str]
    full: Collection[str]
    held: Collection[str]


def lead(session: Session, enrollment_ids: Collection[str], now: datetime, lag: timedelta = _NO_TIME) -> Led:
    """Work off what is due of these enrollments, ahead of their workflows.

    Nothing is done of those who are gone, or whose customer is held by others: nobody is waited for.
    Raises whatever a guard or a step of one of them raises; then nothing was done of any.
    """
    together = Together(session, enrollment_ids, now, wait=False)
    done, full, held = list[str](), list[str](), list[str]()
    for waking in enrollments.waking(session, enrollment_ids):
        if waking.enrollment.customer_id in together.customers:
            (done if _lead(together, waking, now, lag) else full).append(waking.enrollment.id)
        else:
            held.append(waking.enrollment.id)
    return Led(done=done, full=full, held=held)


def _lead(together: Together, waking: EnrollmentToWake, now: datetime, lag: timedelta) -> bool:
    """Until nothing is due; whether that was reached."""
    own, more = waking.enrollment, True
    begun = own.wakes
    together.session.add(own)
    while more and _has_room(own):
        before, follows = own.wakes, own.state.get("phase", "new") != "new"
        more = _work_off(together, waking, now).more
        if own.wakes > before and follows:  # else its workflow asks for the wake when it starts
            own.follow_at = own.follow_at or now + spread(lag, own.id)
    _let_lead(own)
    if (own.follow_at is not None or own.wakes > begun) and not _has_room(own):
        own.follow_at = now  # its workflow, which may rest since its start, is to go on and to meet the next deadline
    if own.due_at is not None and own.due_at <= now:
        own.due_at = None  # nothing was due all the same, and would not be at the next look
    return not more


class Overtaken(Exception):
    """A wake that failed was done by somebody else meanwhile, and its workflow is to follow it."""


def set_aside(
    session: Session, enrollment_id: str, error: str, now: datetime, number: int | None = None, *, astray: bool = False
) -> Woken:
    """Its wakes end in this error again and again: say so, once for each error.

    One that was asked to end is given up: no wake would ever come to that. `number` is that of the wake, `astray` as
    for `wake`; raise Overtaken where it is done by now.
    """
    _, (enrollment, *_) = _lock(session, enrollment_id, now)
    if number is not None and _unfollowed(enrollment, number, astray=astray):
        raise Overtaken
    if (given := giving_up.give_up(session, enrollment, error, now)) is not None:
        return given
    if enrollment.stuck != error:
        enrollment.stuck, enrollment.due_at = error, None
        session.add(enrollment)
        _note(session, enrollment, "stuck", {"error": error}, now)
    return Woken(stuck=True)


def gone(enrollment_id: str) -> str:
    """What NotFound says of an enrollment that is not there any more."""
    return f"there is no enrollment {enrollment_id!r}"


def _lock(session: Session, enrollment_id: str, now: datetime) -> tuple[Together, EnrollmentToWake]:
    """Its customer, held, and `enrollments.waking`.

    Raise CameBetween where a merge made it somebody else's before the lock was there.
    """
    together = Together(session, [enrollment_id], now)
    found = enrollments.waking(session, [enrollment_id])
    if not found:
        raise NotFound(gone(enrollment_id))
    if found[0].enrollment.customer_id not in together.customers:
        raise CameBetween("the customer was merged before the lock was there")
    return together, found[0]


def _note(session: Session, own: Enrollment, what: str, detail: dict[str, Any], now: datetime) -> None:
    """Put on record what happened to the enrollment beside its journey."""
    row = decisions.row(
        own.customer_id, what, detail, now, journey=own.journey, enrollment_id=own.id, stage=own.stage, step=own.step,
        visit=own.visit,
    )  # fmt: skip
    decisions.add(session, [row])


def _work_off(together: Together, waking: EnrollmentToWake, now: datetime, *, lost: bool = False) -> Woken:
    """Do what is due as the next wake, and keep it; where nothing is, nothing is kept.

    With `lost` the workflow cannot follow and gets the state.
    """
    own, session, customer = waking.enrollment, together.session, together.customers[waking.enrollment.customer_id]
    call = WakeContext(session, journeys.compiled(session, own.digest), customer, own, now, together.recipients)
    begun, before = restored(own.state), asking.standing(own)
    work = WorkingOff(call, begun, Happened(session, customer, waking, now))
    reached = answered(drive(call.program, begun, work.following), work.answer)
    acted = bool(work.inputs) or lost
    outdated = acted and own.state.get("engine", 1) != ENGINE_VERSION
    handed = lost or own.migrating or outdated  # the workflow gets the state, since it cannot follow to it
    woken = Woken(
        number=own.wakes + 1 if handed else None,
        inputs=() if handed else tuple(work.inputs),
        answers=() if handed else tuple(work.answers),
        wakes_at=reached.wakes_at,
        reason=reached.reason,
        checksum=checksum(reached),
        more=work.cut,
        state=reached if handed else None,
        digest=own.digest if handed else None,
    )
    own.stuck, own.migrating = None, False
    if not work.cut:
        own.poked_at = own.nudged_at = None
    if acted:
        if (own.stage, own.status) != (reached.stage, EnrollmentStatus.ENDED if reached.ended else own.status):
            together.moved()
        decisions.add(session, work.rows)
        working_off.stand(call, begun, reached)
        if reached.ended:
            work.happened.refuse_the_rest(f"the enrollment has ended ({reached.reason})")
        own.wakes += 1
        own.state = kept(reached)
        own.last_wakes = [*own.last_wakes, WOKEN.dump_python(woken, mode="json", exclude_none=True)]
    standing.put_on_record(session, own, work.settled, before)
    return woken


# -- what is kept for the workflow -------------------------------------------------------------------------------------


def _unfollowed(own: Enrollment, number: int, *, astray: bool) -> Sequence[Woken]:
    """The wakes from this number on, those before left out where a state was handed over that they had led to.

    None where one of them is not kept, or where only a state would help the workflow and none is among them.
    """
    those, first = [WOKEN.validate_python(one) for one in own.last_wakes], own.wakes - len(own.last_wakes) + 1
    those = those[max(number - first, 0) :]
    handed = any(one.state is not None for one in those)
    return () if (number < first or astray) and not handed else those


def _asked_again(followed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of wakes that the workflow has followed those that it may have to follow again."""
    kept, inputs = followed[-1:], 0
    for one in reversed(followed[-AGAIN:-1]):
        inputs += len(one.get("inputs", ()))
        if inputs > AGAIN_INPUTS:
            break
        kept.insert(0, one)
    return kept


def _for_workflow(own: Enrollment, those: Sequence[Woken], lag: timedelta, *, more: bool = False) -> Woken:
    """Some wakes, the last of which was the last there was, as one that the workflow follows.

    Their inputs and answers in a row lead where each led by itself; where the state was handed over on the way, it is
    now. The workflow looks a while after the deadline, when somebody has led.
    """
    last = those[-1]
    if len(those) > 1 and any(one.state is not None for one in those):
        last = replace(last, number=own.wakes, inputs=(), answers=(), state=restored(own.state), digest=own.digest)
    elif len(those) > 1:
        inputs = tuple(given for one in those for given in one.inputs)
        given = tuple(answer for one in those for answer in one.answers)
        last = replace(last, number=own.wakes, inputs=inputs, answers=given)
    later = last.wakes_at and last.wakes_at + spread(lag, own.id)
    return replace(last, wakes_at=later, more=last.more or more)


def spread(lag: timedelta, enrollment_id: str) -> timedelta:
    """Between the half of a lag and all of it, so that a herd does not follow at once."""
    return lag * ((100 + zlib.crc32(enrollment_id.encode()) % 100) / 200)


def _has_room(own: Enrollment) -> bool:
    """Whether a wake more may be kept for the workflow."""
    inputs = sum(len(one.get("inputs", ())) for one in own.last_wakes)
    return len(own.last_wakes) < AHEAD and inputs < working_off.INPUTS


def _let_lead(own: Enrollment) -> None:
    """From now on its next deadline is met ahead of its workflow, where there is room."""
    own.due_at = own.wakes_at if _has_room(own) else None


def _waits(own: Enrollment, now: datetime) -> bool:
    """Whether something may be due that no wake has done."""
    return own.poked_at is not None or (own.wakes_at is not None and own.wakes_at <= now)
