"""What customers' rows say of their events, against the events; and rows whose customer is not there.

A customer's row counts their events by name and keeps the number of the last. Nothing but an erasure takes events away,
and that takes all, with the customer. Two who become one leave holes in the numbers and no difference in the counts, so
the counts are compared, and the holes tell no more than whether as many events can have been there. Each is looked at
again under the customer's lock, where it is repaired.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.facts import customer_facts
from services.customers.attributes import profiles
from services.customers.history import past_orders
from services.reconciliation.differences import DifferenceKind
from store.queries.enrollment import decisions
from store.queries.history import events as event_rows
from store.queries.identity import customer_words, customers
from store.queries.recounting import event_recounts
from store.queries.recounting.event_recounts import CountedEvents, CustomerFactsRow
from store.tables.customers import Customer
from value.orders import ORDER_EVENTS

PAGE = 500
"""Customers who are compared in one state of the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongEvents:
    """What differs of a customer's events, by name (empty: their numbers), and by how much."""

    kind: DifferenceKind
    customer: str
    names: Mapping[str, int]

    @property
    def count(self) -> int:
        """By how many events, all names together."""
        return sum(map(abs, self.names.values()))

    @property
    def told(self) -> str:
        """Whose events, and by name how many rows are missing (-), or are not counted (+)."""
        by_name = (f"{name} {by:+}" if name else f"the last number {by:+}" for name, by in sorted(self.names.items()))
        return f"{self.customer}: {', '.join(by_name)}"


def missed_page(session: Session, after: str) -> tuple[str | None, int, Sequence[str]]:
    """The next customers behind the id `after`: the last (None: no more), how many, and who up to there is gone."""
    there = event_recounts.ids(session, after, PAGE)
    last = there[-1] if len(there) == PAGE else None
    missed = event_recounts.missed(session, after, last, PAGE)
    return (missed[-1] if len(missed) == PAGE else last), len(there), missed


def wrong_page(session: Session, after: str) -> tuple[str | None, int, list[WrongEvents]]:
    """The next customers behind the id `after`: the last of them (None: there are no more), how many, what differs."""
    rows = event_recounts.page(session, after, PAGE)
    return (rows[-1].id if rows else None), len(rows), list(_wrong(session, rows))


def _wrong(session: Session, rows: Sequence[CustomerFactsRow]) -> Iterator[WrongEvents]:
    counted = {one.id: CountedEvents() for one in rows} | dict(
        event_recounts.counted(session, [one.id for one in rows])
    )
    off = [one for one in rows if _kept(one) != counted[one.id].names or one.seq < counted[one.id].last]
    event_recounts.add_losses(session, {one.id: counted[one.id] for one in off})
    for one in off:
        yield from _of_one(one, counted[one.id])


def _kept(row: CustomerFactsRow) -> Counter[str]:
    return Counter({name: int(one.get("count", 0)) for name, one in (row.events or {}).items()})


def _of_one(row: CustomerFactsRow, counted: CountedEvents) -> Iterator[WrongEvents]:
    kept, there = _kept(row), counted.names
    if row.seq < counted.last:
        by = {"": row.seq - counted.last}
        yield WrongEvents(kind=DifferenceKind.EVENT_NUMBER, customer=row.id, names=by)
    lost = {name: -by for name in kept if (by := kept[name] - there[name] - counted.lost[name]) > 0}
    beyond = {name: by for name in there if (by := there[name] - kept[name]) > 0}
    holes = max(row.seq, counted.last) - there.total() - counted.lost.total()
    if -sum(lost.values()) > holes:  # so many events never had a number
        beyond, lost = beyond | lost, {}
    if lost:
        yield WrongEvents(kind=DifferenceKind.EVENT_LOST, customer=row.id, names=lost)
    if beyond:
        yield WrongEvents(kind=DifferenceKind.EVENT_COUNT, customer=row.id, names=beyond)


# -- what is done about it ---------------------------------------------------------------------------------------------


def repair(session: Session, wrong: Collection[WrongEvents], now: datetime) -> int:
    """Mend what is so still; return how many differences that were."""
    locked = {one.id: one for one in customers.lock_all(session, [one.customer for one in wrong])}
    wanted = {(one.customer, one.kind) for one in wrong}
    still = list(_wrong(session, event_recounts.of_ids(session, locked)))
    mended = [one for one in still if (one.customer, one.kind) in wanted]
    for one in mended:
        _REPAIRS[one.kind](session, locked[one.customer], one, now)
    session.flush()
    return sum(one.count for one in mended)


def _number(session: Session, customer: Customer, wrong: WrongEvents, now: datetime) -> None:
    customer.seq -= wrong.names[""]
    session.add(customer)


def _put_on_record(session: Session, customer: Customer, wrong: WrongEvents, now: datetime) -> None:
    rows = [
        decisions.row(customer.id, event_recounts.LOST, {"event": name, "count": -by}, now)
        for name, by in sorted(wrong.names.items())
    ]
    decisions.add(session, rows)


def _count_anew(session: Session, customer: Customer, wrong: WrongEvents, now: datetime) -> None:
    """The facts of these names, folded from the events that are there."""
    found: dict[str, Any] = {name: one for name, one in customer.events.items() if name not in wrong.names}
    for name, at, properties in event_rows.up_to(session, customer.id, customer.seq, wrong.names):
        found[name] = customer_facts.fold_json(found.get(name), at, customer_facts.amount(properties))
    customer.events = found
    session.add(customer)


_REPAIRS = {
    DifferenceKind.EVENT_NUMBER: _number,
    DifferenceKind.EVENT_LOST: _put_on_record,
    DifferenceKind.EVENT_COUNT: _count_anew,
}


def make_again(session: Session, customer_ids: Collection[str], now: datetime) -> int:
    """Make customers again of whom there are rows alone, from what their events tell; return how many.

    They have the id that their rows name, and no name of the product's: nobody has kept that.
    """
    gone = set(customer_ids) - {one.id for one in customers.by_ids(session, customer_ids)}
    for one in sorted(gone):
        _make_again(session, one, now)
    return len(gone)


def _make_again(session: Session, customer_id: str, now: datetime) -> None:
    known = event_recounts.whole(session, customer_id)
    made = Customer(id=customer_id, created_at=min((one.received_at for one in known), default=now), updated_at=now)
    folded = dict[str, Any]()
    for one in known:
        made.seq = one.seq
        folded[one.name] = customer_facts.fold_json(folded.get(one.name), one.at, customer_facts.amount(one.properties))
        if one.type == "identify":
            profiles.take_traits(made, one.properties, now)
    made.events = folded
    ordered = ((one.seq, one.name, one.at, one.properties) for one in known if one.name in ORDER_EVENTS)
    made.purchases = past_orders.folded(ordered)
    session.add(made)
    session.flush()
    customer_words.renew(session, [made])
