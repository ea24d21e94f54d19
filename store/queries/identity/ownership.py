"""Whose a row is, whatever table it stands in: shown, given to another customer, or let go of.

A table says it by its column `customer_id`; one of the future that has it is in all of this by itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, delete, update
from sqlmodel import Session, SQLModel

OWNER = "customer_id"
"""The column that makes a row somebody's; `tests/store/test_privacy.py` asks of each table without it."""


def rows(session: Session, customer_id: str) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Every row of a customer's, by table: its columns with their values, as Python has them."""
    here = session.connection()
    return {
        table.name: [dict(row) for row in here.execute(table.select().where(_mine(table, customer_id))).mappings()]
        for table in SQLModel.metadata.sorted_tables
        if OWNER in table.c
    }


def reassign(session: Session, kind: type[SQLModel], source: str, target: str) -> None:
    """Make the rows of one customer another's."""
    table = _table(kind)
    session.connection().execute(update(table).where(_mine(table, source)).values({OWNER: target}))


def delete_rows(session: Session, kind: type[SQLModel], customer_id: str) -> None:
    """Let go of a customer's rows."""
    table = _table(kind)
    session.connection().execute(delete(table).where(_mine(table, customer_id)))


def _table(kind: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(kind.__tablename__)]


def _mine(table: Table, customer_id: str) -> Any:
    return table.c[OWNER] == customer_id
