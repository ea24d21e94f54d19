"""What comes next for a live enrollment if nothing happens, and what would change it.

The machine runs on from the live state, with the customer as they are now and no events.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from journeys.facts.customer_facts import CustomerFacts, EnrollmentFacts
from journeys.machine.commands import NOTHING_SENT, SendVisit
from journeys.machine.drive import answered, drive
from journeys.machine.inputs import Input, Woke
from journeys.machine.state import State
from journeys.program.nodes import NodeId, StageKey, WaitForNode
from journeys.program.program import OnEvent, Program, When
from journeys.rules.awaited import NO_ADDRESS_YET
from journeys.rules.policy import Deferred, Skipped
from journeys.rules.split_answers import NO_SPLITS, KnownSplits
from journeys.simulation.mail_policies import MailPolicy
from journeys.simulation.simulator import PastFacts, RecordedEvent, SimulatedMail, Simulator, Trace

HORIZON = timedelta(days=730)
"""How far a forecast looks: a win-back of two years is seen, one without an end is not followed for ever."""

MOST = 12
"""Actions that are told: the first of them are asked for."""

TOLD = (
    "moved",
    "ended",
    "timed_out",
    "date_unknown",
    "branched",
    "assigned",
    "held_out",
    "variant_gone",
    "attributes_set",
    "called",
    "notified",
    "enrolling",
)
"""Decisions that are an action; the others are steps on the way to one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that will happen at `at` (UTC), unless one of `unless` comes before."""

    at: datetime
    what: str
    stage: str
    step: str | None
    detail: Mapping[str, Any]
    unless: tuple[str, ...]


class PresentFacts(PastFacts):
    """A customer who stays as they are; `events` are those of which guards may see the properties."""

    def __init__(self, known: CustomerFacts, events: Sequence[RecordedEvent] = ()) -> None:
        super().__init__(events, known.attributes, known.timezone)
        self._known = known

    def known(self, seq: int) -> CustomerFacts:
        """The facts of now, whatever the event."""
        return CustomerFacts(
            attributes=self.attributes,
            aggregates=self._known.aggregates,
            timezone=self.timezone,
            segments=self._known.segments,
            purchases=self._known.purchases,
            model=self._known.model,
            source=self._known.source,
        )


def forecast(
    program: Program,
    state: State,
    known: CustomerFacts,
    now: datetime,
    mail_policy: MailPolicy,
    key: str = "",
    data: Mapping[str, Any] | None = None,
    splits: KnownSplits = NO_SPLITS,
    first: Sequence[Input] = (),
    in_ledger: frozenset[SendVisit] = NOTHING_SENT,
) -> list[Action]:
    """The next actions in the order of their instants, behind the inputs `first`; no mails that are `in_ledger`.

    There are none where the enrollment is paused or has ended.
    """
    if state.ended or state.paused:
        return []
    own = EnrollmentFacts(entered_at=state.entered_at, key=key, data=data or {})
    until = now + HORIZON
    trace = run_on(
        program, state, known, own, mail_policy, now, until, most=MOST, first=first, splits=splits, in_ledger=in_ledger
    )
    return _actions(program, trace)[:MOST]


def run_on(
    program: Program,
    state: State,
    known: CustomerFacts,
    own: EnrollmentFacts,
    mail_policy: MailPolicy,
    now: datetime,
    until: datetime,
    *,
    most: int,
    first: Sequence[Input] = (),
    splits: KnownSplits = NO_SPLITS,
    in_ledger: frozenset[SendVisit] = NOTHING_SENT,
) -> Trace:
    """What happens up to an instant if the customer stays as they are and does nothing, behind the inputs `first`.

    It ends with the wake behind which `most` actions or more are told, and after four times as many wakes.
    """
    trace, begun, wakes = Trace(state=state), iter(first), iter(range(most * 4))
    simulator = Simulator(program, PresentFacts(known), own, mail_policy, trace, splits, in_ledger)

    def following(reached: State) -> Input | None:
        if (given := next(begun, None)) is not None:
            return given
        at = reached.wakes_at
        if at is None or at > until or _length(trace) >= most or next(wakes, None) is None:
            return None
        return Woke(at=max(at, now), seq=reached.cursor)

    trace.state = answered(drive(program, state, following), simulator)
    return trace


def _length(trace: Trace) -> int:
    return len(trace.mails) + sum(one.what in TOLD for one in trace.decisions)


def _actions(program: Program, trace: Trace) -> list[Action]:
    found: list[tuple[int, Action]] = []
    for one in trace.decisions:
        if one.what in TOLD:
            unless = unless_one_of(program, one.stage, one.step)
            action = Action(at=one.at, what=one.what, stage=one.stage, step=one.step, detail=one.detail, unless=unless)
            found.append((one.number, action))
    found += [(mail.plan.number, _mail(program, mail)) for mail in trace.mails]
    return [action for _, action in sorted(found, key=lambda one: one[0])]


def _mail(program: Program, mail: SimulatedMail) -> Action:
    detail: dict[str, Any] = {"template": mail.template}
    what = "send"
    if isinstance(mail.verdict, Skipped):
        what, detail["reason"] = "skip", mail.verdict.reason
    elif isinstance(mail.verdict, Deferred):
        what, detail["reason"], detail["until"] = "defer", mail.verdict.reason, mail.verdict.until.isoformat()
    plan = mail.plan
    unless = unless_one_of(program, plan.stage, plan.step)
    if detail.get("reason") == NO_ADDRESS_YET:
        unless = ("an email address (it is planned again at once)", *unless)
    return Action(at=plan.at, what=what, stage=plan.stage, step=plan.step, detail=detail, unless=unless)


def unless_one_of(program: Program, stage: str, step: str | None) -> tuple[str, ...]:
    """What would lead elsewhere from here: events, with what they lead to, and guards that may turn true."""
    ways = [f"{one.event} (ends the journey)" for one in program.exits]
    for one in program.stages[StageKey(stage)].transitions:
        if isinstance(one.cause, OnEvent):
            condition = f" if {program.guards[one.guard]}" if one.guard else ""
            ways.append(f"{one.cause.event}{condition} (to {one.to})")
        elif isinstance(one.cause, When) and one.guard:
            ways.append(f"{program.guards[one.guard]} (to {one.to})")
    return tuple(dict.fromkeys([*ways, *_waited(program, step)]))


def _waited(program: Program, step: str | None) -> Sequence[str]:
    node = program.nodes.get(NodeId(step)) if step else None
    if not isinstance(node, WaitForNode):
        return ()
    return (node.event,) if node.event else (program.guards[node.guard],) if node.guard else ()
