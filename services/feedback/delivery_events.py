"""What became of a mail after the provider took it: kept once, whatever the order and however often it is told.

A report only moves a mail forward. Any report with our send_id proves that the provider took the mail, so an unknown
one is accepted. What a person did (an open, a click, a complaint) is an event of the customer, which journeys can hear.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlmodel import Session

from services.customers import suppressions
from services.customers.event_log import NewEvent
from services.enrollments import customer_events
from services.enrollments.customer_events import Listeners
from services.feedback import complaint_brake, consents
from store.queries import customers, decisions, message_counts, messages
from store.queries import delivery_events as delivery_event_rows
from store.queries.message_counts import Came
from store.statuses import UNSURE, MessageStatus
from store.tables.customers import Customer
from store.tables.messages import DeliveryEvent, Message

RANK: Mapping[str, int] = {
    "accepted": 0, "deferred": 1, "dropped": 2, "blocked": 3, "bounced": 4, "delivered": 5, "opened": 6, "clicked": 7,
    "unsubscribed": 8, "complained": 9, "unknown": -1,
}  # fmt: skip
"""How far a mail is: a report of a lower rank moves it no further, and one of an unknown kind never. What it brings
about, as a suppression, happens all the same."""

CONTRARY = {"delivered", "bounced"}
"""One denies what the other says, and the later one is right: a server may take a mail and send it back hours later."""

HEARD: Mapping[str, str] = {
    "delivered": "Message Delivered",
    "bounced": "Message Bounced",
    "opened": "Message Opened",
    "clicked": "Message Clicked",
    "complained": "Message Complained",
    "unsubscribed": "Message Unsubscribed",
}
"""Kinds that are events of the customer."""

OPENING = {"opened", "clicked"}
"""Whoever clicks has opened, whether or not pictures were loaded."""

SUPPRESSING: Mapping[str, str] = {"bounced": "bounce", "complained": "complaint"}
"""Kinds after which an address is never written to, and the reason that is kept."""


class ReportedEvent(Protocol):
    """One thing that happened to a mail (`mail.providers.events.Feedback`, seen from here)."""

    @property
    def send_id(self) -> str: ...
    @property
    def kind(self) -> Any: ...
    @property
    def at(self) -> datetime: ...
    @property
    def url(self) -> str | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def machine(self) -> bool: ...
    @property
    def name(self) -> str | None: ...


@dataclass(slots=True)
class ReportCounts:
    """What came of a batch of reports."""

    taken: int = 0
    repeated: int = 0
    unknown: int = 0


def take(session: Session, reports: Sequence[ReportedEvent], provider: str, now: datetime) -> ReportCounts:
    """Keep reports; those about mails that are gone (an erased customer's, say) are counted and dropped."""
    outcome, listeners, complained = ReportCounts(), Listeners.load(session), list[Message]()
    known = _Known(session, reports, provider)
    owners = messages.owners(session, {one.send_id for one in reports})
    people = {one.id: one for one in customers.lock_all(session, owners.values())}
    there = messages.all_locked(session, owners)
    for report in sorted(reports, key=lambda one: (one.send_id, one.at, RANK[one.kind])):
        message = there.get(report.send_id)
        customer = people.get(message.customer_id) if message is not None else None
        if message is None or customer is None:
            outcome.unknown += 1
        elif known.has(report):
            outcome.repeated += 1
        else:
            known.add(report)
            _take(session, report, provider, message, customer, listeners, now)
            outcome.taken += 1
            complained += [message] if report.kind == "complained" else []
    for message in complained:  # last, since it reads the counts of everybody's mails, and so writes this batch's
        complaint_brake.check_rates(session, message, now)
    return outcome


def fingerprint(report: ReportedEvent) -> str:
    """What makes two reports the same, whatever the provider calls them."""
    parts = (report.send_id, report.kind, report.at.isoformat(), report.url or "")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


class _Known:
    """Which reports are kept already: the same by what they say, or by the name that the provider gives them."""

    def __init__(self, session: Session, reports: Sequence[ReportedEvent], provider: str) -> None:
        self._prints = delivery_event_rows.known_ids(session, [fingerprint(one) for one in reports])
        names = [one.name for one in reports if one.name is not None]
        self._names = delivery_event_rows.known_names(session, provider, names)

    def has(self, report: ReportedEvent) -> bool:
        return fingerprint(report) in self._prints or (report.name is not None and report.name in self._names)

    def add(self, report: ReportedEvent) -> None:
        self._prints.add(fingerprint(report))
        if report.name is not None:
            self._names.add(report.name)


def _take(
    session: Session,
    report: ReportedEvent,
    provider: str,
    message: Message,
    customer: Customer,
    listeners: Listeners,
    now: datetime,
) -> None:
    name = fingerprint(report)
    before, done = message.delivery, delivery_event_rows.kinds_by_customers(session, message.id)
    session.add(
        DeliveryEvent(
            id=name,
            message_id=message.id,
            customer_id=customer.id,
            provider=provider,
            name=report.name,
            kind=report.kind,
            at=report.at,
            received_at=now,
            url=report.url,
            reason=report.reason,
            machine=report.machine,
        )
    )
    _forward(session, report, message, now)
    for came in _first_times(report, before, message.delivery, done):
        _count(session, message, came, message.accepted_at or report.at)
    if _arrived(before) and not _arrived(message.delivery):
        _count(session, message, "arrived", message.accepted_at or report.at, -1)
    if report.kind in SUPPRESSING and customer.email is not None:
        suppressions.put(session, customer.email, SUPPRESSING[report.kind], f"message {message.id}", now)
    if report.kind == "unsubscribed":
        consents.record(session, customer.id, message.topic, False, f"provider, message {message.id}", report.at, now)
    session.flush()
    if report.kind in HEARD and not report.machine:
        properties = {
            "message": message.id,
            "template": message.template,
            "journey": message.journey,
            "step": message.step,
        }
        if message.broadcast is not None:
            properties["broadcast"] = message.broadcast
        if report.url:
            properties["url"] = report.url
        event = NewEvent(name=HEARD[report.kind], properties=properties, at=report.at, message_id=f"delivery:{name}")
        customer_events.record(session, customer, event, listeners, now)


def _forward(session: Session, report: ReportedEvent, message: Message, now: datetime) -> None:
    """Move the mail forward, never back; but for a delivery and a bounce, of which the later one counts."""
    if message.status in UNSURE:
        message.accepted_at = message.accepted_at or report.at
        messages.change(session, message, MessageStatus.ACCEPTED, now)
        decisions.note(
            session, message, "accepted", {"message": message.id, "explanation": f"reported: {report.kind}"}, now
        )
    kind = "delivered" if report.machine else report.kind  # a machine that opens it proves that it arrived, no more
    if {kind, message.delivery} == CONTRARY:
        message.delivery = _later(session, message)
    elif RANK[kind] > RANK.get(message.delivery or "", -1):
        message.delivery = kind
    if _arrived(message.delivery):  # what has arrived was accepted, whether or not our own record of it is written
        message.accepted_at = message.accepted_at or report.at
    session.add(message)
    if not report.machine and report.kind != "unknown":
        detail: dict[str, Any] = {"message": message.id, "template": message.template}
        detail |= {"reason": report.reason} if report.reason else {}
        decisions.note(session, message, report.kind, detail, now)


def _later(session: Session, message: Message) -> str:
    """Which comes last, a delivery or a bounce, by the instants of all reports; at the same one it is the bounce."""
    last: dict[bool, datetime] = {}
    for one in delivery_event_rows.of_message(session, message.id):
        if one.machine or one.kind in CONTRARY:
            last[one.kind == "bounced" and not one.machine] = one.at
    bounced, delivered = last.get(True), last.get(False)
    return "delivered" if bounced is None or (delivered is not None and delivered > bounced) else "bounced"


def _first_times(report: ReportedEvent, before: str | None, after: str | None, done: set[str]) -> Iterator[Came]:
    """What is true of a mail since this report, and was not before: each is counted once for each mail."""
    if _arrived(after) and not _arrived(before):
        yield "arrived"
    if after == "complained" and before != "complained":
        yield "complained"
    if not report.machine:
        if report.kind in OPENING and not done & OPENING:
            yield "opened"
        if report.kind == "clicked" and "clicked" not in done:
            yield "clicked"


def _arrived(delivery: str | None) -> bool:
    return delivery is not None and RANK[delivery] >= RANK["delivered"]


def _count(session: Session, message: Message, came: Came, accepted_at: datetime, by: int = 1) -> None:
    """By the journey or broadcast, and by the topic; `by` is -1 for what turned out not to be so."""
    counts = message_counts.tally(session)
    if message.journey:
        counts.came("journey", message.journey, came, accepted_at, by=by)
    if message.broadcast is not None:
        counts.came("broadcast", message.broadcast, came, accepted_at, message.variant or "", by=by)
    counts.came("topic", message.topic, came, accepted_at, by=by)
