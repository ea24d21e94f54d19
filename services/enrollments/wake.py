"""One wake of an enrollment: everything that is due, worked off in one transaction under the customer's lock.

It gathers what has happened, drives the core with the real answers until the enrollment waits or ends, and stores what
came of it. What is committed has happened: where the result is lost on its way to the workflow, the wake comes again
with the same number and gets the stored one, whatever has arrived since; that waits for the next wake.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, assert_never

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python
from sqlmodel import Session

from journeys.facts.customer_facts import EnrollmentFacts
from journeys.machine.ahead import next_input, pokes_for
from journeys.machine.commands import Ask, Assign, Decide, Plan, Question
from journeys.machine.drive import answered, drive
from journeys.machine.inputs import Answer, Control, Facts, Input, Merged, Migrated
from journeys.machine.machine import refusal
from journeys.machine.state import ENGINE_VERSION, State
from journeys.machine.woken import Woken, checksum, kept, restored
from journeys.rules import answers, split_answers
from services.access import audit_log
from services.customers import known_facts, unreadable
from services.definitions import journeys
from services.enrollments import asking, effects, splits
from services.enrollments.effects import WakeContext
from services.enrollments.happened import Happened
from services.errors import NotFound
from services.messages import planning
from store import bulk
from store.queries import customers, decisions, enrollments, interests
from store.queries.counts import Tally
from store.queries.enrollments import EnrollmentToWake
from store.session import CameBetween
from store.statuses import ControlStatus, EnrollmentStatus
from store.tables.customers import Customer
from store.tables.enrollments import ControlRequest, Enrollment

INPUTS = 50
"""Inputs of one wake at most: some tenths of a second under the customer's lock, and 10 kB of history."""

_WOKEN: TypeAdapter[Woken] = TypeAdapter(Woken)


def wake(session: Session, enrollment_id: str, number: int, now: datetime, *, astray: bool = False) -> Woken:
    """Work off what is due at `now` as the wake of this number, or return what that wake came to.

    `astray` says that the workflow arrived at another state than the last wake did: it is put on record, and the state
    comes along. So it does where the wake of this number is not the next one. Raises NotFound where the enrollment is
    gone, and whatever a guard or a step raises; then nothing was done.
    """
    customer, waking = _lock(session, enrollment_id)
    enrollment = waking.enrollment
    if enrollment.last_wake is not None and enrollment.wakes == number:
        return _WOKEN.validate_python(enrollment.last_wake)
    call = WakeContext(session, journeys.compiled(session, enrollment.digest), customer, enrollment, now)
    begun, before = restored(enrollment.state), asking.standing(enrollment)
    lost = astray or number != enrollment.wakes + 1
    if lost:
        _note(session, customer, enrollment, "put_right", {"wake": number, "wakes": enrollment.wakes}, now)
    work = _Wake(call, begun, Happened(session, customer, waking, now))
    reached = answered(drive(call.program, begun, work.following), work.answer)
    acted = bool(work.inputs) or lost
    outdated = acted and enrollment.state.get("engine", 1) != ENGINE_VERSION
    handed = lost or enrollment.migrating or outdated  # the workflow gets the state, since it cannot follow to it
    woken = Woken(
        number=enrollment.wakes + 1 if handed else None,
        inputs=() if handed else tuple(work.inputs),
        answers=() if handed else tuple(work.answers),
        wakes_at=reached.wakes_at,
        reason=reached.reason,
        checksum=checksum(reached),
        more=work.cut,
        state=reached if handed else None,
        digest=enrollment.digest if handed else None,
    )
    enrollment.stuck, enrollment.migrating = None, False
    if not work.cut:
        enrollment.poked_at = enrollment.nudged_at = None
    session.add(enrollment)
    if not acted:
        _on_record(call, work.settled, before)
        return woken
    decisions.add(session, work.rows)
    _stand(call, begun, reached)
    if reached.ended:
        work.happened.refuse_the_rest(f"the enrollment has ended ({reached.reason})")
    _on_record(call, work.settled, before)
    enrollment.wakes += 1
    enrollment.state = kept(reached)
    enrollment.last_wake = _WOKEN.dump_python(woken, mode="json")
    return woken


def begin(session: Session, enrollment_id: str, now: datetime) -> Woken | None:
    """The first wake of an enrollment, before its workflow starts, or what it came to; None where others came since."""
    wakes = enrollments.wakes(session, enrollment_id)
    return wake(session, enrollment_id, 1, now) if wakes in (0, 1) else None


def set_aside(session: Session, enrollment_id: str, error: str, now: datetime) -> Woken:
    """Its wakes end in this error again and again: say so, once for each error."""
    customer, (enrollment, *_) = _lock(session, enrollment_id)
    if enrollment.stuck != error:
        enrollment.stuck = error
        session.add(enrollment)
        _note(session, customer, enrollment, "stuck", {"error": error}, now)
    return Woken(stuck=True)


def gone(enrollment_id: str) -> str:
    """What NotFound says of an enrollment that is not there any more."""
    return f"there is no enrollment {enrollment_id!r}"


def _lock(session: Session, enrollment_id: str) -> tuple[Customer, EnrollmentToWake]:
    """The customer, held, and `enrollments.waking`.

    Raise CameBetween where a merge made it somebody else's before the lock was there.
    """
    customer = customers.lock_owner(session, enrollment_id)
    found = enrollments.waking(session, enrollment_id)
    if found is None:
        raise NotFound(gone(enrollment_id))
    if customer is None or found.enrollment.customer_id != customer.id:
        raise CameBetween("the customer was merged before the lock was there")
    return customer, found


