"""Everything that is kept about a customer, as JSON: the right to see it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, SQLModel

from store.queries.access import audits
from store.queries.identity import ownership
from store.queries.mails import outbox
from store.tables.customers import Customer, Suppression


def export(session: Session, customer: Customer) -> dict[str, Any]:
    """Rows by table, as JSON: instants in ISO 8601, UTC.

    A table of the future that names its owner is in it by itself.
    """
    suppression = session.get(Suppression, customer.email) if customer.email else None
    elsewhere: Mapping[str, Sequence[SQLModel]] = {
        "outbox_mail": outbox.of_customer(session, customer.id),
        "suppression": [suppression] if suppression else [],
        "audit": audits.about(session, "customer", customer.id),
    }
    found: dict[str, Any] = {"customer": _plain(customer.model_dump())}
    found |= {table: [_plain(row) for row in rows] for table, rows in ownership.rows(session, customer.id).items()}
    return found | {table: [_plain(row.model_dump()) for row in rows] for table, rows in elsewhere.items()}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
