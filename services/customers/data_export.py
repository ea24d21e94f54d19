"""Everything that is kept about a customer, as JSON: the right to see it."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from store.tables.access import Audit
from store.tables.customers import Customer, Suppression
from store.tables.messages import Message, OutboxMail

OWN = "customer_id"
"""The column by which a table names whose a row is."""


def export(session: Session, customer: Customer) -> dict[str, Any]:
    """Rows by table. A table of the future that names its owner is in it by itself."""
    found: dict[str, Any] = {"customer": _plain(customer.model_dump())}
    for table in SQLModel.metadata.sorted_tables:
        if OWN in table.c:
            rows = session.connection().execute(table.select().where(table.c[OWN] == customer.id)).mappings()
            found[table.name] = [_plain(dict(row)) for row in rows]
    mails = select(Message.id).where(Message.customer_id == customer.id)
    caught = session.exec(select(OutboxMail).where(col(OutboxMail.send_id).in_(mails))).all()
    found["outbox_mail"] = [_plain(one.model_dump()) for one in caught]
    suppression = session.get(Suppression, customer.email) if customer.email else None
    found["suppression"] = [_plain(suppression.model_dump())] if suppression else []
    audits = session.exec(select(Audit).where(Audit.kind == "customer", Audit.target == customer.id)).all()
    found["audit"] = [_plain(one.model_dump()) for one in audits]
    return found


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
