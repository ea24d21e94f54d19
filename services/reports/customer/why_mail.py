"""What became of one mail, in a sentence: its state, the reason with what stands behind it, and what holds it now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.facts import calendar
from journeys.rules.awaited import NO_ADDRESS_YET
from journeys.rules.policy import EVERY_TOPIC, REASONS
from services.definitions.pausing import told_at_resume
from services.errors import NotFound
from services.reports.customer import both_clocks
from services.reports.customer.both_clocks import BothClocks
from store.queries.enrollment import decisions
from store.statuses import CLAIMABLE, MessageStatus
from store.tables.customers import Customer
from store.tables.definitions import Journey, Topic
from store.tables.enrollments import Decision, Enrollment, Hook
from store.tables.messages import Message

MOST = 200
"""Decisions that an answer rests on, the newest first: what a person reads, of a run of years."""

SUPPRESSED: Mapping[str, str] = {
    "bounce": "a bounce",
    "complaint": "a complaint",
    "unsubscribe": "an unsubscription",
    "manual": "done by hand",
    "erased": "kept",
}
"""Reasons of suppressions, in a sentence."""


@dataclass(slots=True, kw_only=True)
class Why:
    """The answer; `triggers` says of each way in whether it would let the customer in now, and what its guard saw."""

    answer: str
    entered: bool | None = None
    enrollment: Enrollment | None = None
    message: Message | None = None
    hook: Hook | None = None
    reason: str | None = None
    meaning: str | None = None
    next_at: datetime | None = None
    triggers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    decisions: Sequence[Decision] = ()


STATES: Mapping[MessageStatus, str] = {
    MessageStatus.PLANNED: "is planned and goes as soon as its lane takes it",
    MessageStatus.DEFERRED: "waits",
    MessageStatus.CLAIMED: "is being written, and goes at once",
    MessageStatus.SENDING: "is on its way to the provider",
    MessageStatus.ACCEPTED: "was accepted by the provider",
    MessageStatus.FAILED: "failed",
    MessageStatus.SKIPPED: "was skipped",
    MessageStatus.UNKNOWN: "may or may not have gone; evidence is being sought",
    MessageStatus.PARKED: "may or may not have gone; a person decides",
}


def about_message(session: Session, customer: Customer, message_id: str) -> Why:
    """What became of one mail; raise NotFound where it is not this customer's."""
    mail = session.get(Message, message_id)
    if mail is None or mail.customer_id != customer.id:
        raise NotFound(f"this customer has no message {message_id!r}")
    return told(session, mail, decisions.of_message(session, mail, MOST), both_clocks.of(session, customer))


def told(session: Session, mail: Message, recorded: Sequence[Decision], clocks: BothClocks) -> Why:
    """The answer about a mail, of which `recorded` are the decisions."""
    meaning = REASONS.get(mail.reason or "")
    answer = f"{mail.template} {STATES[mail.status]}" + (f": {meaning}" if meaning else "")
    answer += _evidence(session, mail, recorded, clocks) + _held(session, mail, clocks)
    waits = mail.not_before if mail.status in CLAIMABLE else None
    if waits is not None and mail.status == MessageStatus.DEFERRED:
        soon = "as soon as there is one, and " if mail.reason == NO_ADDRESS_YET else ""
        answer += f"; it is asked again {soon}at {clocks.tell(waits)}"
    return Why(
        answer=answer, entered=True, message=mail, reason=mail.reason, meaning=meaning, next_at=waits,
        decisions=recorded,
    )  # fmt: skip


def _held(session: Session, mail: Message, clocks: BothClocks) -> str:
    """What a person has paused, and so holds a mail that has not gone."""
    if mail.status not in CLAIMABLE:
        return ""
    topic, journey = session.get(Topic, mail.topic), session.get(Journey, mail.journey)
    held = [(f"mail about {mail.topic}", topic.paused_at)] if topic and topic.paused_at else []
    held += [paused] if (paused := told_at_resume.since(journey, mail.stage)) else []
    return "".join(f"; it is held, since {what} is paused since {clocks.tell(since)}" for what, since in held)


def _evidence(session: Session, mail: Message, recorded: Sequence[Decision], clocks: BothClocks) -> str:
    """Which suppression, which no, which cap and the mails that filled it, which stage, what raised which error."""
    detail = next((one.detail for one in reversed(recorded) if one.detail.get("reason") == mail.reason), {})
    if "suppression" in detail:
        found = detail["suppression"]
        since = f" on {clocks.tell(datetime.fromisoformat(found['at']))}" if "at" in found else ""
        return f"; it was {SUPPRESSED[found['reason']]}{since}, told by {found['source']}"
    if "said" in detail:
        return _said(detail["said"], mail, clocks)
    if "cap" in detail:
        cap = detail["cap"]
        of = "of all topics" if cap["of"] == EVERY_TOPIC else f"about {cap['of']}"
        return f"; the cap is {cap['max']} mails {of} in {calendar.span_words(cap['seconds'])}" + _filled(
            session, detail, clocks
        )
    if "bound_by" in detail:
        return "; " + " and ".join(map(_bound, detail["bound_by"]))
    return f"; {detail['explanation']}" if detail.get("explanation") else ""


def _bound(one: Mapping[str, str]) -> str:
    """Which stage forbids mail, and whose, where it is another's who has the address."""
    whose = f", where another customer with this address, {one['customer']}, is" if "customer" in one else ""
    return f"it is {one['stage']} of {one['journey']}{whose}"


def _said(said: Mapping[str, str], mail: Message, clocks: BothClocks) -> str:
    """Who said no: they, or somebody else who has the address."""
    own = said["customer"] == mail.customer_id
    by = "they" if own else f"another customer with this address, {said['customer']},"
    return f"; {by} said so on {clocks.tell(datetime.fromisoformat(said['at']))} by {said['source']}"


def _filled(session: Session, detail: Mapping[str, Any], clocks: BothClocks) -> str:
    """The mails that filled a cap: what each was, and when it went."""
    named = [_named(session.get(Message, one), one, clocks) for one in detail["filled_by"]]
    return f", filled by {', '.join(named)}" if named else ""


def _named(mail: Message | None, id: str, clocks: BothClocks) -> str:
    if mail is None:
        return id
    went = mail.accepted_at
    return f"{mail.template} ({'went on ' + clocks.tell(went) if went else 'goes before it'}, {id})"
