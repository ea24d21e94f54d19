"""Delivery from the ledger: claim, freeze, record. One mail is sent by one freeze, and a freeze is never repeated.

    planned → claimed → sending → accepted | failed | unknown      and back to planned where it was certainly not sent
    unknown → accepted | planned (by evidence) | parked

A lane's owner carries a fence. Whoever takes the lane over gives back what the last owner had claimed and not frozen:
that is certainly unsent. What it had frozen becomes `unknown`: it waits for evidence, and nobody just sends it again.
Claiming and freezing hold the lane's row while they ask whose it is, so a takeover comes before them or behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlmodel import Session

from journeys.facts import calendar
from services.installation import installation_settings
from services.messages.sending import circuit_breaker, turns
from services.messages.sending.circuit_breaker import ChannelReport
from services.values import storable
from store.queries.enrollment import decisions
from store.queries.figures import message_counts
from store.queries.history import unreadable_values
from store.queries.history.unreadable_values import UnreadableValue
from store.queries.mails import message_bodies, messages
from store.queries.sending import lanes
from store.statuses import MESSAGE, UNSURE, MessageStatus
from store.tables.messages import Message

OPEN = (MessageStatus.PLANNED, MessageStatus.CLAIMED, MessageStatus.SENDING, MessageStatus.UNKNOWN)
"""What a mail can be when the outcome of an attempt comes: planned, where somebody has taken it back since."""

MARGIN = timedelta(seconds=15)
"""Beyond the longest call to a provider: for as long as a freeze vouches (five seconds), and clocks that disagree."""

TWICE = 2
"""Attempts of a mail of which no evidence came, where the settings say to send it once more."""

LOOKED_UP = 100
"""Mails of a page of look-ups; how fast they are asked about is for `activities.delivery.evidence` to say."""


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
    """What became of one attempt; `status` and `reason` as the ledger keeps them, and what it says of the channel.

    `unread` is a filter of the template, and the value of the customer's that it could not read.
    """

    send_id: str
    status: MessageStatus
    reason: str | None = None
    provider: str | None = None
    provider_id: str | None = None
    wait: timedelta | None = None
    explanation: str = ""
    said: ChannelReport | None = None
    unread: tuple[str, str] | None = None


def take_over(session: Session, lane: str, fence: str, now: datetime, channel: str | None = None) -> int:
    """Become the owner of a lane; return how many mails the last owner left of which nobody knows whether they went.

    What it had claimed is planned again, at once, and is taken off no rate of the `channel` or its broadcasts; what it
    had frozen is `unknown`, or accepted where the provider has spoken of it.
    """
    lanes.take_ownership(session, lane, fence, now)
    session.flush()
    frozen, unsent = 0, list[str | None]()
    for message in messages.claimed_by_others(session, lane, fence):
        if message.status == MessageStatus.CLAIMED:
            messages.change(session, message, MessageStatus.PLANNED, now)
            unsent.append(message.broadcast)
        elif message.delivery is not None:  # the provider spoke of it before our own record was written
            _set(session, message, MessageStatus.ACCEPTED, None, now)
        else:
            _set(session, message, MessageStatus.UNKNOWN, "worker_lost", now)
            frozen += 1
    turns.return_tokens(session, channel, unsent)
    return frozen


def _detail(message: Message, reason: str | None, until: datetime | None = None) -> dict[str, Any]:
    detail = {"message": message.id, "template": message.template}
    if reason:
        detail["reason"] = reason
    return detail | ({"until": until.isoformat()} if until else {})


def freeze(session: Session, lane: str, fence: str, mails: Sequence[tuple[Composed, int]], now: datetime) -> set[str]:
    """Keep the very mails that are about to be sent; return those that this owner, and nobody else, may hand over.

    Each comes with its attempt, and is named by its `send_id`. Nothing is returned where the lane has another owner, or
    the mail was taken back. The same question about mails that are frozen and not handed over says whether they are
    this owner's still.
    """
    if not lanes.is_owner(session, lane, fence):
        return set()
    attempts = {mail.send_id: attempt for mail, attempt in mails}
    rendered = {one.send_id: {"locale": one.locale, "template_version": one.template_version} for one, _ in mails}
    mine = messages.freeze(session, attempts, fence, now, rendered)
    bodies = [
        {
            "message_id": one.send_id,
            "customer_id": mine[one.send_id],
            "subject": one.subject,
            "html": one.html,
            "text": one.text,
            "urls": list(one.urls),
        }
        for one, _ in mails
        if one.send_id in mine
    ]
    message_bodies.keep(session, bodies, now)
    return set(mine)


def give_back(session: Session, fence: str, ids: Sequence[str], now: datetime, channel: str) -> None:
    """An owner that stops: what it claimed and did not freeze is planned again, and is taken off no rate."""
    turns.return_tokens(session, channel, messages.give_back(session, ids, fence, now))


def record(
    session: Session, fence: str, results: Sequence[AttemptResult], now: datetime, channel: str | None = None
) -> None:
    """Store what the provider said, of the mails and of the channel.

    A late answer of a lost owner still counts, as evidence, as long as nobody has claimed the mail anew.
    """
    known = messages.locked_in_status(session, [one.send_id for one in results], OPEN, fence)
    kept = [
        (_proven(one, known[one.send_id]), known[one.send_id])
        for one in results
        if one.send_id in known and _tells(one, known[one.send_id])
    ]
    messages.record(session, [(message, _changed(result, message, now)) for result, message in kept])
    decisions.add(session, [_told(result, message, now) for result, message in kept])
    unreadable_values.note(session, [_unread(message, *one.unread) for one, message in kept if one.unread], now)
    said = [one.said for one in results if one.said is not None]
    if channel is not None and said:
        circuit_breaker.record(session, channel, said, now)


def _unread(message: Any, name: str, value: str) -> UnreadableValue:
    source = f"template {message.template}"
    return UnreadableValue(customer_id=message.customer_id, source=source, field=f"| {name}", value=value)


def _tells(result: AttemptResult, message: Any) -> bool:
    """Whether an outcome says something new of a mail that may have been taken back since.

    No answer says nothing of one that is planned again: evidence has decided about that attempt.
    """
    if (message.status, result.status) == (MessageStatus.PLANNED, MessageStatus.UNKNOWN):
        return False
    return message.status != result.status and result.status in MESSAGE[message.status]


def _proven(result: AttemptResult, message: Any) -> AttemptResult:
    """No answer came, and yet the provider has spoken of the mail already: it went."""
    if result.status == MessageStatus.UNKNOWN and message.delivery is not None:
        return replace(result, status=MessageStatus.ACCEPTED, reason=None, explanation="the provider has reported it")
    return result


def _changed(result: AttemptResult, message: Any, now: datetime) -> dict[str, Any]:
    """What an attempt changes of a mail."""
    return {
        "status": result.status,
        "reason": result.reason,
        "updated_at": now,
        "accepted_at": message.accepted_at or (now if result.status == MessageStatus.ACCEPTED else None),
        "not_before": now + result.wait if result.wait is not None else message.not_before,
        "provider": result.provider or message.provider,
        "provider_id": storable(result.provider_id) or message.provider_id,
    }


def _told(result: AttemptResult, message: Any, now: datetime) -> dict[str, Any]:
    """The decision that goes with it."""
    detail = {"message": message.id, "template": message.template}
    detail |= {"reason": result.reason} if result.reason else {}
    detail |= {"explanation": storable(result.explanation)} if result.explanation else {}
    return decisions.about(message, "retried" if result.status == MessageStatus.PLANNED else result.status, detail, now)


def _set(
    session: Session, message: Message, status: MessageStatus, reason: str | None, now: datetime, explanation: str = ""
) -> None:
    if status == MessageStatus.ACCEPTED:
        message.accepted_at = message.accepted_at or now
    messages.change(session, message, status, now, reason=reason)
    detail = _detail(message, reason) | ({"explanation": explanation} if explanation else {})
    decisions.note(session, message, "retried" if status == MessageStatus.PLANNED else status, detail, now)


def waiting(session: Session) -> dict[str, dict[str, int]]:
    """By lane: how many mails are planned and not claimed, under way, unknown and parked; from the kept counts."""
    under_way = (MessageStatus.CLAIMED, MessageStatus.SENDING)
    found = message_counts.by_lane_and_status(session, (MessageStatus.PLANNED, *under_way, *UNSURE))
    return {
        lane: {
            "waiting": found.get((lane, MessageStatus.PLANNED), 0),
            "sending": sum(found.get((lane, status), 0) for status in under_way),
            **{status: found.get((lane, status), 0) for status in UNSURE},
        }
        for lane in lanes.LANES
    }


def unknowns(session: Session, lane: str, now: datetime, longest: timedelta, after: str = "") -> Sequence[str]:
    """A page of the mails about which evidence may be sought: nobody can still be sending them.

    `longest` is how long a call to the provider may take.
    """
    return lanes.unknown(session, lane, now - longest - MARGIN, after, LOOKED_UP)


def decide_unknown(session: Session, send_id: str, evidence: str, now: datetime) -> None:
    """Move an unknown mail by evidence; without any it is parked for a person when the window has passed.

    `evidence` is `accepted`, `absent` or `unknowable`; raise ValueError for anything else. Another mail is left alone.
    """
    message = messages.locked(session, send_id)
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
