"""Many rows at once, past the unit of work."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, SQLModel

Row = dict[str, Any]


def add(session: Session, table: type[SQLModel], rows: Sequence[Row]) -> None:
    """Insert rows; every row has the same columns.

    The statement and the columns' processors are looked up once and the driver gets plain tuples: a third of the time
    that the general way takes, which an import of 70,000 rows feels.
    """
    if not rows:
        return
    connection = session.connection()
    statement, columns = _plan(str(table.__tablename__), tuple(rows[0]), connection.dialect)
    values = [tuple(row[name] if ready is None else ready(row[name]) for name, ready in columns) for row in rows]
    connection.exec_driver_sql(statement, values)


@lru_cache(maxsize=256)
def _plan(
    table: str, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, tuple[tuple[str, Callable[[Any], Any] | None], ...]]:
    """The INSERT with positional marks, and how the driver wants each column."""
    columns = SQLModel.metadata.tables[table].c
    mark = "%s" if dialect.name == "postgresql" else "?"
    quoted = ", ".join(f'"{name}"' for name in names)
    statement = f'INSERT INTO "{table}" ({quoted}) VALUES ({", ".join([mark] * len(names))})'
    processors = tuple((name, columns[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names)
    return statement, processors


def add_missing(session: Session, table: type[SQLModel], rows: Sequence[Row]) -> None:
    """Insert the rows that are not there yet."""
    make = postgres_insert if session.connection().dialect.name == "postgresql" else sqlite_insert
    session.connection().execute(make(table).on_conflict_do_nothing(), rows)


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
