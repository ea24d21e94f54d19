"""Somebody who makes broadcasts, sends them and reads what became of them, for the tests of broadcasts."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from services.definitions import broadcasts
from services.definitions.broadcast_definition import BroadcastIn
from services.jobs.mails import cancel_broadcast, plan_broadcast
from services.messages.sending import claiming, sending_ledger
from services.messages.sending.sending_ledger import AttemptResult
from services.operations import operations
from services.reports.customer import customer_view
from services.upkeep.clocks import broadcast_clock
from store.queries.mails import messages
from store.session import Database
from store.statuses import MessageStatus
from store.tables.access import Operation
from store.tables.broadcasts import Broadcast
from store.tables.customers import Segment, SegmentMember
from store.tables.messages import Message

KNOWN = frozenset({"spring", "summer"})
ZONES = {"ann": "Europe/Berlin", "bob": "America/Los_Angeles", "cyd": "Asia/Tokyo", "dan": None}

AB = {
    "template": None,
    "variants": {"a": {"template": "spring"}, "b": {"template": "summer"}},
    "test": {"sample": 50, "winner": "clicked", "after": "4 hours"},
}
"""A test of one variant against the other."""


class Desk:
    """A marketer's desk: everything is done as the API, the upkeep, the operation and the lane do it."""

    def __init__(self, database: Database, take: Callable[..., Any], at: datetime) -> None:
        self.database, self._take, self.at = database, take, at

    def people(self, *users: str, **traits: Any) -> None:
        """Customers, in the segment `all`."""
        for user in users:
            zone = {"timezone": ZONES[user]} if ZONES.get(user) else {}
            attributes = {"email": f"{user}@example.com", "first_name": user, **zone, **traits}
            self._take({"type": "identify", "userId": user, "traits": attributes}, at=self.at)
        with self.database.writing() as session:
            if session.get(Segment, "all") is None:
                session.add(Segment(key="all", guard="true", created_at=self.at, updated_at=self.at))
            for user in users:
                customer = customer_view.customer(session, user)
                session.merge(SegmentMember(segment="all", customer_id=customer.id, since=self.at))

    def put(self, key: str = "spring", **body: Any) -> None:
        wanted = {"segment": "all", "template": "spring", "topic": "news", **body}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        with self.database.writing() as session:
            broadcasts.put(session, key, BroadcastIn.model_validate(wanted), KNOWN, self.at)

    def do(self, action: Callable[..., Any], key: str = "spring", *more: Any) -> Any:
        with self.database.writing() as session:
            return action(session, key, *more, self.at)

    def ticks(self, **later: float) -> None:
        """Time passes; the clock's work is done, and operations run to their end."""
        self.at += timedelta(**later)
        with self.database.writing() as session:
            broadcast_clock.run_due(session, self.at)
        self.operate()

    def operate(self) -> None:
        with self.database.reading() as session:
            queued = session.exec(select(Operation).where(Operation.status == "queued")).all()
        for one in queued:
            self.run(one)

    def run(self, operation: Operation) -> dict[str, Any]:
        kinds = {
            broadcast_clock.PLAN: plan_broadcast.pages,
            broadcast_clock.PREVIEW: plan_broadcast.preview,
            broadcast_clock.CANCEL: cancel_broadcast.pages,
        }
        with self.database.writing() as session:
            operations.begin(session, operation.id, self.at)
        for page in kinds[operation.kind](self.database, operation, lambda: self.at):
            with self.database.writing() as session:
                if operations.advance(session, operation.id, page) is None:
                    break
        with self.database.writing() as session:
            operations.close(session, operation.id, self.at)
            return operations.get(session, operation.id).result or {}

    def send(self, key: str = "spring") -> None:
        self.do(broadcasts.schedule, key)
        self.ticks()

    def deliver(self, limit: int = 100, **later: float) -> list[tuple[str, str]]:
        """Let the lane claim and the provider accept; who got which template."""
        self.at += timedelta(**later)
        with self.database.writing() as session:
            sending_ledger.take_over(session, "broadcast", "f", self.at)
            claimed = claiming.claim(session, "broadcast", "f", limit, self.at)
            messages.freeze(session, {one.send_id: one.attempt for one in claimed}, "f", self.at)
            results = [
                AttemptResult(send_id=one.send_id, status=MessageStatus.ACCEPTED, provider="p") for one in claimed
            ]
            sending_ledger.record(session, "f", results, self.at)
        return sorted((one.to.partition("@")[0], one.template) for one in claimed)

    def row(self, key: str = "spring") -> Broadcast:
        with self.database.reading() as session:
            return broadcasts.get(session, key)

    def messages(self) -> Sequence[Message]:
        with self.database.reading() as session:
            return session.exec(select(Message).order_by(col(Message.not_before))).all()

    def ledger(self) -> dict[str, int]:
        return dict(Counter(f"{one.status} {one.reason}" if one.reason else one.status for one in self.messages()))
