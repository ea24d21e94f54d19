"""Orders are credited to the mails before them, in the transaction that takes their events in.

An order is credited once, by the mails that were accepted before it happened, and never anew. Whatever takes it back
(a refund before the order, another one years later) leaves of each credit what the order is still worth by it. The
caller has locked the customers.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from services.attribution import mail_outcomes, variant_revenue
from services.attribution.rules import AttributionRules
from store import bulk
from store.queries.figures import credits, mail_results
from store.queries.figures.credits import AcceptedMail, OrderName
from store.queries.history import events, unreadable_values
from store.queries.history.unreadable_values import UnreadableValue
from store.tables.attribution import CreditedOrder, MailCredit
from value import attribution, money, orders, purchases
from value.orders import COMPLETED, ORDER_EVENTS
from value.purchases import Order, OrderEvent

KIND = "credits"
"""The kind of the backfill that credits the orders from before there was a ledger."""


def credit(session: Session, told: Sequence[OrderEvent], rules: AttributionRules, now: datetime) -> None:
    """Credit orders, or take back what was credited, by events in their order; `now` is when they came (UTC)."""
    named = [(one, (one.customer_id, key)) for one in told if (key := one.key) is not None]
    if not named:
        return
    ledger = OrderLedger(session, {name for _, name in named}, now)
    mails = _MailsBefore(session, [one for one in told if one.name == COMPLETED], rules)
    for one, name in named:
        if one.known and name not in ledger.orders:
            continue  # bought before there was a ledger, or taken in by an import: nobody was mailed for it
        order = ledger.order(name)
        after = purchases.told(order, one.name, one.said, one.at)
        if after is order:
            continue  # told once more
        if order.at is None and after.at is not None:
            ledger.begin(name, mails.before(one))
        ledger.change(name, after)
    ledger.store()


def credit_past(session: Session, customer_ids: Sequence[str], rules: AttributionRules, now: datetime) -> None:
    """Credit the orders of these locked customers that came before there was a ledger; those that are in it stay."""
    known = credits.known(session, customer_ids)
    past = (
        OrderEvent.read(customer_id, seq, name, at, properties)
        for customer_id, seq, name, at, properties in events.of_names(session, customer_ids, ORDER_EVENTS)
    )
    credit(session, [one for one in past if (one.customer_id, one.key or "") not in known], rules, now)


class _MailsBefore:
    """The mails that may be credited with some orders, read at once."""

    def __init__(self, session: Session, bought: Sequence[OrderEvent], rules: AttributionRules) -> None:
        self._rules = rules
        self._found: defaultdict[str, list[AcceptedMail]] = defaultdict(list)
        if bought:
            instants = [one.at for one in bought]
            since = min(instants) - rules.longest
            for one in credits.mails_between(session, {each.customer_id for each in bought}, since, max(instants)):
                self._found[one.customer_id].append(one)

    def before(self, bought: OrderEvent) -> list[AcceptedMail]:
        """In the order in which they were accepted."""
        return [one for one in self._found[bought.customer_id] if self._rules.may_credit(one, bought.at)]


class OrderLedger:
    """Some orders of one transaction with their credits: read at once, changed, and stored at once."""

    def __init__(self, session: Session, names: Iterable[OrderName], now: datetime) -> None:
        wanted = set(names)
        self._session, self._now = session, now
        self.orders = credits.orders(session, wanted)
        self._credits = credits.of_orders(session, wanted) if self.orders else {}
        self._changed: dict[OrderName, None] = {}
        self._otherwise: dict[OrderName, None] = {}
        self._counts = mail_results.tally(session)

    def order(self, name: OrderName) -> Order:
        """What is known of an order."""
        row = self.orders.get(name)
        return Order.from_json(row.told) if row is not None else purchases.UNTOLD

    def begin(self, name: OrderName, mails: Sequence[AcceptedMail]) -> None:
        """These mails are credited with an order from now on, as yet with nothing."""
        self._credits[name] = [
            MailCredit(
                customer_id=name[0],
                order_key=name[1],
                message_id=one.id,
                kind=self._counts.know(one),
                accepted_at=one.accepted_at,
                currency="",
                last=0,
                first=0,
                linear=0,
            )
            for one in mails
        ]

    def change(self, name: OrderName, after: Order) -> None:
        """What an order is by what is known now: its credits and everything that is counted follow from it."""
        before, row = self.order(name), self.orders.get(name)
        was = row.worth or 0 if row is not None else 0
        worth = worth_of(after)
        self.orders[name] = CreditedOrder(
            customer_id=name[0],
            order_key=name[1],
            at=after.at,
            currency=after.currency,
            worth=worth,
            told=kept_of(after),
        )
        self._changed[name] = None
        if row is not None and ((worth or 0) != was or (row.at, row.currency) != (after.at, after.currency)):
            self._otherwise[name] = None
        if after.at is None:
            return
        mails = self._credits.get(name, [])
        self._count_order(before, after, (worth or 0) - was, credited=bool(mails))
        self._count_mails(mails, after.currency, worth or 0)
        self._count_conversion(mails, standing(after) - standing(before))
        self._note_other_currencies(name[0], before, after)

    def adopt(self, name: OrderName, row: CreditedOrder, mails: Sequence[MailCredit]) -> None:
        """Take in an order of another profile with its credits, as they are counted already."""
        owner: bulk.ColumnValues = {"customer_id": name[0], "order_key": name[1]}
        self.orders[name] = CreditedOrder(**{**_columns(row), **owner})
        self._credits[name] = [MailCredit(**{**_columns(one), **owner}) for one in mails]
        self._changed[name] = None

    def withdraw(self, row: CreditedOrder, mails: Sequence[MailCredit]) -> None:
        """Take an order back from everything that is counted: another one is the same."""
        order = Order.from_json(row.told)
        if order.at is None:
            return
        gone = replace(order, taken_back=((None, order.currency),))
        self._count_order(order, gone, -(row.worth or 0), credited=bool(mails))
        self._count_mails(mails, row.currency, 0)
        self._count_conversion(mails, -standing(order))

    def forget(self, name: OrderName) -> None:
        """Withdraw an order of this ledger, in whose place another comes."""
        mails = self._credits.pop(name, [])
        self.withdraw(self.orders.pop(name), mails)
        credits.drop_credits(self._session, name)
        self._otherwise[name] = None

    def _count_order(self, before: Order, after: Order, by: int, *, credited: bool) -> None:
        """On the day of the order, of no kind of mail."""
        assert after.at is not None
        changes = {
            mail_results.ORDERS: standing(after) - standing(before),
            mail_results.WITHOUT_AMOUNT: _nameless(after) - _nameless(before),
            mail_results.ORDERED: by,
            mail_results.CREDITED: by if credited else 0,
        }
        for what, change in changes.items():
            self._counts.add(mail_results.NO_KIND, after.at, what, change, after.currency)

    def _count_mails(self, mails: Sequence[MailCredit], currency: str, worth: int) -> None:
        if not mails:
            return
        for model, divide in attribution.MODELS.items():
            for one, credited in zip(mails, divide(worth, len(mails)), strict=True):
                change = credited - getattr(one, model)
                setattr(one, model, credited)
                one.currency = currency
                self._counts.add(one.kind, one.accepted_at, f"{mail_results.REVENUE}{model}", change, currency)

    def _count_conversion(self, mails: Sequence[MailCredit], by: int) -> None:
        """An order that stands is a conversion of the mail that came last."""
        if mails and by:
            last = mails[-1]
            mail_outcomes.credit(
                self._session, last.message_id, last.customer_id, last.kind, last.accepted_at, orders=by
            )

    def _note_other_currencies(self, customer_id: str, before: Order, after: Order) -> None:
        """A refund in another currency than its order takes nothing back, and counts as not understood."""
        fresh = after.taken_back[len(before.taken_back) if before.at is not None else 0 :]
        other = [
            currency
            for amount, currency in fresh
            if amount is not None and currency not in (after.currency, orders.UNSTATED)
        ]
        found = [
            UnreadableValue(customer_id=customer_id, source=f"event {orders.REFUNDED}", field="currency", value=one)
            for one in other
        ]
        unreadable_values.note(self._session, found, self._now)

    def store(self) -> None:
        """Write what has changed."""
        bought = [_columns(self.orders[name]) for name in self._changed]
        credited = [_columns(one) for name in self._changed for one in self._credits.get(name, [])]
        self._session.flush()
        credits.put(self._session, bought, credited)
        variant_revenue.change(self._session, {name: self.orders[name] for name in self._otherwise})


def standing(order: Order) -> int:
    """1 for an order that came and was not taken back as a whole, else 0."""
    return int(order.counts)


def _nameless(order: Order) -> int:
    return int(order.counts and order.amount is None)


def worth_of(order: Order) -> int | None:
    """What an order is worth now, in the smallest units of its currency; None where it has no amount, or has not come.

    The amount and each refund are rounded by themselves, so that they add up as a shop's books do.
    """
    if order.at is None or order.amount is None:
        return None
    if not order.counts:
        return 0
    back = sum(
        money.in_units(amount, order.currency)
        for amount, currency in order.taken_back
        if amount is not None and currency in (order.currency, orders.UNSTATED)
    )
    return max(0, money.in_units(order.amount, order.currency) - back)


def kept_of(order: Order) -> dict[str, Any]:
    """What the ledger keeps of an order: none of what was bought."""
    kept = order.as_json()
    return {name: kept[name] for name in ("at", "amount", "currency", "taken_back") if name in kept}


def _columns(row: Any) -> bulk.ColumnValues:
    return {column.name: getattr(row, column.name) for column in type(row).__table__.columns}
