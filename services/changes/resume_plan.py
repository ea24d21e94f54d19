"""What the resume of a paused journey would send, before anybody resumes it.

Each enrollment is run on to its next wait by the core, as its wake would: first the events of the meantime, then what
is overdue, each mail by the policies as they are now and the `late` of its step. What is planned already and held is
asked about too. Nothing is changed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.changes.outcomes import Standing
from journeys.facts.customer_facts import CustomerFacts
from journeys.facts.guards import PROFILE_EVENTS
from journeys.machine.ahead import next_input
from journeys.machine.commands import Decide, Plan
from journeys.machine.drive import answered, drive
from journeys.machine.inputs import Control, EventArrived, Input, Resume
from journeys.machine.state import State
from journeys.program.nodes import NodeId, SendNode, is_heard
from journeys.program.program import Program
from journeys.program.send_terms import SendTerms
from journeys.rules import policy
from journeys.rules.policy import ALLOWED, Deferred, Verdict
from journeys.simulation.forecast import PresentFacts
from journeys.simulation.simulator import RecordedEvent, Simulator, Trace
from services.changes import standings
from services.changes.counted import EXAMPLES
from services.definitions import journeys
from services.enrollments.effects import EXITING, PRE_EMPTING
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings
from services.messages.eligibility import Recipients
from store.queries import customers, enrollment_mail, enrollments, events, live_enrollments
from store.queries.live_enrollments import EnrollmentRow
from store.tables.customers import Customer
from store.tables.messages import Message

PAGE = 500
"""Enrollments that are read at once."""

MOST = 20_000
"""Enrollments that are looked at: a minute at most. Where there are more, the answer says that it is not complete."""

EVENTS = 200
"""Events of the meantime that are looked at, of one customer."""

MailFate = tuple[str, str, str, str, str | None]
"""Stage, step, template, what becomes of the mail (send, later, skip), and why not at once."""


@dataclass(slots=True)
class ResumePlan:
    """What a resume leads to: mails by their fate, each with some enrollments; `leave` are those who go elsewhere."""

    looked_at: int = 0
    overdue: int = 0
    leave: int = 0
    complete: bool = True
    mails: Counter[MailFate] = field(default_factory=Counter[MailFate])
    examples: dict[MailFate, list[str]] = field(default_factory=dict[MailFate, list[str]])
    taken_back: dict[tuple[str, int | None], str] = field(default_factory=dict[tuple[str, int | None], str])
    """Why mails of an enrollment's visit (None: of every one) are taken back unsent, since it leaves."""

    def why_back(self, enrollment: str, visit: int) -> str | None:
        """Why a mail of this visit is taken back; None where it is not."""
        return self.taken_back.get((enrollment, visit)) or self.taken_back.get((enrollment, None))

    def add(self, fate: MailFate, enrollment: str) -> None:
        """One more mail."""
        self.mails[fate] += 1
        known = self.examples.setdefault(fate, [])
        if len(known) < EXAMPLES:
            known.append(enrollment)

    def as_json(self) -> dict[str, Any]:
        """The most frequent first."""
        totals = Counter[str]()
        for fate, count in self.mails.items():
            totals[fate[3]] += count
        names = ("stage", "step", "template", "outcome", "reason")
        return {
            "customers": self.looked_at,
            "overdue": self.overdue,
            "leave": self.leave,
            "complete": self.complete,
            "totals": {name: totals[name] for name in ("send", "later", "skip")},
            "mails": [
                dict(zip(names, fate, strict=True)) | {"count": count, "examples": self.examples[fate]}
                for fate, count in self.mails.most_common()
            ],
        }


def of_journey(session: Session, key: str, now: datetime) -> ResumePlan:
    """Of everybody whom the journey's pause holds, or would at their next wake. Raise NotFound."""
    journeys.get(session, key)
    plan, settings, after = ResumePlan(), installation_settings.load(session), ""
    while those := live_enrollments.page(session, key, after, PAGE):
        if plan.looked_at + len(those) > MOST:
            plan.complete = False
            break
        _page(session, plan, [one for one in those if one.paused_by in (None, "journey")], settings, now)
        after = those[-1].id
    _held(session, plan, key, settings, now)
    return plan


def _page(
    session: Session, plan: ResumePlan, those: Sequence[EnrollmentRow], settings: InstallationSettings, now: datetime
) -> None:
    found = standings.of(session, those, ())
    stands = {key: one for key, one in found.items() if isinstance(one, Standing)}
    plan.complete &= len(stands) == len(found)
    people = {one.id: one for one in customers.by_ids(session, {one.customer_id for one in those})}
    plan.looked_at += len(those)
    acting = [
        one for one in those if one.id in stands and _acts(stands[one.id].state, people[one.customer_id].seq, now)
    ]
    recipients = Recipients(session, [people[one.customer_id] for one in acting], settings, now)
    for one in acting:
        customer = people[one.customer_id]
        program, post = journeys.compiled(session, one.digest), _Post(recipients, customer, one.id, now)
        _run_on(plan, program, stands[one.id], _Resumed(session, customer, stands[one.id].state, now), post)


