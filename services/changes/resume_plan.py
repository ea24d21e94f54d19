"""What the resume of a paused journey, stage or enrollment would send, before anybody resumes it.

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
from journeys.machine.commands import Decide
from journeys.machine.drive import answered, drive
from journeys.machine.state import State
from journeys.program.nodes import NodeId, SendNode
from journeys.program.program import Program
from journeys.rules import policy
from journeys.rules.policy import ALLOWED, Deferred, Verdict
from journeys.simulation.forecast import PresentFacts
from journeys.simulation.simulator import Simulator, Trace
from services.changes.planning import standings
from services.changes.planning.counted import EXAMPLES
from services.changes.resuming import Post, Resumed, ResumeScope, Resuming
from services.definitions.journey_versions import journeys
from services.enrollments.waking.effects import EXITING, PRE_EMPTING
from services.errors import NotFound
from services.installation import installation_settings
from services.messages.deciding.eligibility import Recipients
from store.queries.enrollment import enrollments, live_enrollments
from store.queries.enrollment.live_enrollments import EnrollmentRow
from store.queries.identity import customers
from store.queries.mails import enrollment_mail
from store.tables.messages import Message

PAGE = 500
"""Enrollments that are read at once."""

MOST = 20_000
"""Enrollments that are looked at: a minute at most. Where there are more, the answer says that it is not complete."""

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


EVERYTHING = ResumeScope()
"""The whole journey, each mail by its step."""


def is_paused(session: Session, key: str, scope: ResumeScope = EVERYTHING) -> bool:
    """Whether that is paused which would be resumed; raise NotFound."""
    journey = journeys.get(session, key)
    if scope.enrollment is not None:
        return any(one.paused_by == "person" for one in _of_one(session, key, scope.enrollment))
    return journey.paused_at is not None if scope.stage is None else scope.stage in journey.paused_stages


def of_journey(session: Session, key: str, now: datetime, scope: ResumeScope = EVERYTHING) -> ResumePlan:
    """Of everybody whom the pause holds, or would at their next wake. Raise NotFound."""
    journey, only = journeys.get(session, key), scope.enrollment
    ends = scope.stage is None and only is None  # what is paused beside stays so
    paused = None if journey.paused_at and not ends else {*journey.paused_stages} - {scope.stage}
    resuming = Resuming(scope=scope, paused=paused, settings=installation_settings.load(session), now=now)
    plan, after = ResumePlan(), ""
    while those := live_enrollments.page(session, key, after, PAGE) if only is None else _of_one(session, key, only):
        if plan.looked_at + len(those) > MOST:
            plan.complete = False
            break
        _page(session, plan, resuming, [one for one in those if resuming.frees(one.id, one.paused_by, one.stage)])
        after = those[-1].id
        if only is not None:
            break
    _held(session, plan, key, resuming)
    return plan


def _of_one(session: Session, key: str, enrollment: str) -> Sequence[EnrollmentRow]:
    """The one enrollment, in a list; raise NotFound where this journey has no such live one."""
    found = [one for one in live_enrollments.by_ids(session, [enrollment]) if one.journey == key]
    if not found:
        raise NotFound(f"nobody is under way in {key!r} by the enrollment {enrollment!r}")
    return found


def _page(session: Session, plan: ResumePlan, resuming: Resuming, those: Sequence[EnrollmentRow]) -> None:
    now = resuming.now
    found = standings.of(session, those, ())
    stands = {key: one for key, one in found.items() if isinstance(one, Standing)}
    plan.complete &= len(stands) == len(found)
    people = {one.id: one for one in customers.by_ids(session, {one.customer_id for one in those})}
    plan.looked_at += len(those)
    acting = [
        one for one in those if one.id in stands and _acts(stands[one.id].state, people[one.customer_id].seq, now)
    ]
    recipients = Recipients(session, [people[one.customer_id] for one in acting], resuming.settings, now)
    for one in acting:
        customer = people[one.customer_id]
        program = journeys.compiled(session, one.digest)
        post = Post(session, recipients, customer, one.id, program.priority, resuming)
        _run_on(plan, program, stands[one.id], Resumed(session, customer, stands[one.id].state, resuming), post)


def _run_on(plan: ResumePlan, program: Program, stands: Standing, run: Resumed, post: Post) -> None:
    """What one enrollment does up to its next wait."""
    trace = Trace(state=stands.state)
    simulator = Simulator(
        program,
        PresentFacts(stands.known, run.recorded),
        stands.enrollment,
        post,
        trace,
        stands.splits,
        stands.in_ledger,
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


def _fate(verdict: Verdict, back: str | None) -> tuple[str, str | None]:
    if back is not None:
        return "skip", back
    if verdict == ALLOWED:
        return "send", None
    assert not isinstance(verdict, policy.Allowed)
    return "later" if isinstance(verdict, Deferred) else "skip", verdict.reason


# -- what is planned already -------------------------------------------------------------------------------------------


def _held(session: Session, plan: ResumePlan, key: str, resuming: Resuming) -> None:
    """The mails that wait in their lane for the end of the pause."""
    now = resuming.now
    for found in _pages_of_held(session, key, now):
        people = {one.id: one for one in customers.by_ids(session, {one.customer_id for one in found})}
        recipients = Recipients(session, list(people.values()), resuming.settings, now)
        stopped = enrollments.by_ids(session, {one.enrollment_id for one in found if one.enrollment_id})
        for one in found:
            own, customer = stopped.get(one.enrollment_id or ""), people.get(one.customer_id)
            node = journeys.compiled(session, one.digest).nodes.get(NodeId(one.step))
            if customer is None or not isinstance(node, SendNode):
                continue
            if not resuming.frees(one.enrollment_id, own.paused_by if own else None, one.stage):
                continue
            who = recipients.recipient(customer, one.topic, one.email, besides=one.enrollment_id)
            limits = recipients.limits(customer.id, one.topic)
            verdict = policy.decide(resuming.terms(node.terms), who, due=one.due, now=now, limits=limits)
            fate = _fate(verdict, plan.why_back(one.enrollment_id or "", one.visit))
            plan.add((one.stage, one.step, one.template, *fate), one.enrollment_id or "")


def _pages_of_held(session: Session, key: str, now: datetime) -> Iterator[Sequence[Message]]:
    after = ""
    while found := enrollment_mail.held_by_a_pause(session, key, now, after, PAGE):
        yield found
        after = found[-1].id
