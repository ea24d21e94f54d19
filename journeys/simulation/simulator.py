"""The core on a virtual clock: one enrollment over a recorded (or made-up) history, in process.

What it runs is `machine.drive` over `ahead.next_input`, as production does, so a simulation is the production logic. It
only tells what the history holds, and answers from it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any, assert_never

from journeys.facts import customer_facts
from journeys.facts.customer_facts import Aggregate, CustomerFacts, EnrollmentFacts, EventFacts
from journeys.facts.guards import SEGMENT_EVENTS, GuardResult
from journeys.machine.ahead import next_input
from journeys.machine.commands import NOTHING_SENT, Ask, Assign, Decide, Plan, Question, SendVisit
from journeys.machine.drive import answered, drive
from journeys.machine.inputs import Answer, Control, EventArrived, Facts, Leave, Planned
from journeys.machine.state import ENGINE_VERSION, State
from journeys.program.nodes import NodeId, SendNode
from journeys.program.program import SEGMENT_JOINED, Program, is_heard
from journeys.rules import answers, awaited, set_values, split_answers
from journeys.rules.policy import Allowed, Deferred, Skipped, Verdict
from journeys.rules.split_answers import NO_SPLITS, KnownSplits
from journeys.simulation.mail_policies import MailPolicy, everything_goes
from value import purchases
from value.value_model import NO_FIT, ValueModel

IDENTIFY = "Identify"
"""The event whose properties are traits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """One event of a customer's history; `seq` counts them, `at` is UTC."""

    seq: int
    name: str
    at: datetime
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedMail:
    """What the policies said of a mail when it was planned."""

    plan: Plan
    template: str
    verdict: Verdict


@dataclass(slots=True)
class Trace:
    """What happened to an enrollment: the state reached and, in their order, decisions, guards and mails.

    `mails` holds every mail that was decided on, `planned` those of them that may go.
    """

    state: State
    decisions: list[Decide] = field(default_factory=list[Decide])
    asked: list[tuple[Ask, Sequence[GuardResult]]] = field(default_factory=list[tuple[Ask, Sequence[GuardResult]]])
    mails: list[SimulatedMail] = field(default_factory=list[SimulatedMail])
    planned: list[Plan] = field(default_factory=list[Plan])


class PastFacts:
    """A customer's facts as they were behind each of their events; it is asked for numbers that never go back.

    `events` is the caller's own list: what follows from a step is put into it.
    """

    def __init__(
        self,
        events: Sequence[RecordedEvent],
        attributes: Mapping[str, Any],
        timezone: str | None = None,
        model: ValueModel = NO_FIT,
        source: Mapping[str, Any] | None = None,
    ) -> None:
        self.events = events if isinstance(events, list) else list(events)
        self.attributes = attributes
        self.timezone = timezone
        self.aggregates: dict[str, Aggregate] = {}
        self.segments: tuple[str, ...] = ()
        self.purchases = purchases.NONE
        self.model = model
        self.source = source or {}
        self._folded = 0

    def known(self, seq: int) -> CustomerFacts:
        """The facts just behind the event of the number `seq`; 0 is before the first."""
        while self._folded < len(self.events) and self.events[self._folded].seq <= seq:
            event = self.events[self._folded]
            if event.name == IDENTIFY:
                self.set(event.properties)
            elif event.name in SEGMENT_EVENTS:
                self._joined(event)
            before = self.aggregates.get(event.name, customer_facts.NOTHING)
            self.aggregates[event.name] = customer_facts.fold(before, event.at, customer_facts.amount(event.properties))
            self.purchases = purchases.fold(self.purchases, event.name, event.at, event.properties, event.seq)
            self._folded += 1
        return CustomerFacts(
            attributes=self.attributes,
            aggregates=self.aggregates,
            timezone=self.timezone,
            segments=self.segments,
            purchases=self.purchases,
            model=self.model,
            source=self.source,
        )

    def _joined(self, event: RecordedEvent) -> None:
        others = tuple(one for one in self.segments if one != event.properties.get("segment"))
        joins = event.name == SEGMENT_JOINED
        self.segments = (*others, str(event.properties.get("segment"))) if joins else others

    def set(self, attributes: Mapping[str, Any]) -> None:
        """What a step or a trait changed; null removes an attribute. `id` is who they are, and nobody changes it."""
        given = {name: value for name, value in attributes.items() if name != "id"}
        before, self.attributes = self.attributes, customer_facts.merged(self.attributes, given)
        if self.attributes.get("timezone") != before.get("timezone"):
            self.timezone = customer_facts.timezone_in(self.attributes)

    def given(self, attributes: Mapping[str, Any], behind: int, at: datetime) -> None:
        """A step gives attributes. Where they change something that is an event, as in production.

        It comes behind the event of the number `behind` and those up to this instant; later ones count on from it.
        """
        before = self.attributes
        self.set(attributes)
        if self.attributes == before:
            return
        place = bisect_right(self.events, behind, key=_number)
        while place < len(self.events) and self.events[place].at <= at:
            place += 1
        seq = (self.events[place - 1].seq if place else 0) + 1
        later = self.events[place:]
        shift = max(0, seq + 1 - later[0].seq) if later else 0
        self.events[place:] = [
            RecordedEvent(seq=seq, name=IDENTIFY, at=at, properties=attributes),
            *(replace(one, seq=one.seq + shift) for one in later),
        ]

    def happened(self, seq: int | None) -> EventFacts | None:
        """The event of this number, as guards read it; None without a number, or where there is none."""
        event = next((one for one in self.events if one.seq == seq), None) if seq is not None else None
        return EventFacts(name=event.name, properties=event.properties, at=event.at) if event else None


