"""What became of a mail after the provider took it: kept once, whatever the order and however often it is told.

A report concerns the address that the mail went to, whatever its customer's is by now. It only moves a mail forward.
Any report with our send_id proves that the provider took the mail, so an unknown one is accepted. What a person did (an
open, a click, a complaint) is an event of the customer, which journeys can hear.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlmodel import Session

from journeys.facts.mail_events import HEARD
from services.customers import suppressions
from services.customers.history.event_log import NewEvent
from services.enrollments.entering import customer_events
from services.enrollments.entering.customer_events import Listeners
from services.errors import ServiceError
from services.feedback.answers import consents
from services.feedback.answers.consents import Statement
from services.feedback.returns import complaint_brake, mail_returns
from services.feedback.returns.mail_returns import RANK
from store import bulk
from store.bulk import turns
from store.queries.enrollment import decisions
from store.queries.feedback import delivery_events as delivery_event_rows
from store.queries.feedback.delivery_events import Told
from store.queries.identity import customers
from store.queries.mails import messages
from store.session import CameBetween
from store.statuses import UNSURE, MessageStatus
from store.tables.customers import Customer
from store.tables.messages import Message

CONTRARY = {"delivered", "bounced"}
"""One denies what the other says, and the later one is right: a server may take a mail and send it back hours later."""

SUPPRESSING: Mapping[str, str] = {"bounced": "bounce", "complained": "complaint"}
"""Kinds after which an address is never written to, and the reason that is kept."""


STATED: Mapping[str, bool] = {"unsubscribed": False, "resubscribed": True}
"""Kinds by which whoever reads the inbox says no or yes to the mail's topic."""


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
    """Keep reports; those about mails that are gone (an erased customer's, say) are counted and dropped.

    The customers are locked in the order of their ids, then the mails in the order of theirs. Whatever is raised for
    one report undoes them all: the caller takes each by itself then.
    """
    outcome, complained = ReportCounts(), list[Message]()
    known = _Known(session, reports, provider)
    owners = _locked_owners(session, {one.send_id for one in reports})
    there = messages.all_locked(session, {one.send_id for one in reports})
    taken = _ReportBatch(session, there, owners, provider, now)
    for report in sorted(reports, key=lambda one: (one.send_id, one.at, RANK[one.kind])):
        message = there.get(report.send_id)
        customer = owners.get(message.customer_id) if message is not None else None
        if message is None or customer is None:
            outcome.unknown += 1
        elif known.has(report):
            outcome.repeated += 1
        else:
            known.add(report)
            taken.add(report, message, customer)
            outcome.taken += 1
            complained += [message] if report.kind == "complained" else []
    taken.store()
    # last, since it reads the counts of everybody's mails, and so writes this batch's
    complaint_brake.check_rates(session, complained, now)
    return outcome


def _locked_owners(session: Session, ids: Collection[str]) -> Mapping[str, Customer]:
    """The customers to whom these mails belong, locked all at once; whoever is gone is left out.

    Raise CameBetween where a mail has another owner since, because its own was merged before the lock was there.
    """
    owners = messages.owners(session, ids)
    found = {one.id: one for one in customers.lock_all(session, owners.values())} if owners else {}
    lost = [name for name, owner in owners.items() if owner not in found]
    if any(owner != owners[name] for name, owner in (messages.owners(session, lost) if lost else {}).items()):
        raise CameBetween("a customer was merged before the lock was there")
    return found


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


