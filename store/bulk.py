"""Many rows at once, past the unit of work."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, SQLModel

Row = dict[str, Any]


def add(session: Session, table: type[SQLModel], rows: Sequence[Row]) -> None:
    """Insert rows; every row has the same columns."""
    if rows:
        session.connection().execute(insert(table), list(rows))


def increment(
    session: Session, table: type[SQLModel], keys: Mapping[tuple[Any, ...], int], names: Sequence[str]
) -> None:
    """Add to the `count` of rows, which are made where missing; `names` are the columns of the keys."""
    rows = [dict(zip(names, key, strict=True)) | {"count": by} for key, by in sorted(keys.items()) if by]
    if not rows:
        return
    make = postgres_insert if session.connection().dialect.name == "postgresql" else sqlite_insert
    statement = make(table)
    table_columns: Any = SQLModel.metadata.tables[str(table.__tablename__)].c
    session.connection().execute(
        statement.on_conflict_do_update(
            index_elements=list(names), set_={"count": table_columns.count + statement.excluded.count}
        ),
        rows,
    )
