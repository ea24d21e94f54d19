"""A shop with few customers and with many, the work that is asked for there, and what is stored of it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session, col, select

from activities.operations import KINDS
from services.ingestion.ingest import IngestResult
from services.operations import operations, uploads
from store.session import Database
from store.tables.access import Operation
from store.tables.customers import Customer

Ingest = Callable[..., IngestResult]
Done = Callable[..., dict[str, Any]]

FEW, MANY = 10, 90
SIZES = pytest.mark.parametrize("count", [FEW, MANY])

JOURNEY = """
journey: {key}
enter: {enter}
start: new
stages: {{new: {{steps: [{{send: {{template: mail_a, topic: news}}}}, {{wait: 9 days}}]}}}}
"""
TRIGGERS = {
    "on_identify": "[{on: Identify, when: 'customer.plan == \"pro\"'}]",
    "on_join": "[{segment: pros}]",
    "on_date": "[{date: customer.ends}]",
    "on_order": "[{on: Order}]",
}


def identified(count: int, **traits: Any) -> list[dict[str, Any]]:
    return [
        {
            "type": "identify",
            "userId": f"u{number}",
            "traits": {"email": f"u{number}@example.com", "plan": "pro", "ends": "2026-06-01", **traits},
        }
        for number in range(count)
    ]


def rows(database: Database, table: Any, *where: Any) -> list[Any]:
    with database.reading() as session:
        return list(session.exec(select(table).where(*where)).all())


def asked_for(database: Database, what: str, noon: datetime, file: str = "", **request: Any) -> Operation:
    """Work that somebody asked for; with a file."""
    with database.writing() as session:
        operation = operations.start(session, what, {"format": "csv", **request}, noon)
        uploads.keep(session, operation.id, 0, file.encode())
    return operation


def work(database: Database, operation: Operation, noon: datetime) -> dict[str, Any]:
    """Do all of it, page by page, and return what is reported."""
    for page in KINDS[operation.kind](database, operation, lambda: noon):
        if database.write(lambda session, page=page: operations.advance(session, operation.id, page)) is None:
            break
    with database.reading() as session:
        found = operations.get(session, operation.id)
        assert found.error_count == 0
        return found.result or {}


def csv(header: str, lines: Sequence[str]) -> str:
    return "\n".join([header, *lines]) + "\n"


def customers(session: Session) -> Sequence[Customer]:
    return session.exec(select(Customer).order_by(col(Customer.id))).all()
