"""A shop whose customers were mailed, and a recount of what its mails brought: from the rows, by plain Python."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from sqlmodel import Session, select

from services.reports.results import mail_report
from store.queries.mails import messages
from store.session import Database
from store.statuses import MessageStatus
from store.tables.customers import Customer, Event
from store.tables.messages import Message

WINDOW = timedelta(days=7)
"""The one of the settings, for all mails here."""


def order(number: str | None, total: Any = 20, user: str = "ann", name: str = "Order Completed", **more: Any) -> Any:
    said = {"order_id": number, "total": total, "currency": "EUR", **more}
    given = {key: value for key, value in said.items() if value is not None}
    return {"type": "track", "event": name, "userId": user, "properties": given}


def customer_id(session: Session, user: str) -> str:
    return session.exec(select(Customer.id).where(Customer.external_id == user)).one()


def send(database: Database, name: str, at: datetime, user: str = "ann", **more: Any) -> None:
    """A mail of this name was accepted at an instant."""
    given = {"template": f"{name}-t", "topic": "news", "lane": "journey", "journey": "spring", **more}
    with database.writing() as session:
        messages.add(session, [messages.row(name, customer_id(session, user), due=at, now=at, **given)])
        mail = session.get_one(Message, name)
        mail.accepted_at = at
        messages.change(session, mail, MessageStatus.ACCEPTED, at)


def report(database: Database, now: datetime, **asked: Any) -> dict[str, Any]:
    with database.reading() as session:
        return mail_report.mails(session, asked.pop("by", "template"), now, **asked)


def revenue(database: Database, now: datetime, currency: str = "EUR") -> dict[str, tuple[float, float, float]]:
    """By template what the report credits, by last, first and linear."""
    return {
        line["template"]: (one["last"], one["first"], one["linear"])
        for line in report(database, now)["mails"]
        for one in line["revenue"]
        if one["currency"] == currency
    }


# -- counted anew ------------------------------------------------------------------------------------------------------


class Bought:
    """One order as the events tell it."""

    def __init__(self) -> None:
        self.at: datetime | None = None
        self.amount = Decimal(0)
        self.currency = ""
        self.back = Decimal(0)
        self.whole = False

    @property
    def cents(self) -> int:
        return 0 if self.whole else int(max(Decimal(0), self.amount - self.back))


def _cents(value: Any) -> Decimal:
    return (Decimal(str(value)) * 100).to_integral_value(rounding=ROUND_HALF_EVEN)


def bought_by(events: list[Event]) -> list[Bought]:
    """Of a shop that has two decimals and writes every amount."""
    found: defaultdict[str, Bought] = defaultdict(Bought)
    for event in sorted(events, key=lambda event: event.seq):
        if not event.name.startswith("Order "):
            continue
        said = event.properties
        one = found[str(said["order_id"]) if "order_id" in said else f"event {event.seq}"]
        if event.name == "Order Completed" and one.at is None:
            one.at, one.amount, one.currency = event.at, _cents(said["total"]), said["currency"]
        elif event.name == "Order Refunded":
            one.back += abs(_cents(said["total"]))
        elif event.name == "Order Cancelled":
            one.whole = True
    return [one for one in found.values() if one.at is not None]


def counted_anew(database: Database) -> dict[tuple[str, str, str], int]:
    """What each template brought in cents, by model and currency: every order, every mail before it."""
    with database.reading() as session:
        mails, events = defaultdict[str, list[Message]](list), defaultdict[str, list[Event]](list)
        for mail in session.exec(select(Message)).all():
            mails[mail.customer_id].append(mail)
        for event in session.exec(select(Event)).all():
            if event.name.startswith("Order "):
                events[event.customer_id].append(event)
    found = Counter[tuple[str, str, str]]()
    for customer, happened in events.items():
        for one in bought_by(happened):
            assert one.at is not None
            before = [
                mail for mail in mails[customer] if mail.accepted_at and one.at - WINDOW <= mail.accepted_at <= one.at
            ]
            before.sort(key=lambda mail: (mail.accepted_at, mail.id))
            for place, mail in enumerate(before):
                each, left = divmod(one.cents, len(before))
                found[mail.template, "last", one.currency] += one.cents if mail is before[-1] else 0
                found[mail.template, "first", one.currency] += one.cents if mail is before[0] else 0
                found[mail.template, "linear", one.currency] += each + (place < left)
    return {key: cents for key, cents in found.items() if cents}


def reported(database: Database, now: datetime) -> dict[tuple[str, str, str], int]:
    """The same by the report."""
    return {
        (line["template"], model, one["currency"]): round(100 * one[model])
        for line in report(database, now)["mails"]
        for one in line["revenue"]
        for model in ("last", "first", "linear")
        if one[model]
    }
