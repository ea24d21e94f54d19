"""The durable side of an enrollment: record decisions, answer the core's one question, keep the answer for repeats.

A local activity's result is lost when the worker dies before its workflow task completes; the call then comes again,
perhaps for another path, since other signals may have arrived. So each answer is stored with its command number, in the
same transaction: the same question gets the stored answer, and another question first undoes what was never used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from pydantic import TypeAdapter
from sqlmodel import Session

from journeys.facts.customer_facts import EnrollmentFacts
from journeys.machine.commands import Ask, Decide, Plan, Question, Settle
from journeys.machine.inputs import Answer, EventArrived, Facts, Interrupted, Planned, Settled
from journeys.rules import answers
from services.customers import known_facts
from services.definitions import journeys
from services.enrollments import effects, hooks
from services.enrollments.effects import QuestionContext
from services.errors import NotFound
from services.messages import planning
from store import bulk
from store.queries import customers, decisions, enrollments, interests
from store.queries import events as event_rows
from store.queries import journeys as journey_rows
from store.queries.counts import CONVERTED, ENDED, Tally
from store.statuses import EnrollmentStatus
from store.tables.customers import Event
from store.tables.enrollments import Decision, Enrollment

WHAT = {"ask": "asked", "settle": "settled"}
"""The kind of the decision that answers a question; a plan's is its outcome."""

_ANSWER: TypeAdapter[Facts | Planned | Settled] = TypeAdapter(Facts | Planned | Settled)


def perform(
    session: Session,
    enrollment_id: str,
    records: Sequence[Decide],
    question: Question,
    *,
    now: datetime,
    fence: int | None = None,
    gate: bool = False,
) -> Answer | Interrupted:
    """Record, then answer, in the caller's transaction and under the customer's lock; a repeat gets the stored answer.

    With `fence` (a cursor) nothing happens while events above it wait to be worked off; with `gate` nothing happens
    while the journey is paused: both say so by Interrupted. Raise NotFound where the enrollment is gone.
    """
    call = _lock(session, enrollment_id, now)
    question, fence = _as_stored(call.enrollment, question, fence)
    first = (records[0] if records else question).number
    if call.enrollment.number >= first:
        stored = _stored(call, question)
        if stored is not None:
            return stored
        _undo(call, first)
    if gate and journey_rows.is_paused(session, call.enrollment.journey):
        return Interrupted(parked=True)
    if fence is not None:
        events = _matches(call, fence, interests.of_enrollment(session, enrollment_id))
        if events:
            return Interrupted(events=events)
    more = effects.apply(call, records)
    answer, detail, what = _answer(call, question)
    kept = _ANSWER.dump_python(answer, mode="json")
    decided = [_row(call, one, one.what, {**one.detail, **more.get(one.number, {})}) for one in records]
    decisions.add(session, [*decided, _row(call, question, what, detail, kept)])
    call.enrollment.number = question.number
    session.add(call.enrollment)
    return answer


def _lock(session: Session, enrollment_id: str, now: datetime) -> QuestionContext:
    owner = enrollments.owner(session, enrollment_id)
    customer = customers.lock(session, owner) if owner else None
    enrollment = session.get(Enrollment, enrollment_id)
    if enrollment is None or customer is None:
        raise NotFound(f"there is no enrollment {enrollment_id!r}")
    program = journeys.compiled(session, enrollment.digest)
    return QuestionContext(session, program, customer, enrollment, now)


def _as_stored(enrollment: Enrollment, question: Question, fence: int | None) -> tuple[Question, int | None]:
    """The question with today's event numbers: the workflow of a merged customer may still know the former ones."""
    if not enrollment.shifts:
        return question, fence
    if isinstance(question, Ask) and question.event is not None:
        question = replace(question, event=_shifted(enrollment, question.event))
    elif isinstance(question, Settle):
        question = replace(question, cursor=_shifted(enrollment, question.cursor))
    return question, None if fence is None else _shifted(enrollment, fence)


def _shifted(enrollment: Enrollment, seq: int) -> int:
    for shift in enrollment.shifts:
        seq = seq + shift if seq <= shift else seq
    return seq


# -- repeats -----------------------------------------------------------------------------------------------------------


def _stored(call: QuestionContext, question: Question) -> Answer | None:
    """The answer to this very question, if it was given before."""
    row = decisions.numbered(call.session, call.enrollment.id, question.number)
    if row is None or row.answer is None:
        return None
    same = (row.stage, row.step, row.visit) == (question.stage, question.step, question.visit)
    asked_before = row.what in _whats(question) and row.detail.get("why") == getattr(question, "why", None)
    return _ANSWER.validate_python(row.answer) if same and asked_before else None


def _whats(question: Question) -> tuple[str, ...]:
    return planning.OUTCOMES if isinstance(question, Plan) else (WHAT[question.kind],)


