"""What one wake does on its way: it gathers what is due, answers what the core asks, and shows where that has led.

Whether it may be done at all, and what its workflow hears of it, is for `wake` to say.
"""

from collections.abc import Sequence
from typing import Any, assert_never

from journeys.facts.customer_facts import EnrollmentFacts
from journeys.machine.ahead import next_input, pokes_for
from journeys.machine.commands import Ask, Assign, Decide, Plan, Question
from journeys.machine.inputs import Answer, Control, Facts, Input, Merged, Migrated
from journeys.machine.machine import refusal
from journeys.machine.state import State
from journeys.rules import answers, split_answers
from services.customers.attributes import known_facts, unreadable
from services.enrollments import splits
from services.enrollments.controls import standing
from services.enrollments.waking import effects
from services.enrollments.waking.effects import WakeContext
from services.enrollments.waking.happened import Happened
from services.messages.deciding import planning
from store import bulk
from store.queries.enrollment import decisions, interests
from store.tables.enrollments import ControlRequest

INPUTS = 50
"""Inputs of one wake at most: some tenths of a second under the customer's lock, and 10 kB of history."""


class WorkingOff:
    """What one wake gathers, answers and decides on its way."""

    def __init__(self, call: WakeContext, begun: State, happened: Happened) -> None:
        self.inputs: list[Input] = []
        self.answers: list[Answer] = []
        self.rows: list[bulk.ColumnValues] = []
        self.cut = False
        self.happened = happened
        self._call = call
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
            return planning.plan(
                call.session, call.program, call.customer, call.enrollment, question, call.now, call.among
            )
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


def stand(call: WakeContext, begun: State, reached: State) -> None:
    """Show where the enrollment stands now, and register what it waits for, for ingestion and reports."""
    own = call.enrollment
    known = pokes_for(call.program, begun) if begun.phase != "new" else ()
    interests.register(call.session, own.id, call.customer.id, known, pokes_for(call.program, reached))
    standing.show(call.session, own, reached, call.now)
