"""The ledger of what mails are credited with: orders, the mails before them, and what came of a mail once."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy
from sqlmodel import Session, SQLModel, col, delete, func, select

from store import bulk
from store.statuses import MessageStatus
from store.tables.attribution import CreditedOrder, MailCredit
from store.tables.messages import Message

OrderName = tuple[str, str]
"""A customer's internal id and the key of one of their orders."""


class AcceptedMail(NamedTuple):
    """A mail that a provider took, as far as it is counted."""

    id: str
    customer_id: str
    accepted_at: datetime
    lane: str
    delivery: str | None
    journey: str
    stage: str
    step: str
    broadcast: str | None
    template: str
    variant: str | None
    locale: str | None
    source: str | None


_ACCEPTED: Any = tuple(getattr(Message, name) for name in AcceptedMail._fields)


def mails_between(
    session: Session, customer_ids: Collection[str], since: datetime, until: datetime
) -> Iterator[AcceptedMail]:
    """The mails of some customers that were accepted between two instants (both included), in that order."""
    for part in bulk.parts(sorted(customer_ids)):
        query: Any = sqlalchemy.select(*_ACCEPTED).where(
            col(Message.customer_id).in_(part),
            col(Message.accepted_at) >= since,
            col(Message.accepted_at) <= until,
            col(Message.status) == MessageStatus.ACCEPTED,
        )
        rows: Any = session.connection().execute(query.order_by(col(Message.accepted_at), col(Message.id)))
        for row in rows:
            yield AcceptedMail(*row)


def orders(session: Session, names: Collection[OrderName]) -> dict[OrderName, CreditedOrder]:
    """Those of these orders that are in the ledger."""
    return {(one.customer_id, one.order_key): one for one in _rows(session, CreditedOrder, names)}


class OrderOfCustomer(NamedTuple):
    """Whose order of when it is, what it is worth now (in its currency's smallest units), and what was told of it."""

    customer_id: str
    at: datetime
    currency: str
    worth: int | None
    told: Mapping[str, Any]


def ordered_between(
    session: Session, customer_ids: Collection[str], since: datetime, until: datetime
) -> Iterator[OrderOfCustomer]:
    """The orders of some customers from one instant (included) to another (not included), in no order."""
    columns: Any = tuple(getattr(CreditedOrder, name) for name in OrderOfCustomer._fields)
    here = (col(CreditedOrder.customer_id).in_(customer_ids), col(CreditedOrder.at) >= since)
    query: Any = sqlalchemy.select(*columns).where(*here, col(CreditedOrder.at) < until)
    rows: Any = session.connection().execute(query)
    for row in rows:
        yield OrderOfCustomer(*row)


def of_orders(session: Session, names: Collection[OrderName]) -> dict[OrderName, list[MailCredit]]:
    """What mails are credited with of each of these orders, in the order in which the mails were accepted."""
    found: dict[OrderName, list[MailCredit]] = {}
    for one in sorted(_rows(session, MailCredit, names), key=lambda row: (row.accepted_at, row.message_id)):
        found.setdefault((one.customer_id, one.order_key), []).append(one)
    return found


def _rows(session: Session, table: Any, names: Collection[OrderName]) -> Iterator[Any]:
    wanted = set(names)
    for part in bulk.parts(sorted(wanted)):
        here = (
            table.customer_id.in_(sorted({customer for customer, _ in part})),
            table.order_key.in_(sorted({key for _, key in part})),
        )
        for one in _plain(session, table, *here):
            if (one.customer_id, one.order_key) in wanted:
                yield one


def _plain(session: Session, table: Any, *where: Any) -> Iterator[Any]:
    """Rows that belong to no session: what is changed of them is written by `put`."""
    found: Any = session.connection().execute(sqlalchemy.select(table.__table__).where(*where))
    yield from (table(**row) for row in found.mappings())


def of_customer(session: Session, customer_id: str) -> tuple[Sequence[CreditedOrder], Sequence[MailCredit]]:
    """All orders of a customer and what mails are credited with of them."""
    bought = list(_plain(session, CreditedOrder, CreditedOrder.customer_id == customer_id))
    return bought, list(_plain(session, MailCredit, MailCredit.customer_id == customer_id))


def known(session: Session, customer_ids: Collection[str]) -> set[OrderName]:
    """The orders of these customers that are in the ledger."""
    query = select(CreditedOrder.customer_id, CreditedOrder.order_key)
    return set(session.exec(query.where(col(CreditedOrder.customer_id).in_(customer_ids))).all())


def put(session: Session, bought: Sequence[bulk.ColumnValues], credited: Sequence[bulk.ColumnValues]) -> None:
    """Keep orders, and what mails are credited with, in the place of what was kept of them."""
    bulk.put(session, CreditedOrder, bought)
    bulk.put(session, MailCredit, credited)


def drop(session: Session, table: type[SQLModel], customer_id: str) -> None:
    """Let go of a customer's rows of the ledger."""
    columns: Any = SQLModel.metadata.tables[str(table.__tablename__)]
    session.connection().execute(delete(columns).where(columns.c.customer_id == customer_id))


def drop_credits(session: Session, name: OrderName) -> None:
    """Let go of what mails are credited with of one order."""
    here = (col(MailCredit.customer_id) == name[0], col(MailCredit.order_key) == name[1])
    session.connection().execute(delete(MailCredit).where(*here))


# -- checked -----------------------------------------------------------------------------------------------------------


class LedgerSum(NamedTuple):
    """What all rows of a currency come to, by each model."""

    currency: str
    last: int
    first: int
    linear: int


def ledger_sums(session: Session) -> Sequence[LedgerSum]:
    """What mails are credited with, by currency: reads the whole ledger."""
    sums = (func.sum(MailCredit.last), func.sum(MailCredit.first), func.sum(MailCredit.linear))
    query: Any = sqlalchemy.select(col(MailCredit.currency), *sums).group_by(col(MailCredit.currency))
    rows: Any = session.connection().execute(query)
    return [LedgerSum(currency, *(int(one or 0) for one in found)) for currency, *found in rows]


def orders_not_credited_whole(session: Session) -> int:
    """How many orders are not what their mails are credited with together, by one of the models."""
    order: Any = CreditedOrder
    same = (col(MailCredit.customer_id) == order.customer_id, col(MailCredit.order_key) == order.order_key)
    worth = func.coalesce(order.worth, 0)
    wrong: Any = (
        sqlalchemy.select(order.customer_id)
        .join(MailCredit, sqlalchemy.and_(*same))
        .group_by(order.customer_id, order.order_key, order.worth)
        .having(
            sqlalchemy.or_(
                func.sum(MailCredit.last) != worth,
                func.sum(MailCredit.first) != worth,
                func.sum(MailCredit.linear) != worth,
            )
        )
        .subquery()
    )
    found: Any = session.connection().execute(sqlalchemy.select(func.count()).select_from(wrong))
    return int(found.scalar_one())
