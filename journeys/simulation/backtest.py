"""Many customers through a journey on a virtual clock, and what came of it in numbers.

A customer enters by the triggers and re-entry rules that hold in production; each enrollment is the simulator's.
Totals add up, so that parts of a cohort can be worked out side by side.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from journeys.facts.customer_facts import EventFacts
from journeys.machine.state import State
from journeys.program.program import Program
from journeys.rules import entry_rules
from journeys.rules.entry_rules import LastEnrollment
from journeys.rules.policy import Allowed, Deferred, Skipped
from journeys.rules.split_answers import NO_SPLITS, KnownSplits
from journeys.simulation.mail_policies import MailPolicy
from journeys.simulation.simulator import PastFacts, RecordedEvent, Trace, simulate
from value.value_model import NO_FIT, ValueModel

ENTRY = ""
"""Where an entry comes from, as if it were a stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerHistory:
    """One customer: what was known of them at first, and what happened, in the order of its instants.

    `own_id` is what guards see as `customer.id`, where that is not the `id` by which splits divide.
    """

    id: str
    events: Sequence[RecordedEvent]
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    timezone: str | None = None
    model: ValueModel = NO_FIT
    source: Mapping[str, Any] = field(default_factory=dict[str, Any])
    own_id: str | None = None

    def facts(self) -> PastFacts:
        """The facts at each instant of this history, from its beginning; `model` and `source` are today's."""
        return PastFacts(
            list(self.events), {**self.attributes, "id": self.own_id or self.id}, self.timezone, self.model, self.source
        )


MOST_TOLD = 1_000
"""Customers whose path failed that are told one by one; all are counted. Nobody reads more, and each holds a traceback.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedHistory:
    """A customer, the so-and-so-manieth from 1, whose path raised what nobody expects; nothing of theirs is counted.

    `error` is its type's name, and `traceback` is for a log: as texts, since they come from other processes.
    """

    number: int
    customer: str
    error: str
    traceback: str


@dataclass(slots=True)
class Totals:
    """What came of it. Counters of counters are by day (UTC)."""

    customers: int = 0
    enrolled: int = 0
    stages: Counter[str] = field(default_factory=Counter[str])
    ended: Counter[str] = field(default_factory=Counter[str])
    movements: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    messages: Counter[str] = field(default_factory=Counter[str])
    skipped: Counter[str] = field(default_factory=Counter[str])
    deferred: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    converted: int = 0
    mails_by_day: dict[date, Counter[str]] = field(default_factory=dict[date, Counter[str]])
    moves_by_day: dict[date, Counter[str]] = field(default_factory=dict[date, Counter[str]])
    failed: int = 0
    failures: list[FailedHistory] = field(default_factory=list[FailedHistory])

    def fail(self, customer: str, error: Exception) -> None:
        """One customer more, whose path raised this."""
        self.customers += 1
        self.failed += 1
        if len(self.failures) < MOST_TOLD:
            lines = "".join(traceback.format_exception(error))
            kind = type(error).__name__
            self.failures.append(FailedHistory(number=self.customers, customer=customer, error=kind, traceback=lines))

    def add(self, other: "Totals") -> None:
        """Take another part of the cohort in, which comes behind this one."""
        room = MOST_TOLD - len(self.failures)
        self.failures += [replace(one, number=self.customers + one.number) for one in other.failures[:room]]
        self.failed += other.failed
        self.customers += other.customers
        self.enrolled += other.enrolled
        self.converted += other.converted
        for name in ("stages", "ended", "movements", "messages", "skipped", "deferred", "refused"):
            getattr(self, name).update(getattr(other, name))
        for name in ("mails_by_day", "moves_by_day"):
            mine = getattr(self, name)
            for day, counts in getattr(other, name).items():
                mine.setdefault(day, Counter()).update(counts)

    def stages_by_day(self) -> dict[date, dict[str, int]]:
        """How many customers stood in each stage at the end of each day."""
        standing, days = Counter[str](), sorted(self.moves_by_day)
        table: dict[date, dict[str, int]] = {}
        for offset in range((days[-1] - days[0]).days + 1 if days else 0):
            day = days[0] + timedelta(days=offset)
            for stage, change in self.moves_by_day.get(day, Counter[str]()).items():
                standing[stage] += change
            table[day] = {stage: count for stage, count in standing.items() if count}
        return table

    def as_json(self) -> dict[str, Any]:
        """The numbers as `--json` and the API show them."""
        return {
            "customers": self.customers,
            "failed": self.failed,
            "enrolled": self.enrolled,
            "stages": dict(self.stages),
            "ended": dict(self.ended),
            "movements": {f"{source}->{target}": count for (source, target), count in sorted(self.movements.items())},
            "messages": dict(sorted(self.messages.items())),
            "skipped": dict(sorted(self.skipped.items())),
            "deferred": dict(sorted(self.deferred.items())),
            "refused": dict(sorted(self.refused.items())),
            "converted": self.converted,
            "mails_by_day": {day.isoformat(): dict(counts) for day, counts in sorted(self.mails_by_day.items())},
            "stages_by_day": {day.isoformat(): counts for day, counts in self.stages_by_day().items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedEnrollment:
    """One enrollment of one customer: its key, the event that started it, and all that happened."""

    key: str
    event: RecordedEvent
    trace: Trace


def facts_of(event: RecordedEvent) -> EventFacts:
    """The event as guards see it."""
    return EventFacts(name=event.name, properties=event.properties, at=event.at)


NEVER_IN: Mapping[str, LastEnrollment] = {}
"""A customer who was never in the journey."""

NameEnrollment = Callable[[CustomerHistory, RecordedEvent], str]
"""Gives the enrollment that an event starts its id."""


def by_event(history: CustomerHistory, event: RecordedEvent) -> str:
    """An id that is the same in each simulation."""
    return f"{history.id}/{event.seq}"


def totals(program: Program, histories: Iterable[CustomerHistory], until: datetime, mail_policy: MailPolicy) -> Totals:
    """All customers through the journey up to `until` (UTC), counted."""
    found = Totals()
    for history in histories:
        found.customers += 1
        for enrollment in enrollments(program, history, until, mail_policy, found.refused):
            _count(found, program, enrollment.trace)
    return found


def enrollments(
    program: Program,
    history: CustomerHistory,
    until: datetime,
    mail_policy: MailPolicy,
    refused: Counter[str] | None = None,
    name: NameEnrollment = by_event,
    earlier: Mapping[str, LastEnrollment] = NEVER_IN,
    splits: KnownSplits = NO_SPLITS,
) -> list[SimulatedEnrollment]:
    """Each enrollment of one customer, in the order of their starts; `refused` counts by reason why there was none.

    `earlier` has the last enrollment of each key that the customer really had: what happened up to its end is no
    matter any more, and one that is live goes on. `splits` are the variants that they have already.
    """
    past, last, found = history.facts(), dict[str, _Enrollment](), list[_Enrollment]()
    for event in history.events:
        if event.at > until:
            break
        if not entry_rules.triggers(program, event.name, event.properties):
            continue
        key = entry_rules.key_of(program, facts_of(event))
        before, real = last.get(key or ""), earlier.get(key or "")
        if before is None and real is not None and (real.live or real.ended_at is None or event.at <= real.ended_at):
            continue
        stood = before.as_of(event.at) if before is not None else real
        reason = _refusal(program, past, event, key, stood)
        if reason is not None or key is None:
            if refused is not None:
                refused[reason or ""] += 1
            continue
        if before is not None:
            before.stop(event.at)
        last[key] = _Enrollment(program, history, event, key, until, mail_policy, name(history, event), splits)
        found.append(last[key])
    return [SimulatedEnrollment(key=one.key, event=one.event, trace=one.trace()) for one in found]


def _refusal(
    program: Program, past: PastFacts, event: RecordedEvent, key: str | None, stood: LastEnrollment | None
) -> str | None:
    """Why a trigger's event lets nobody in: a key of `entry_rules.REFUSALS`, or None."""
    if not entry_rules.triggered(program, past.known(event.seq), facts_of(event), event.at).enters:
        return "guard_false"
    if key is None:
        return "no_key"
    return entry_rules.refusal(program, stood, event.at)


