"""The orders of two profiles that turn out to be one person: each has another owner; one that both told counts once."""

from datetime import UTC, datetime

from sqlmodel import Session

from services.attribution.crediting import OrderLedger
from store.queries.figures import credits
from store.tables.attribution import CreditedOrder, MailCredit
from value import purchases
from value.purchases import Order


def combine(session: Session, source: str, target: str, renumbered: int, now: datetime) -> None:
    """Give the orders of one locked customer to another, whose events are numbered on by so many.

    Of an order that both told, the one told first keeps its credits, less what either takes back.
    """
    bought, credited = credits.of_customer(session, source)
    names = {one.order_key: (target, purchases.moved_key(one.order_key, renumbered)) for one in bought}
    ledger = OrderLedger(session, names.values(), now)
    for one in bought:
        name, order = names[one.order_key], Order.from_json(one.told)
        mails = [mail for mail in credited if mail.order_key == one.order_key]
        known = ledger.order(name) if name in ledger.orders else None
        if known is not None:
            both = purchases.told_by_both(known, order)
            if _told_later(order, known):
                ledger.withdraw(one, mails)
                ledger.change(name, both)
                continue
            ledger.forget(name)
            ledger.adopt(name, one, mails)
            ledger.change(name, both)
        else:
            ledger.adopt(name, one, mails)
    for table in (MailCredit, CreditedOrder):
        credits.drop(session, table, source)
    ledger.store()


def _told_later(order: Order, known: Order) -> bool:
    never = datetime.max.replace(tzinfo=UTC)
    return (order.at or never) >= (known.at or never)
