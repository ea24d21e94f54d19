"""Delivery from the ledger: claim, freeze, record. One mail is sent by one claim, and a claim is never repeated.

    planned → sending → accepted | failed | unknown        and back to planned where it was certainly not sent
    unknown → accepted | planned (by evidence) | parked

A lane's owner carries a fence. Whoever takes the lane over finds the rows that the last owner left in `sending` and
makes them `unknown`: they wait for evidence, and nobody just sends them again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, update
from sqlmodel import Session, col, select

from journeys import calendar, policy
from journeys.policy import Defer, Go, Skip
from journeys.program import NodeId, Send
from services import house, journeys, knowing, planning, standing, templates
from services.house import HouseSettings
from services.templates import Source
from store import customers
from store.tables import Enrollment, Journey, Lane, Message

LANES = ("transactional", "journey", "broadcast")
GRACE = timedelta(seconds=45)
TWICE = 2


class Fenced(Exception):
    """Another owner has taken the lane over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A mail that this claim, and nobody else, may hand to the provider once."""

    send_id: str
    attempt: int
    to: str
    customer: str
    topic: str
    transactional: bool
    journey: str
    template: str
    subject: str | None
    context: Mapping[str, Any]
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What was rendered, stored before the provider is called."""

    send_id: str
    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one attempt; `status` and `reason` as the ledger keeps them."""

    send_id: str
    status: str
    reason: str | None = None
    provider: str | None = None
    provider_id: str | None = None
    wait: timedelta | None = None
    explanation: str = ""


def take_over(session: Session, lane: str, fence: str, now: datetime) -> int:
    """Become the owner of a lane; return how many mails the last owner left in the middle."""
    session.merge(Lane(name=lane, fence=fence, taken_at=now))
    left = select(Message).where(Message.lane == lane, Message.status == "sending", col(Message.fence) != fence)
    messages = session.exec(left).all()
    for message in messages:
        reported = message.delivery is not None  # the provider spoke of it before our own record was written
        _set(session, message, "accepted" if reported else "unknown", None if reported else "worker_lost", now)
    return len(messages)


def anything_due(session: Session, lane: str, now: datetime) -> bool:
    """Whether a claim may find something; asked often, so that an idle lane takes no lock."""
    query = select(Message.id).where(Message.lane == lane, Message.status == "planned", col(Message.not_before) <= now)
    return session.exec(query.limit(1)).first() is not None


def claim(session: Session, lane: str, fence: str, limit: int, now: datetime) -> list[Claimed]:
    """Claim due mails, fair between journeys; every policy is asked again first."""
    owner = session.get(Lane, lane)
    if owner is None or owner.fence != fence:
        raise Fenced(f"the lane {lane} has another owner")
    claimed: list[Claimed] = []
    due = sorted(_due(session, lane, limit, now), key=lambda one: one.customer_id)
    settings = house.load(session) if due else HouseSettings()
    for message in due:
        mail = _claim_one(session, message, fence, settings, now)
        if mail is not None:
            claimed.append(mail)
    return claimed


def _due(session: Session, lane: str, limit: int, now: datetime) -> Sequence[Message]:
    turn = func.row_number().over(
        partition_by=col(Message.journey), order_by=[col(Message.not_before), col(Message.id)]
    )
    ranked = (
        select(Message.id, turn.label("turn"))
        .outerjoin(Enrollment, col(Enrollment.id) == Message.enrollment_id)
        .where(Message.lane == lane, Message.status == "planned", col(Message.not_before) <= now)
        .outerjoin(Journey, col(Journey.key) == Message.journey)
        .where(or_(col(Enrollment.paused).is_(None), ~col(Enrollment.paused)), col(Journey.paused_at).is_(None))
        .subquery()
    )
    query = select(Message).join(ranked, ranked.c.id == Message.id).order_by(ranked.c.turn, col(Message.not_before))
    return session.exec(query.limit(limit)).all()


def _claim_one(
    session: Session, message: Message, fence: str, settings: HouseSettings, now: datetime
) -> Claimed | None:
    customer = customers.lock(session, message.customer_id)
    program = journeys.compiled(session, message.digest)
    send = program.nodes[NodeId(message.step)]
    assert isinstance(send, Send)
    who = standing.recipient(session, customer, message.topic, settings)
    terms = standing.terms(session, settings, message.customer_id, message.topic, now)
    match policy.decide(send, who, due=message.due, now=now, journey_zone=program.timezone, house=terms):
        case Skip(reason=reason):
            planning.withdraw(session, message.id, reason, now)
            return None
        case Defer(until=until, reason=reason):
            message.not_before, message.updated_at = until, now
            planning.note(session, message, "deferred", _detail(message, reason, until), now)
            return None
        case Go():
            pass
    here = update(Message).where(col(Message.id) == message.id, col(Message.status) == "planned")
    source = templates.source(session, message.template)
    values = {
        "status": "sending",
        "template_version": source.version if source else None,
        "attempt": message.attempt + 1,
        "fence": fence,
        "updated_at": now,
        "reason": None,
    }
    if session.connection().execute(here.values(**values)).rowcount != 1 or customer is None:
        return None
    enrollment = session.get(Enrollment, message.enrollment_id) if message.enrollment_id else None
    return Claimed(
        send_id=message.id,
        attempt=message.attempt + 1,
        to=who.email or "",
        customer=customer.id,
        topic=message.topic,
        transactional=send.transactional or terms.transactional,
        journey=message.journey,
        template=message.template,
        subject=send.subject,
        context={
            "customer": {**knowing.attributes(customer), "events": customer.events},
            "enrollment": {**enrollment.data, "key": enrollment.key} if enrollment else {},
        },
        source=source,
    )


def _detail(message: Message, reason: str | None, until: datetime | None = None) -> dict[str, Any]:
    detail = {"message": message.id, "template": message.template}
    if reason:
        detail["reason"] = reason
    return detail | ({"until": until.isoformat()} if until else {})


def freeze(session: Session, mails: Sequence[Frozen]) -> None:
    """Keep the very mail that is about to be sent."""
    for one in mails:
        here = update(Message).where(col(Message.id) == one.send_id)
        session.connection().execute(here.values(subject=one.subject, html=one.html, text=one.text))


def record(session: Session, fence: str, results: Sequence[Result], now: datetime) -> None:
    """Store what the provider said. A late answer of a lost owner still counts, as evidence."""
    for result in results:
        message = session.get(Message, result.send_id)
        if message is None or message.fence != fence or message.status not in ("sending", "unknown"):
            continue
        message.provider = result.provider or message.provider
        message.provider_id = result.provider_id or message.provider_id
        if result.wait is not None:
            message.not_before = now + result.wait
        _set(session, message, result.status, result.reason, now, result.explanation)


def _set(
    session: Session, message: Message, status: str, reason: str | None, now: datetime, explanation: str = ""
) -> None:
    message.status, message.reason, message.updated_at = status, reason, now
    if status == "accepted":
        message.accepted_at = now
    session.add(message)
    detail = _detail(message, reason) | ({"explanation": explanation} if explanation else {})
    planning.note(session, message, "retried" if status == "planned" else status, detail, now)


def alarm(session: Session, lane: str, text: str | None) -> None:
    """Raise or clear the alarm of a lane."""
    owner = session.get(Lane, lane)
    if owner is not None and owner.alarm != text:
        owner.alarm = text
        session.add(owner)


def unknowns(session: Session, lane: str, now: datetime, limit: int = 100) -> Sequence[str]:
    """Mails about which evidence may be sought: nobody can still be sending them."""
    query = select(Message.id).where(
        Message.lane == lane, Message.status == "unknown", col(Message.updated_at) < now - GRACE
    )
    return session.exec(query.order_by(col(Message.updated_at)).limit(limit)).all()


def decide_unknown(session: Session, send_id: str, evidence: str, now: datetime) -> None:
    """Move an unknown mail by evidence; without any it is parked for a person when the window has passed."""
    message = session.get(Message, send_id)
    if message is None or message.status != "unknown":
        return
    match evidence:
        case "accepted":
            _set(session, message, "accepted", None, now, "found at the provider")
        case "absent":
            message.not_before = now
            _set(session, message, "planned", "worker_lost", now, "the provider never got it")
        case "unknowable":
            _without_evidence(session, message, now)
        case _:
            raise ValueError(f"no such evidence: {evidence}")


def _without_evidence(session: Session, message: Message, now: datetime) -> None:
    """When the window has passed, the installation's policy decides; a mail is sent once more at most."""
    unsure = house.load(session).unsure
    if now - message.updated_at <= calendar.parse_span(unsure.after).elapsed:
        return
    if unsure.then == "resend" and message.attempt < TWICE:
        message.not_before = now
        _set(session, message, "planned", "no_answer", now, "sent once more, as the settings say")
    else:
        _set(session, message, "parked", "parked", now)
