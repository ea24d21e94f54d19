"""Planning a mail: the row in the ledger, and whether it may go.

`send_id` is made of enrollment, step and visit, and is the row's primary key: whatever is repeated,
one mail is one row.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from journeys.machine.commands import Plan
from journeys.machine.inputs import Planned
from journeys.program.program import NodeId, Program, Send
from journeys.rules import policy
from journeys.rules.policy import ALLOWED, Allowed, Deferred, Skipped, Verdict
from services.installation import installation_settings
from services.messages import eligibility
from services.messages.eligibility import Standing
from store.queries import decisions
from store.statuses import CLAIMABLE, MessageStatus
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment
from store.tables.messages import Message
from store.trace_context import CURRENT

OUTCOMES = ("planned", "deferred", "skipped")
HOLD = timedelta(seconds=5)

NAMESPACE = uuid.UUID("6f1d2c0a-51c5-5f0e-9d2b-7a3f0f6b1e11")


def send_id(enrollment: str, step: str, visit: int) -> str:
    """The name of a mail for ever: the same step of the same visit is the same mail."""
    return str(uuid.uuid5(NAMESPACE, f"{enrollment}\0{step}\0{visit}"))


def plan(
    session: Session, program: Program, customer: Customer, enrollment: Enrollment, asked: Plan, now: datetime
) -> tuple[Planned, dict[str, Any], str]:
    """Decide on the mail of a step; return the answer, the decision's detail and its kind."""
    send = program.nodes[NodeId(asked.step)]
    assert isinstance(send, Send)
    message = session.get(Message, send_id(enrollment.id, asked.step, asked.visit))
    if message is None:
        message = Message(**message_row(program, enrollment.id, customer.id, asked, send, now))
    elif message.status not in CLAIMABLE and message.reason != "pre_empted":
        return _outcome(message, asked, now, "planned")
    settings = installation_settings.load(session)
    terms = send.terms
    stands = Standing(session, [customer], settings, now)
    who = stands.recipient(customer, terms.topic)
    rivals = eligibility.rivals(session, customer.id, message.id) if stands.capped(terms.topic) else []
    ahead = [one for one in rivals if one.priority >= program.priority]
    limits = stands.limits(customer.id, terms.topic, ahead)
    verdict = policy.decide(terms, who, due=asked.due, now=now, limits=limits)
    free = policy.transactional(terms, limits)
    if verdict == ALLOWED and not free:
        for rival in eligibility.displaced(limits, [one for one in rivals if one not in ahead]):
            withdraw(session, rival.message, "frequency_cap", now, {"displaced_by": message.id})
    message.lane = "transactional" if free else "journey"
    outcome = _apply(message, verdict, asked, now)
    session.add(message)
    return _outcome(message, asked, now, outcome)


def message_row(
    program: Program, enrollment_id: str, customer_id: str, asked: Plan, send: Send, now: datetime
) -> dict[str, Any]:
    """The columns of a new mail in the ledger, planned."""
    return {
        "id": send_id(enrollment_id, asked.step, asked.visit),
        "enrollment_id": enrollment_id,
        "customer_id": customer_id,
        "journey": program.journey,
        "digest": program.digest,
        "stage": asked.stage,
        "step": asked.step,
        "visit": asked.visit,
        "template": send.template,
        "topic": send.terms.topic,
        "lane": "transactional" if send.terms.transactional else "journey",
        "status": MessageStatus.PLANNED,
        "reason": None,
        "due": asked.due,
        "planned_at": now,
        "updated_at": now,
        "attempt": 0,
        "trace": CURRENT.get(),
    }


def _apply(message: Message, verdict: Verdict, asked: Plan, now: datetime) -> str:
    message.updated_at, message.due = now, asked.due
    match verdict:
        case Allowed():
            message.status, message.reason = MessageStatus.PLANNED, None
            message.not_before = now + HOLD if asked.hold else now
            return "planned"
        case Deferred():
            message.status, message.reason, message.not_before = MessageStatus.DEFERRED, verdict.reason, verdict.until
            return "deferred"
        case Skipped():
            message.status, message.reason, message.not_before = MessageStatus.SKIPPED, verdict.reason, None
            return "skipped"


def _outcome(message: Message, asked: Plan, now: datetime, outcome: Any) -> tuple[Planned, dict[str, Any], str]:
    until = message.not_before if outcome == "deferred" else None
    detail = {"message": message.id, "template": message.template}
    if outcome != "planned":
        detail["reason"] = message.reason or ""
    if until is not None:
        detail["until"] = until.isoformat()
    return Planned(number=asked.number, at=now, outcome=outcome, until=until), detail, outcome


def unclaimed(session: Session, enrollment_id: str, visit: int | None = None) -> Sequence[Message]:
    """The mails of an enrollment (of one visit of a stage) that no lane has claimed."""
    query = select(Message).where(Message.enrollment_id == enrollment_id, col(Message.status).in_(CLAIMABLE))
    return session.exec(query if visit is None else query.where(Message.visit == visit)).all()


def withdraw(
    session: Session, message_id: str, reason: str, now: datetime, why: Mapping[str, Any] | None = None
) -> bool:
    """Skip a mail that no lane has claimed, on record; False where it is too late."""
    message = session.get(Message, message_id)
    if message is None or message.status not in CLAIMABLE:
        return False
    message.status, message.reason, message.not_before, message.updated_at = MessageStatus.SKIPPED, reason, None, now
    session.add(message)
    detail = {"message": message.id, "template": message.template, "reason": reason, **(why or {})}
    decisions.note(session, message, "skipped", detail, now)
    return True
