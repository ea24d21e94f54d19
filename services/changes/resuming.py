"""One enrollment that is let go on: by whose word, what it meets first, and whether its mails go, as its wake sees it.

Nothing is changed. It must not know how many there are, nor what is told of them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from journeys.facts.customer_facts import CustomerFacts
from journeys.facts.guards import PROFILE_EVENTS
from journeys.language.words import Late
from journeys.machine.ahead import next_input
from journeys.machine.commands import Plan
from journeys.machine.inputs import Control, EventArrived, Halting, Input, Pause, Resume
from journeys.machine.state import State
from journeys.program.nodes import is_heard
from journeys.program.program import Program
from journeys.program.send_terms import SendTerms
from journeys.rules import awaited, policy
from journeys.rules.policy import ALLOWED, Verdict
from journeys.simulation.simulator import RecordedEvent
from services.installation.installation_settings import InstallationSettings
from services.messages.deciding import eligibility
from services.messages.deciding.eligibility import Recipients
from store.ids import message_of_step
from store.queries.history import events
from store.tables.customers import Customer

EVENTS = 200
"""Events of the meantime that are looked at, of one customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeScope:
    """What is resumed: a stage, an enrollment, else the whole journey; and what is said of mails that are overdue."""

    stage: str | None = None
    enrollment: str | None = None
    late: Late | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resuming:
    """One resume at `now`: whom it lets go on, and what stays paused behind it (None: everything)."""

    scope: ResumeScope
    paused: Collection[str] | None
    settings: InstallationSettings
    now: datetime

    def halted(self, stage: str) -> Halting | None:
        """Who still pauses everybody in this stage."""
        if self.paused is None:
            return "journey"
        return "stage" if stage in self.paused else None

    def frees(self, enrollment: str | None, paused_by: str | None, stage: str) -> bool:
        """Whether this one goes on."""
        scope = self.scope
        if self.halted(stage) is not None or scope.stage not in (None, stage):
            return False
        return enrollment == scope.enrollment if scope.enrollment else paused_by != "person"

    def terms(self, stated: SendTerms) -> SendTerms:
        """What a mail goes by: of one that is not overdue it makes nothing else."""
        return replace(stated, late=self.scope.late) if self.scope.late else stated


class Resumed:
    """What lies ahead of an enrollment that goes on now: `journeys.machine.ahead.Ahead`."""

    def __init__(self, session: Session, customer: Customer, state: State, resuming: Resuming) -> None:
        now = resuming.now
        found = events.whole_ahead(session, customer.id, state.cursor, EVENTS) if customer.seq > state.cursor else ()
        self.recorded = [
            RecordedEvent(seq=one.seq, name=one.name, at=min(one.received_at, now), properties=one.properties)
            for one in found
        ]
        self.acted = False
        self._resume: Control | None = Resume(at=now) if state.paused else None
        self._reachable = customer.email is not None
        self._last, self._now, self._resuming = customer.seq, now, resuming

    def following(self, program: Program, state: State) -> Input | None:
        """What comes next; the resume comes once."""
        given = next_input(program, state, self, self._now)
        if isinstance(given, Resume):
            self._resume = None
        elif isinstance(given, Pause):
            return given  # it has come to a stage that stays paused
        elif given is not None:
            self.acted = True
        return given

    def halted(self, stage: str) -> Halting | None:
        """What stays paused, which it may come to."""
        return self._resuming.halted(stage)

    def control(self) -> Control | None:
        """The resume."""
        return self._resume

    def event(self, above: int, names: Sequence[str]) -> EventArrived | None:
        """The first event above this number that one of the names tells."""
        heard = frozenset(names)
        found = (one for one in self.recorded if one.seq > above and is_heard(heard, one.name))
        return next((EventArrived(at=one.at, seq=one.seq, name=one.name) for one in found), None)

    def addressed(self, above: int) -> datetime | None:
        """The receipt of the first word about the profile behind `above`; now, where the address came by a merge."""
        if not self._reachable:
            return None
        said = (one.at for one in self.recorded if one.seq > above and one.name in PROFILE_EVENTS)
        return next(said, self._now)

    def seq_by(self, above: int, at: datetime) -> int:
        """The number up to which all events had come by this instant."""
        later = [one.seq for one in self.recorded if one.seq > above and one.at > at]
        return later[0] - 1 if later else max(above, self._last)


@dataclass(frozen=True, slots=True)
class Post:
    """The policies of production, now, for one enrollment's mails."""

    session: Session
    recipients: Recipients
    customer: Customer
    enrollment: str
    priority: int
    resuming: Resuming

    def __call__(self, terms: SendTerms, asked: Plan, known: CustomerFacts) -> Verdict:
        """As `services.messages.deciding.planning` decides; a mail that goes counts for those behind it."""
        who = self.recipients.recipient(self.customer, terms.topic, besides=self.enrollment)
        name, capped = message_of_step(self.enrollment, asked.step, asked.visit), self.recipients.capped(terms.topic)
        rivals = eligibility.rivals(self.session, self.customer, name) if capped else []
        ahead = [one for one in rivals if one.priority >= self.priority]
        limits = self.recipients.limits(self.customer.id, terms.topic, ahead)
        verdict = policy.decide(
            self.resuming.terms(terms), who, due=awaited.due_since(asked.due, asked.ready, who.email),
            now=self.resuming.now, limits=limits, awaits_address=True,
        )  # fmt: skip
        if verdict == ALLOWED:
            self.recipients.goes(self.customer.id, self.customer.email, terms.topic, name)
        return verdict