def _number(event: RecordedEvent) -> int:
    return event.seq


def simulate(
    program: Program,
    state: State,
    past: PastFacts,
    begin: datetime,
    until: datetime,
    mail_policy: MailPolicy = everything_goes,
    leave_at: datetime | None = None,
    key: str = "",
    data: Mapping[str, Any] | None = None,
    splits: KnownSplits = NO_SPLITS,
) -> Trace:
    """Run one enrollment from `begin` to `until` (UTC); events at or below the state's cursor fire nothing.

    At `leave_at` the enrollment is ended, since the customer entered anew. `key` and `data` are what guards see of it;
    `splits` are the variants that the customer has already.
    """
    trace, enrollment = Trace(state=state), EnrollmentFacts(entered_at=begin, key=key, data=data or {})
    ahead = Recorded(past.events, until, leave_at)
    simulator = Simulator(program, past, enrollment, mail_policy, trace, splits)
    fresh = replace(state, entered_at=begin, engine=ENGINE_VERSION)
    trace.state = answered(drive(program, fresh, lambda state: next_input(program, state, ahead, until)), simulator)
    return trace


class Recorded:
    """What a recorded history holds ahead, up to `until`, or up to the instant at which the enrollment is ended.

    The history may grow meanwhile by what follows from steps.
    """

    def __init__(self, events: Sequence[RecordedEvent], until: datetime, leave_at: datetime | None) -> None:
        self._events, self._until, self._leave_at = events, until, leave_at
        self._leave = Leave(at=leave_at, reason="restarted") if leave_at is not None and leave_at <= until else None

    def event(self, above: int, names: Sequence[str]) -> EventArrived | None:
        """The first event above this number that one of the names tells."""
        wanted = frozenset(names)
        for event in self._above(above):
            if is_heard(wanted, event.name):
                return EventArrived(at=event.at, seq=event.seq, name=event.name)
        return None

    def halted(self, stage: str) -> None:
        """A recorded journey is never paused."""

    def control(self) -> Control | None:
        """The end of the enrollment, where the customer entered anew."""
        return self._leave

    def addressed(self, above: int) -> datetime | None:
        """The instant of the first event above this number that says an address."""
        later = self._above(above)
        return next((one.at for one in later if one.name == IDENTIFY and one.properties.get("email")), None)

    def seq_by(self, above: int, at: datetime) -> int:
        """The number up to which all events had come by this instant."""
        for event in self._above(above):
            if event.at > at:
                break
            above = event.seq
        return above

    def _above(self, number: int) -> Iterator[RecordedEvent]:
        for event in islice(self._events, bisect_right(self._events, number, key=_number), None):
            if event.at <= self._until if self._leave_at is None else event.at < self._leave_at:
                yield event


class Simulator:
    """Answers the machine from what is known of the past, at once, and keeps what happened in a trace.

    Sends that are `in_ledger` make no mail, as in production: they are done, and the way goes on behind them.
    """

    def __init__(
        self,
        program: Program,
        past: PastFacts,
        enrollment: EnrollmentFacts,
        mail_policy: MailPolicy,
        trace: Trace,
        splits: KnownSplits = NO_SPLITS,
        in_ledger: frozenset[SendVisit] = NOTHING_SENT,
    ) -> None:
        self._program, self._past, self._enrollment = program, past, enrollment
        self._mail_policy, self._trace, self._splits = mail_policy, trace, splits
        self._in_ledger = in_ledger

    def __call__(self, decisions: Sequence[Decide], question: Question | None) -> Answer | None:
        """The answer to a question, once what its decisions change of the customer is changed."""
        self._trace.decisions += decisions
        for one in decisions:
            if one.what == "attributes_set":
                self._set(one)
        match question:
            case Ask():
                return self._facts(question)
            case Plan():
                return self._planned(question)
            case Assign():
                return split_answers.assigned(self._program, question, self._splits)
            case None:
                return None
            case _:
                assert_never(question)

    def _set(self, record: Decide) -> None:
        """What a step gives comes behind the events before it, and computes from them."""
        known = self._past.known(record.detail["seq"])
        given = set_values.values(record, known, self._enrollment).attributes
        self._past.given(given, record.detail["seq"], record.at)

    def _facts(self, ask: Ask) -> Facts:
        known, event = self._past.known(ask.seq), self._past.happened(ask.event)
        facts, asked = answers.answer(self._program, ask, known, event, self._enrollment)
        self._trace.asked.append((ask, asked))
        return facts

    def _planned(self, plan: Plan) -> Planned:
        if (plan.step, plan.visit) in self._in_ledger:
            return Planned(number=plan.number, at=plan.at, outcome="planned")
        send = self._program.nodes[NodeId(plan.step)]
        assert isinstance(send, SendNode)
        verdict = self._mail_policy(send.terms, plan, self._past.known(plan.seq))
        self._trace.mails.append(SimulatedMail(plan=plan, template=send.template, verdict=verdict))
        match verdict:
            case Allowed():
                self._trace.planned.append(plan)
                return Planned(number=plan.number, at=plan.at, outcome="planned")
            case Deferred(until=until, reason=reason):
                due, awaits = awaited.still_due(reason, plan.due), awaited.AWAITED.get(reason)
                return Planned(number=plan.number, at=plan.at, outcome="deferred", until=until, due=due, awaits=awaits)
            case Skipped():
                return Planned(number=plan.number, at=plan.at, outcome="skipped")