class _Enrollment:
    """An enrollment that has begun; it is worked out when somebody wants to know how it ends."""

    def __init__(
        self,
        program: Program,
        history: CustomerHistory,
        event: RecordedEvent,
        key: str,
        until: datetime,
        mail_policy: MailPolicy,
        name: str,
        splits: KnownSplits,
    ) -> None:
        self.history, self.event, self.key = history, event, key
        self._program, self._until, self._mail_policy, self._name = program, until, mail_policy, name
        self._splits = splits
        self._stopped_at: datetime | None = None
        self._trace: Trace | None = None

    def stop(self, at: datetime) -> None:
        """The customer entered again, which ends this enrollment if it is still live (reentry: always)."""
        if self.as_of(at).live:
            self._stopped_at, self._trace = at, None

    def as_of(self, at: datetime) -> LastEnrollment:
        """How it stood at an instant."""
        state = self.trace().state
        ended = state.ended and state.clock is not None and state.clock <= at
        return LastEnrollment(live=not ended, ended_at=state.clock if ended else None)

    def trace(self) -> Trace:
        """What happens in it."""
        if self._trace is None:
            state = State(customer=self.history.id, enrollment=self._name, cursor=self.event.seq)
            self._trace = simulate(
                self._program,
                state,
                self.history.facts(),
                self.event.at,
                self._until,
                self._mail_policy,
                leave_at=self._stopped_at,
                key=self.key,
                data=entry_rules.data_of(facts_of(self.event)),
                splits=self._splits,
            )
        return self._trace


def _count(totals: Totals, program: Program, trace: Trace) -> None:
    state = trace.state
    totals.enrolled += 1
    assert state.entered_at is not None
    totals.movements[ENTRY, program.start] += 1
    _move(totals, state.entered_at.date(), None, program.start)
    for one in trace.decisions:
        if one.what == "moved":
            target = str(one.detail["to"])
            totals.movements[one.stage, target] += 1
            _move(totals, one.at.date(), one.stage, target)
        elif one.what == "converted":
            totals.converted += 1
        elif one.what == "ended":
            _move(totals, one.at.date(), one.stage, None)
    if state.ended:
        totals.ended[state.reason or ""] += 1
    else:
        totals.stages[state.stage] += 1
    for mail in trace.mails:
        match mail.verdict:
            case Allowed():
                totals.messages[mail.template] += 1
                totals.mails_by_day.setdefault(mail.plan.at.date(), Counter())[mail.template] += 1
            case Skipped(reason=reason):
                totals.skipped[reason] += 1
            case Deferred(reason=reason):
                totals.deferred[reason] += 1


def _move(totals: Totals, day: date, source: str | None, target: str | None) -> None:
    counts = totals.moves_by_day.setdefault(day, Counter())
    if source is not None:
        counts[source] -= 1
    if target is not None:
        counts[target] += 1
