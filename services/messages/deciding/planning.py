"""Planning a mail: its row in the ledger, and whether it may go, by every policy there is.

The id is made of enrollment, step and visit, and is the row's primary key: whatever is repeated, one mail is one row.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from sqlmodel import Session

from journeys.facts import touches
from journeys.machine.commands import Plan
from journeys.machine.inputs import Planned
from journeys.program.nodes import NodeId, SendNode
from journeys.program.program import Program
from journeys.rules import awaited, policy
from journeys.rules.policy import ALLOWED, Allowed, Deferred, Skipped, Verdict
from services.definitions.journey_versions import template_pins
from services.definitions.pausing import told_at_resume
from services.installation import installation_settings
from services.messages.deciding import eligibility
from services.messages.deciding.eligibility import Recipients
from services.messages.deciding.step_messages import PlanOutcome, message_row
from services.messages.deciding.withdrawing import withdraw
from store.ids import message_of_step
from store.queries.mails import messages
from store.queries.sending.lanes import JOURNEY, TRANSACTIONAL
from store.statuses import CLAIMABLE, MessageStatus
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment

_OUTCOME: Mapping[MessageStatus, Literal["planned", "deferred", "skipped"]] = {
    MessageStatus.PLANNED: "planned",
    MessageStatus.DEFERRED: "deferred",
    MessageStatus.SKIPPED: "skipped",
}
NOTHING_MORE: Mapping[str, Any] = {}
"""What a decision says beside its reason, where there is nothing to say."""


def plan(
    session: Session,
    program: Program,
    customer: Customer,
    enrollment: Enrollment,
    asked: Plan,
    now: datetime,
    among: Callable[[], Recipients],
) -> tuple[Planned, dict[str, Any], str]:
    """Decide on the mail of a step; return the answer, the decision's detail and its kind.

    The customer's lock is held; `among` finds how all stand whose locks are, as of now. A mail that a lane has claimed
    already keeps its fate, whatever is asked about it again.
    """
    send = program.nodes[NodeId(asked.step)]
    assert isinstance(send, SendNode)
    name = message_of_step(enrollment.id, asked.step, asked.visit)
    message = messages.locked(session, name)
    if message is not None and message.status not in CLAIMABLE:
        skipped = message.status == MessageStatus.SKIPPED
        known = PlanOutcome(status=message.status, reason=message.reason) if skipped else PlanOutcome()
        return _outcome(name, send, asked, known, now)
    settings = installation_settings.load(session)
    terms = told_at_resume.terms(session, send.terms, enrollment, asked.stage, asked.due, now)
    stands = among()
    if not stands.knows(customer):  # whose address has changed on the way
        stands = Recipients(session, [customer], settings, now)
    who = stands.recipient(customer, terms.topic, besides=enrollment.id)
    rivals = eligibility.rivals(session, customer, name) if stands.capped(terms.topic) else []
    ahead = [one for one in rivals if one.priority >= program.priority]
    limits = stands.limits(customer.id, terms.topic, ahead)
    asked = replace(asked, due=awaited.due_since(asked.due, asked.ready, who.email))
    verdict, past = policy.decide(terms, who, due=asked.due, now=now, limits=limits, awaits_address=True), NOTHING_MORE
    if enrollment.sent_past == name and not isinstance(verdict, Allowed):
        terms, limits = policy.let_past(terms, limits)
        held, verdict = verdict, policy.decide(terms, who, due=asked.due, now=now, limits=limits, awaits_address=True)
        past = {"past": held.reason} if verdict == ALLOWED else NOTHING_MORE
    free = policy.transactional(terms, limits)
    if verdict == ALLOWED and not free:
        for rival in eligibility.displaced(limits, [one for one in rivals if one not in ahead]):
            withdraw(session, rival.message, "frequency_cap", now, {"displaced_by": name})
    fate, lane = _fate(verdict, asked, now), TRANSACTIONAL if free else JOURNEY
    if message is None:
        row = message_row(
            program,
            enrollment.id,
            customer.id,
            asked,
            send,
            now,
            fate,
            touches.first_channel(customer.source, customer.attributes),
        )
        row |= {"template_pin": template_pins.pin(session, program, enrollment.version, send.template)}
        messages.add(session, [row | {"lane": lane, "email": customer.email}])
    else:
        message.due, message.not_before, message.email = asked.due, fate.not_before, customer.email
        messages.change(session, message, fate.status, now, reason=fate.reason, lane=lane)
    evidence = stands.evidence(verdict, customer, terms.topic, ahead)
    return _outcome(name, send, asked, fate, now, {**past, **evidence})


def _fate(verdict: Verdict, asked: Plan, now: datetime) -> PlanOutcome:
    match verdict:
        case Allowed():
            return PlanOutcome(not_before=now)
        case Deferred():
            return PlanOutcome(status=MessageStatus.DEFERRED, reason=verdict.reason, not_before=verdict.until)
        case Skipped():
            return PlanOutcome(status=MessageStatus.SKIPPED, reason=verdict.reason)


def _outcome(
    name: str, send: SendNode, asked: Plan, fate: PlanOutcome, now: datetime, why: Mapping[str, Any] = NOTHING_MORE
) -> tuple[Planned, dict[str, Any], str]:
    outcome = _OUTCOME[fate.status]
    until = fate.not_before if outcome == "deferred" else None
    detail: dict[str, Any] = {"message": name, "template": send.template, **why}
    if outcome != "planned":
        detail["reason"] = fate.reason or ""
    if until is not None:
        detail["until"] = until.isoformat()
    due = awaited.still_due(fate.reason, asked.due) if until is not None else None
    awaits = awaited.AWAITED.get(fate.reason or "") if until is not None else None
    return Planned(number=asked.number, at=now, outcome=outcome, until=until, due=due, awaits=awaits), detail, outcome