def _run_on(plan: ResumePlan, program: Program, stands: Standing, run: "_Resumed", post: "_Post") -> None:
    """What one enrollment does up to its next wait."""
    trace = Trace(state=stands.state)
    simulator = Simulator(
        program, PresentFacts(stands.known, run.recorded), stands.enrollment, post, trace, stands.splits
    )
    reached = answered(drive(program, stands.state, lambda state: run.following(program, state)), simulator)
    plan.overdue += run.acted
    plan.leave += reached.ended or reached.visit != stands.state.visit
    plan.taken_back.update({(post.enrollment, visit): why for visit, why in _back(trace.decisions)})
    for mail in trace.mails:
        fate = _fate(mail.verdict, plan.why_back(post.enrollment, mail.plan.visit))
        plan.add((mail.plan.stage, mail.plan.step, mail.template, *fate), post.enrollment)


def _back(decisions: Sequence[Decide]) -> Iterator[tuple[int | None, str]]:
    """Whose unsent mails these take back, as `effects` does: of which visit (None: of all), and why."""
    for one in decisions:
        if one.what == "moved" and one.detail["cause"] in PRE_EMPTING:
            yield one.visit, "pre_empted"
        elif one.what == "ended" and one.detail["cause"] in EXITING:
            yield None, "exited"


def _acts(state: State, seq: int, now: datetime) -> bool:
    """Whether it may do anything at once where it goes on: something is overdue, or has happened meanwhile."""
    at = state.changed(paused=False).wakes_at
    return state.phase == "new" or seq > state.cursor or (at is not None and at <= now)


class _Resumed:
    """What lies ahead of an enrollment that goes on now: `journeys.machine.ahead.Ahead`."""

    def __init__(self, session: Session, customer: Customer, state: State, now: datetime) -> None:
        found = events.whole_ahead(session, customer.id, state.cursor, EVENTS) if customer.seq > state.cursor else ()
        self.recorded = [
            RecordedEvent(seq=one.seq, name=one.name, at=min(one.received_at, now), properties=one.properties)
            for one in found
        ]
        self.acted = False
        self._resume: Control | None = Resume(at=now) if state.paused else None
        self._reachable = customer.email is not None
        self._last, self._now = customer.seq, now

    def following(self, program: Program, state: State) -> Input | None:
        """What comes next; the resume comes once."""
        given = next_input(program, state, self, self._now)
        if isinstance(given, Resume):
            self._resume = None
        elif given is not None:
            self.acted = True
        return given

    def halted(self) -> bool:
        """Not any more."""
        return False

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
class _Post:
    """The policies of production, now, for one enrollment's mails."""

    recipients: Recipients
    customer: Customer
    enrollment: str
    now: datetime

    def __call__(self, terms: SendTerms, asked: Plan, known: CustomerFacts) -> Verdict:
        who = self.recipients.recipient(self.customer, terms.topic, besides=self.enrollment)
        limits = self.recipients.limits(self.customer.id, terms.topic)
        return policy.decide(terms, who, due=asked.due, now=self.now, limits=limits)


def _fate(verdict: Verdict, back: str | None) -> tuple[str, str | None]:
    if back is not None:
        return "skip", back
    if verdict == ALLOWED:
        return "send", None
    assert not isinstance(verdict, policy.Allowed)
    return "later" if isinstance(verdict, Deferred) else "skip", verdict.reason


# -- what is planned already -------------------------------------------------------------------------------------------


def _held(session: Session, plan: ResumePlan, key: str, settings: InstallationSettings, now: datetime) -> None:
    """The mails that wait in their lane for the end of the pause."""
    for found in _pages_of_held(session, key, now):
        people = {one.id: one for one in customers.by_ids(session, {one.customer_id for one in found})}
        recipients = Recipients(session, list(people.values()), settings, now)
        stopped = enrollments.by_ids(session, {one.enrollment_id for one in found if one.enrollment_id})
        for one in found:
            own, customer = stopped.get(one.enrollment_id or ""), people.get(one.customer_id)
            node = journeys.compiled(session, one.digest).nodes.get(NodeId(one.step))
            if customer is None or not isinstance(node, SendNode) or (own is not None and own.paused_by == "person"):
                continue
            who = recipients.recipient(customer, one.topic, one.email, besides=one.enrollment_id)
            limits = recipients.limits(customer.id, one.topic)
            verdict = policy.decide(node.terms, who, due=one.due, now=now, limits=limits)
            fate = _fate(verdict, plan.why_back(one.enrollment_id or "", one.visit))
            plan.add((one.stage, one.step, one.template, *fate), one.enrollment_id or "")


def _pages_of_held(session: Session, key: str, now: datetime) -> Iterator[Sequence[Message]]:
    after = ""
    while found := enrollment_mail.held_by_a_pause(session, key, now, after, PAGE):
        yield found
        after = found[-1].id