def _note(
    session: Session, customer: Customer, own: Enrollment, what: str, detail: dict[str, Any], now: datetime
) -> None:
    """Put on record what happened to the enrollment beside its journey."""
    row = decisions.row(
        customer.id, what, detail, now, journey=own.journey, enrollment_id=own.id, stage=own.stage, step=own.step,
        visit=own.visit,
    )  # fmt: skip
    decisions.add(session, [row])


class _Wake:
    """What one wake gathers, answers and decides on its way."""

    def __init__(self, call: WakeContext, begun: State, happened: Happened) -> None:
        self.inputs: list[Input] = []
        self.answers: list[Answer] = []
        self.rows: list[bulk.ColumnValues] = []
        self.cut = False
        self._call = call
        self.happened = happened
        self._merged = call.enrollment.cursor != begun.cursor
        self._migrating = call.enrollment.migrating

    @property
    def settled(self) -> Sequence[ControlRequest]:
        """The controls that were done or refused on the way."""
        return self.happened.settled

    def following(self, state: State) -> Input | None:
        """What comes next; a control that is refused is settled on the way."""
        if self._merged:
            self._merged = False
            return self._put_in(Merged(at=self._call.now, seq=self._call.enrollment.cursor))
        if self._migrating:
            self._migrating = False
            return self._put_in(Migrated(at=self._call.now))
        while (given := next_input(self._call.program, state, self.happened, self._call.now)) is not None:
            refused = refusal(self._call.program, state, given) if isinstance(given, Control) else None
            if len(self.inputs) == INPUTS:
                self.cut = True
                return None
            self.happened.taken(given, refused)
            if refused is None:
                return self._put_in(given)
        return None

    def _put_in(self, given: Input) -> Input:
        self.inputs.append(given)
        return given

    def answer(self, records: Sequence[Decide], question: Question | None) -> Answer | None:
        """Let the decisions have their effects, and answer the question."""
        more = effects.apply(self._call, records)
        self.rows += [_row(self._call, one, one.what, {**one.detail, **more.get(one.number, {})}) for one in records]
        if question is None:
            return None
        if isinstance(question, Assign):  # the decision that follows says it all
            known = splits.known(self._call.session, self._call.customer.id, self._call.enrollment.journey)
            self.answers.append(split_answers.assigned(self._call.program, question, known))
            return self.answers[-1]
        answer, detail, what = _answer(self._call, question)
        self.rows.append(_row(self._call, question, what, detail))
        self.answers.append(answer)
        return answer


def _answer(call: WakeContext, question: Ask | Plan) -> tuple[Answer, dict[str, Any], str]:
    match question:
        case Ask():
            return (*_facts(call, question), "asked")
        case Plan():
            return planning.plan(call.session, call.program, call.customer, call.enrollment, question, call.now)
        case _:
            assert_never(question)


def _facts(call: WakeContext, ask: Ask) -> tuple[Facts, dict[str, Any]]:
    known = known_facts.facts_of(call.session, call.customer, ask.seq)
    event = known_facts.event_facts_at(call.session, call.customer.id, ask.event)
    own = call.enrollment
    enrollment = EnrollmentFacts(entered_at=own.entered_at, key=own.key, data=own.data)
    answer, asked = answers.answer(call.program, ask, known, event, enrollment)
    unreadable.note_asked(call.session, ((call.customer.id, f"journey {own.journey}", one) for one in asked), call.now)
    return answer, {"why": ask.why, "guards": [one.as_json() for one in asked]}


def _row(call: WakeContext, command: Decide | Question, what: str, detail: dict[str, Any]) -> bulk.ColumnValues:
    own = call.enrollment
    return decisions.of_command(
        command, what, detail, customer_id=call.customer.id, journey=own.journey, enrollment_id=own.id
    )


# -- where it stands ---------------------------------------------------------------------------------------------------


def _stand(call: WakeContext, begun: State, reached: State) -> None:
    """Show where the enrollment stands now, and register what it waits for, for ingestion and reports."""
    own = call.enrollment
    _count(call, reached)
    known = pokes_for(call.program, begun) if begun.phase != "new" else ()
    interests.register(call.session, own.id, call.customer.id, known, pokes_for(call.program, reached))
    own.stage, own.step, own.visit, own.cursor = reached.stage, reached.position, reached.visit, reached.cursor
    own.stage_since, own.wakes_at = reached.since or own.stage_since, reached.wakes_at
    own.paused, own.reason = reached.paused, reached.reason
    if reached.ended and own.status == EnrollmentStatus.LIVE:
        own.status, own.ended_at = EnrollmentStatus.ENDED, own.ended_at or reached.clock


def _count(call: WakeContext, reached: State) -> None:
    own, tally = call.enrollment, Tally()
    stood, stands = (own.journey, own.stage, own.step or ""), (own.journey, reached.stage, reached.position or "")
    if own.status != EnrollmentStatus.LIVE or (stood == stands and not reached.ended):
        return
    tally.leave(own.id, stood)
    if reached.ended:
        ended_at = own.ended_at or reached.clock or call.now
        tally.end(own.id, own.journey, reached.stage, reached.reason or "", ended_at, own.stage_since)
    else:
        tally.arrive(own.id, stands)
    tally.write(call.session)


def _on_record(call: WakeContext, settled: Sequence[ControlRequest], before: dict[str, Any]) -> None:
    """What came of that which persons asked for: where the enrollment stood, and stands now; or why it was refused."""
    if not settled:
        return
    stood, stands = to_jsonable_python(before), to_jsonable_python(asking.standing(call.enrollment))
    for control in settled:
        refused = control.status == ControlStatus.REFUSED
        told = ({}, {"refused": control.refusal}) if refused else (stood, stands)
        audit_log.settle(call.session, control.enrollment_id, control.id, *told)
