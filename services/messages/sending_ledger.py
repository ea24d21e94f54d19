"""Delivery from the ledger: claim, freeze, record. One mail is sent by one claim, and a claim is never repeated.

    planned → sending → accepted | failed | unknown        and back to planned where it was certainly not sent
    unknown → accepted | planned (by evidence) | parked

A lane's owner carries a fence. Whoever takes the lane over finds the rows that the last owner left in `sending` and
makes them `unknown`: they wait for evidence, and nobody just sends them again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import sqlalchemy
from sqlmodel import Session, col, func, select

from journeys.facts import calendar
from services.installation import installation_settings
from services.messages import circuit_breaker
from services.messages.circuit_breaker import Said
from store import bulk
from store.queries import decisions, message_bodies
from store.statuses import UNSURE, MessageStatus, changed
from store.tables.messages import Lane, Message

GRACE = timedelta(seconds=45)
TWICE = 2
LOOKED_UP = 100

_KNOWN: Any = tuple(
    getattr(Message, name)
    for name in (
        "id", "customer_id", "journey", "enrollment_id", "stage", "step", "visit", "template", "provider",
        "provider_id", "not_before", "accepted_at", "delivery", "status",
    )
)  # fmt: skip
"""What `record` reads of a mail."""


class Composed(Protocol):
    """What is kept of a mail before the provider is called (`mail.message.Mail`, seen from here)."""

    @property
    def send_id(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def html(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def urls(self) -> Sequence[str]: ...
    @property
    def locale(self) -> str | None: ...
    @property
    def template_version(self) -> int | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """What became of one attempt; `status` and `reason` as the ledger keeps them, and what it says of the channel."""

    send_id: str
    status: MessageStatus
    reason: str | None = None
    provider: str | None = None
    provider_id: str | None = None
    wait: timedelta | None = None
    explanation: str = ""
    said: Said | None = None


def take_over(session: Session, lane: str, fence: str, now: datetime) -> int:
    """Become the owner of a lane; return how many mails the last owner left in the middle."""
    session.merge(Lane(name=lane, fence=fence, taken_at=now))
    left = select(Message).where(
        Message.lane == lane, Message.status == MessageStatus.SENDING, col(Message.fence) != fence
    )
    messages = session.exec(left).all()
    for message in messages:
        reported = message.delivery is not None  # the provider spoke of it before our own record was written
        _set(
            session,
            message,
            MessageStatus.ACCEPTED if reported else MessageStatus.UNKNOWN,
            None if reported else "worker_lost",
            now,
        )
    return len(messages)


def anything_due(session: Session, lane: str, now: datetime) -> bool:
    """Whether a claim may find something; asked often, so that an idle lane takes no lock."""
    query = select(Message.id).where(
        Message.lane == lane, Message.status == MessageStatus.PLANNED, col(Message.not_before) <= now
    )
    return session.exec(query.limit(1)).first() is not None


def _detail(message: Message, reason: str | None, until: datetime | None = None) -> dict[str, Any]:
    detail = {"message": message.id, "template": message.template}
    if reason:
        detail["reason"] = reason
    return detail | ({"until": until.isoformat()} if until else {})


def freeze(session: Session, mails: Sequence[Composed], now: datetime) -> None:
    """Keep the very mail that is about to be sent, beside its row."""
    made = [{"id": one.send_id, "locale": one.locale, "template_version": one.template_version} for one in mails]
    bulk.change(session, Message, made)
    bodies = [
        {
            "message_id": one.send_id,
            "subject": one.subject,
            "html": one.html,
            "text": one.text,
            "urls": list(one.urls),
        }
        for one in mails
    ]
    message_bodies.keep(session, bodies, now)


def record(
    session: Session, fence: str, results: Sequence[AttemptResult], now: datetime, channel: str | None = None
) -> None:
    """Store what the provider said, of the mails and of the channel.

    A late answer of a lost owner still counts, as evidence.
    """
    query = sqlalchemy.select(*_KNOWN).where(
        col(Message.id).in_([one.send_id for one in results]),
        col(Message.fence) == fence,
        col(Message.status).in_((MessageStatus.SENDING, MessageStatus.UNKNOWN)),
    )
    known = {row.id: row for row in session.connection().execute(query.order_by(Message.id).with_for_update())}
    kept = [(_proven(one, known[one.send_id]), known[one.send_id]) for one in results if one.send_id in known]
    bulk.change(session, Message, [_changed(result, message, now) for result, message in kept])
    decisions.add(session, [_told(result, message, now) for result, message in kept])
    said = [one.said for one in results if one.said is not None]
    if channel is not None and said:
        circuit_breaker.hear(session, channel, said, now)


def _proven(result: AttemptResult, message: Any) -> AttemptResult:
    """No answer came, and yet the provider has spoken of the mail already: it went."""
    if result.status == MessageStatus.UNKNOWN and message.delivery is not None:
        return replace(result, status=MessageStatus.ACCEPTED, reason=None, explanation="the provider has reported it")
    return result


def _changed(result: AttemptResult, message: Any, now: datetime) -> dict[str, Any]:
    """The columns of a mail after an attempt."""
    return {
        "id": message.id,
        "status": changed(message.status, result.status),
        "reason": result.reason,
        "updated_at": now,
        "accepted_at": now if result.status == MessageStatus.ACCEPTED else message.accepted_at,
        "not_before": now + result.wait if result.wait is not None else message.not_before,
        "provider": result.provider or message.provider,
        "provider_id": result.provider_id or message.provider_id,
    }


def _told(result: AttemptResult, message: Any, now: datetime) -> dict[str, Any]:
    """The decision that goes with it."""
    detail = {"message": message.id, "template": message.template}
    detail |= {"reason": result.reason} if result.reason else {}
    detail |= {"explanation": result.explanation} if result.explanation else {}
    return decisions.about(message, "retried" if result.status == MessageStatus.PLANNED else result.status, detail, now)


def _set(
    session: Session, message: Message, status: MessageStatus, reason: str | None, now: datetime, explanation: str = ""
) -> None:
    message.status, message.reason, message.updated_at = status, reason, now
    if status == MessageStatus.ACCEPTED:
        message.accepted_at = now
    session.add(message)
    detail = _detail(message, reason) | ({"explanation": explanation} if explanation else {})
    decisions.note(session, message, "retried" if status == MessageStatus.PLANNED else status, detail, now)


def waiting(session: Session, lane: str, now: datetime) -> dict[str, int]:
    """How many mails of a lane are due and not claimed, under way, unknown and parked."""
    query = select(Message.status, func.count(col(Message.id))).where(Message.lane == lane)
    due = session.exec(
        query.where(Message.status == MessageStatus.PLANNED, col(Message.not_before) <= now).group_by(Message.status)
    ).all()
    others = query.where(col(Message.status).in_((MessageStatus.SENDING, *UNSURE))).group_by(Message.status)
    found = dict(session.exec(others).all())
    return {
        "waiting": sum(count for _, count in due),
        **{status: found.get(status, 0) for status in (MessageStatus.SENDING, *UNSURE)},
    }


def unknowns(session: Session, lane: str, now: datetime, after: str = "") -> Sequence[str]:
    """A page of the mails about which evidence may be sought: nobody can still be sending them."""
    query = select(Message.id).where(
        Message.lane == lane,
        Message.status == MessageStatus.UNKNOWN,
        col(Message.updated_at) < now - GRACE,
        col(Message.id) > after,
    )
    return session.exec(query.order_by(col(Message.id)).limit(LOOKED_UP)).all()


def decide_unknown(session: Session, send_id: str, evidence: str, now: datetime) -> None:
    """Move an unknown mail by evidence; without any it is parked for a person when the window has passed."""
    message = session.get(Message, send_id)
    if message is None or message.status != MessageStatus.UNKNOWN:
        return
    match evidence:
        case "accepted":
            _set(session, message, MessageStatus.ACCEPTED, None, now, "found at the provider")
        case "absent":
            message.not_before = now
            _set(session, message, MessageStatus.PLANNED, "worker_lost", now, "the provider never got it")
        case "unknowable":
            _without_evidence(session, message, now)
        case _:
            raise ValueError(f"no such evidence: {evidence}")


def _without_evidence(session: Session, message: Message, now: datetime) -> None:
    """When the window has passed, the installation's policy decides; a mail is sent once more at most."""
    unsure = installation_settings.load(session).unsure
    if now - message.updated_at <= calendar.parse_span(unsure.after).elapsed:
        return
    if unsure.then == "resend" and message.attempt < TWICE:
        message.not_before = now
        _set(session, message, MessageStatus.PLANNED, "no_answer", now, "sent once more, as the settings say")
    else:
        _set(session, message, MessageStatus.PARKED, "parked", now)
