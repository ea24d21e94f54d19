"""Planning a mail: the row in the ledger, and whether it may go.

`send_id` is made of enrollment, step and visit, and is the row's primary key: whatever is repeated,
one mail is one row.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlmodel import Session

from journeys.machine.commands import Plan
from journeys.machine.inputs import Planned
from journeys.program.nodes import NodeId, SendNode
from journeys.program.program import Program
from journeys.rules import awaited, policy
from journeys.rules.policy import ALLOWED, Allowed, Deferred, Skipped, Verdict
from services.installation import installation_settings
from services.messages import eligibility
from services.messages.eligibility import Recipients
from store import bulk
from store.queries import decisions, messages
from store.queries.lanes import JOURNEY, TRANSACTIONAL
from store.statuses import CLAIMABLE, MessageStatus
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment
from store.tables.messages import Message
from store.trace_context import CURRENT

_OUTCOME: Mapping[MessageStatus, Literal["planned", "deferred", "skipped"]] = {
    MessageStatus.PLANNED: "planned",
    MessageStatus.DEFERRED: "deferred",
    MessageStatus.SKIPPED: "skipped",
}
OUTCOMES = tuple(_OUTCOME.values())
"""What the core is told of a mail that it planned."""

NOTHING_MORE: Mapping[str, Any] = {}
"""What a decision says beside its reason, where there is nothing to say."""

NAMESPACE = uuid.UUID("6f1d2c0a-51c5-5f0e-9d2b-7a3f0f6b1e11")
"""What names of mails are made under (RFC 9562, version 5). It never changes, or the same step would be another mail.
"""


def send_id(enrollment: str, step: str, visit: int) -> str:
    """The name of a mail for ever: the same step of the same visit is the same mail."""
    return str(uuid.uuid5(NAMESPACE, f"{enrollment}\0{step}\0{visit}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOutcome:
    """What the policies make of a mail: its status, the reason for it, and when it may go (UTC)."""

    status: MessageStatus = MessageStatus.PLANNED
    reason: str | None = None
    not_before: datetime | None = None


def plan(
    session: Session, program: Program, customer: Customer, enrollment: Enrollment, asked: Plan, now: datetime
) -> tuple[Planned, dict[str, Any], str]:
    """Decide on the mail of a step; return the answer, the decision's detail and its kind.

    The customer's lock is held. A mail that a lane has claimed already keeps its fate, whatever is asked about it
    again.
    """
    send = program.nodes[NodeId(asked.step)]
    assert isinstance(send, SendNode)
    name = send_id(enrollment.id, asked.step, asked.visit)
    message = messages.locked(session, name)
    if message is not None and message.status not in CLAIMABLE:
        skipped = message.status == MessageStatus.SKIPPED
        known = PlanOutcome(status=message.status, reason=message.reason) if skipped else PlanOutcome()
        return _outcome(name, send, asked, known, now)
    settings = installation_settings.load(session)
    terms = send.terms
    stands = Recipients(session, [customer], settings, now)
    who = stands.recipient(customer, terms.topic, besides=enrollment.id)
    rivals = eligibility.rivals(session, customer, name) if stands.capped(terms.topic) else []
    ahead = [one for one in rivals if one.priority >= program.priority]
    limits = stands.limits(customer.id, terms.topic, ahead)
    asked = replace(asked, due=awaited.due_since(asked.due, asked.ready, who.email))
    verdict = policy.decide(terms, who, due=asked.due, now=now, limits=limits, awaits_address=True)
    free = policy.transactional(terms, limits)
    if verdict == ALLOWED and not free:
        for rival in eligibility.displaced(limits, [one for one in rivals if one not in ahead]):
            withdraw(session, rival.message, "frequency_cap", now, {"displaced_by": name})
    fate, lane = _fate(verdict, asked, now), TRANSACTIONAL if free else JOURNEY
    if message is None:
        row = message_row(program, enrollment.id, customer.id, asked, send, now, fate)
        messages.add(session, [row | {"lane": lane, "email": customer.email}])
    else:
        message.due, message.not_before, message.email = asked.due, fate.not_before, customer.email
        messages.change(session, message, fate.status, now, reason=fate.reason, lane=lane)
    return _outcome(name, send, asked, fate, now, stands.evidence(verdict, customer, terms.topic, ahead))


def message_row(
    program: Program,
    enrollment_id: str,
    customer_id: str,
    asked: Plan,
    send: SendNode,
    now: datetime,
    fate: PlanOutcome,
) -> bulk.ColumnValues:
    """The columns of a new mail of a step."""
    return messages.row(
        send_id(enrollment_id, asked.step, asked.visit),
        customer_id,
        template=send.template,
        topic=send.terms.topic,
        lane=TRANSACTIONAL if send.terms.transactional else JOURNEY,
        due=asked.due,
        now=now,
        not_before=fate.not_before,
        status=fate.status,
        reason=fate.reason,
        enrollment_id=enrollment_id,
        journey=program.journey,
        digest=program.digest,
        stage=asked.stage,
        step=asked.step,
        visit=asked.visit,
        trace=CURRENT.get(),
    )


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


def withdraw(
    session: Session, message_id: str, reason: str, now: datetime, why: Mapping[str, Any] | None = None
) -> bool:
    """Skip a mail that no lane has claimed, on record, with `why`; False where it is too late, or it is not there."""
    message = messages.locked(session, message_id)
    if message is None or message.status not in CLAIMABLE:
        return False
    decisions.add(session, [skip(session, message, reason, now, why)])
    return True


def withdraw_all(session: Session, found: Sequence[Message], reason: str, now: datetime) -> None:
    """`withdraw` many that the caller has locked, and that no lane has claimed."""
    decisions.add(session, [skip(session, one, reason, now) for one in found])


def skip(
    session: Session, message: Message, reason: str, now: datetime, why: Mapping[str, Any] | None = None
) -> bulk.ColumnValues:
    """Skip a mail that is locked and not claimed; return the decision, to be put on record."""
    message.not_before = None
    messages.change(session, message, MessageStatus.SKIPPED, now, reason=reason)
    detail = {"message": message.id, "template": message.template, "reason": reason, **(why or {})}
    return decisions.about(message, "skipped", detail, now)