def _undo(call: QuestionContext, number: int) -> None:
    """Take back what an attempt did that was lost: its numbers, its movements, and its mail where nobody has it yet."""
    tally = Tally()
    for row in decisions.from_number(call.session, call.enrollment.id, number):
        if row.what == "moved":
            _move_back(call, row, tally)
        if row.what == "converted":
            tally.count(call.enrollment.id, call.enrollment.journey, CONVERTED, row.detail.get("template", ""), -1)
        if row.what in ("planned", "deferred"):
            planning.withdraw(call.session, row.detail["message"], "pre_empted", call.now)
        if "hook" in row.detail:
            hooks.withdraw(call.session, row.detail["hook"])
        row.number, row.answer = None, None
        row.detail = {**row.detail, "lost": True}
        call.session.add(row)
    tally.write(call.session)
    call.session.flush()


def _move_back(call: QuestionContext, row: Decision, tally: Tally) -> None:
    """As if nobody had left the stage."""
    since = datetime.fromisoformat(row.detail["since"]) if "since" in row.detail else row.at
    tally.move(call.enrollment.id, call.enrollment.journey, row.stage or "", row.detail["to"], row.at - since, -1)
    call.enrollment.stage_since = since


# -- decisions ---------------------------------------------------------------------------------------------------------


def _row(
    call: QuestionContext,
    command: Decide | Question,
    what: str,
    detail: dict[str, Any],
    answer: Mapping[str, Any] | None = None,
) -> bulk.ColumnValues:
    enrollment = call.enrollment
    return decisions.of_command(
        command,
        what,
        detail,
        customer_id=call.customer.id,
        journey=enrollment.journey,
        enrollment_id=enrollment.id,
        answer=answer,
    )


# -- questions ---------------------------------------------------------------------------------------------------------


def _answer(call: QuestionContext, question: Question) -> tuple[Answer, dict[str, Any], str]:
    match question:
        case Ask():
            return (*_facts(call, question), "asked")
        case Plan():
            return planning.plan(call.session, call.program, call.customer, call.enrollment, question, call.now)
        case Settle():
            return (*_settle(call, question), "settled")
        case _:
            assert_never(question)


def _facts(call: QuestionContext, ask: Ask) -> tuple[Facts, dict[str, Any]]:
    seq = ask.event if ask.event is not None else known_facts.seq_at(call.session, call.customer, ask.at)
    known = known_facts.facts_of(call.session, call.customer, seq)
    event = known_facts.event_facts_at(call.session, call.customer.id, ask.event)
    own = call.enrollment
    enrollment = EnrollmentFacts(entered_at=own.entered_at, key=own.key, data=own.data)
    answer, asked = answers.answer(call.program, ask, known, event, enrollment)
    return answer, {"why": ask.why, "guards": [one.as_json() for one in asked]}


def _settle(call: QuestionContext, settle: Settle) -> tuple[Settled, dict[str, Any]]:
    """Show where the enrollment stands, register what it waits for, and return what came before that was known."""
    enrollment = call.enrollment
    _count(call, settle)
    enrollment.stage, enrollment.step, enrollment.visit = settle.stage, settle.step, settle.visit
    enrollment.stage_since, enrollment.wakes_at = settle.since, settle.wakes_at
    enrollment.paused, enrollment.reason = settle.paused, settle.reason
    if settle.reason is not None:
        _count_end(call, settle.reason)
        enrollment.status = EnrollmentStatus.ENDED
        enrollment.ended_at = enrollment.ended_at or settle.at
    interests.register(call.session, enrollment.id, call.customer.id, settle.waits_for)
    events = () if settle.paused else _matches(call, settle.cursor, settle.waits_for)
    if not settle.paused:
        enrollment.cursor = call.customer.seq
    detail = {
        "waits_for": list(settle.waits_for),
        "wakes_at": settle.wakes_at.isoformat() if settle.wakes_at else None,
    }
    return Settled(number=settle.number, cursor=enrollment.cursor, events=events), detail


def _count(call: QuestionContext, settle: Settle) -> None:
    enrollment, tally = call.enrollment, Tally()
    if enrollment.status == EnrollmentStatus.LIVE:
        tally.leave(enrollment.id, (enrollment.journey, enrollment.stage, enrollment.step or ""))
        if settle.reason is None:
            tally.arrive(enrollment.id, (enrollment.journey, settle.stage, settle.step or ""))
    tally.write(call.session)


def _count_end(call: QuestionContext, reason: str) -> None:
    if call.enrollment.status == EnrollmentStatus.LIVE:
        tally = Tally()
        tally.count(call.enrollment.id, call.enrollment.journey, ENDED, reason)
        tally.write(call.session)


def _matches(call: QuestionContext, cursor: int, names: Sequence[str]) -> tuple[EventArrived, ...]:
    if call.customer.seq <= cursor:
        return ()
    return tuple(as_input(one) for one in event_rows.above(call.session, call.customer.id, cursor, names))


def as_input(event: Event) -> EventArrived:
    """An event as the core hears of it: its receipt, its number, its name."""
    return EventArrived(at=event.received_at, seq=event.seq, name=event.name)