class _ReportBatch:
    """The reports of one transaction: what follows from them is collected, and stored by a few statements."""

    def __init__(
        self,
        session: Session,
        there: Mapping[str, Message],
        owners: Mapping[str, Customer],
        provider: str,
        now: datetime,
    ) -> None:
        self._session = session
        self._owners = owners
        self._provider = provider
        self._now = now
        self._told = delivery_event_rows.told(session, there)
        self._left = delivery_event_rows.left_by_link(session, there)
        self._rows: list[bulk.ColumnValues] = []
        self._decisions: list[bulk.ColumnValues] = []
        self._suppressed: list[tuple[str, str, str]] = []
        self._happened: list[tuple[Customer, NewEvent | Statement]] = []

    def add(self, report: ReportedEvent, message: Message, customer: Customer) -> None:
        """Move the mail forward, and keep in mind what else follows."""
        before, told = message.delivery, self._told[message.id]
        told.append(Told(str(report.kind), report.at, report.machine))
        self._rows.append(_row(report, message, self._provider, self._now))
        self._forward(report, message)
        mail_returns.count(self._session, report, message, before, told[:-1], left=message.id in self._left)
        source = f"message {message.id}"
        email = message.email or customer.email
        if report.kind in SUPPRESSING and email is not None:
            self._suppressed.append((email, SUPPRESSING[report.kind], source))
        if report.kind in STATED:
            self._happened.append((customer, _stated(report, message, f"provider, {source}")))
        if report.kind in HEARD and not report.machine:
            self._happened.append((customer, _event(report, message)))

    def _forward(self, report: ReportedEvent, message: Message) -> None:
        """Move the mail forward, never back; but for a delivery and a bounce, of which the later one counts."""
        if message.status in UNSURE:
            message.accepted_at = message.accepted_at or report.at
            messages.change(self._session, message, MessageStatus.ACCEPTED, self._now)
            explained = {"message": message.id, "explanation": f"reported: {report.kind}"}
            self._decisions.append(decisions.about(message, "accepted", explained, self._now))
        kind = "delivered" if report.machine else report.kind  # a machine that opens it proves its arrival, no more
        if {kind, message.delivery} == CONTRARY:
            message.delivery = _later(self._told[message.id])
        elif RANK[kind] > RANK.get(message.delivery or "", -1):
            message.delivery = kind
        if mail_returns.arrived(
            message.delivery
        ):  # what has arrived was accepted, whether or not our own record of it is written
            message.accepted_at = message.accepted_at or report.at
        self._session.add(message)
        if not report.machine and report.kind != "unknown":
            detail: dict[str, Any] = {"message": message.id, "template": message.template}
            detail |= {"reason": report.reason} if report.reason else {}
            self._decisions.append(decisions.about(message, report.kind, detail, self._now))

    def store(self) -> None:
        """Write it all; then journeys hear of what people did, each customer's events in their order."""
        delivery_event_rows.add(self._session, self._rows)
        decisions.add(self._session, self._decisions)
        suppressions.put_all(self._session, self._suppressed, self._now)
        self._session.flush()
        listeners = Listeners.load(self._session) if self._happened else None
        for turn in turns(self._events(), lambda one: one[0].id):
            assert listeners is not None
            customer_events.record_all(self._session, turn, listeners, self._now)

    def _events(self) -> Iterator[tuple[Customer, NewEvent]]:
        """What happened, in order; a statement about a topic is kept, and is an event where it changes something."""
        statements = [one for _, one in self._happened if isinstance(one, Statement)]
        kept = iter(consents.keep_all(self._session, self._owners, statements, self._now) if statements else ())
        for customer, one in self._happened:
            event = next(kept) if isinstance(one, Statement) else one
            if isinstance(event, ServiceError):
                raise event
            if event is not None:
                yield customer, event


def _row(report: ReportedEvent, message: Message, provider: str, now: datetime) -> bulk.ColumnValues:
    return {
        "id": fingerprint(report),
        "message_id": message.id,
        "customer_id": message.customer_id,
        "provider": provider,
        "name": report.name,
        "kind": str(report.kind),
        "at": report.at,
        "received_at": now,
        "url": report.url,
        "reason": report.reason,
        "machine": report.machine,
    }


def _stated(report: ReportedEvent, message: Message, source: str) -> Statement:
    """A no, or a yes by a link of the mail: whoever follows that reads the inbox, so nobody has to be asked."""
    return Statement(
        customer_id=message.customer_id,
        topic=message.topic,
        granted=STATED[report.kind],
        source=source,
        at=report.at,
        confirmed=STATED[report.kind],
        email=message.email,
    )


def _event(report: ReportedEvent, message: Message) -> NewEvent:
    """What a person did with a mail, as an event of theirs."""
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
    name = f"delivery:{fingerprint(report)}"
    return NewEvent(name=HEARD[report.kind], properties=properties, at=report.at, message_id=name)


def _later(told: Sequence[Told]) -> str:
    """Which comes last, a delivery or a bounce, by the instants of all reports; at the same one it is the bounce."""
    bounced = max((one.at for one in told if one.kind == "bounced" and not one.machine), default=None)
    arrived = (one.at for one in told if one.machine or one.kind == "delivered")
    delivered = max(arrived, default=None)
    return "delivered" if bounced is None or (delivered is not None and delivered > bounced) else "bounced"
