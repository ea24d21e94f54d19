"""Many rows at once, past the unit of work."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, SQLModel

from store.types import Instant, as_text

Row = dict[str, Any]

COPY_FROM = 20
"""From so many rows on PostgreSQL copies them, which takes a third of the time."""

Processors = tuple[tuple[str, Callable[[Any], Any] | None], ...]

_NOTHING: Any = object()


def add(session: Session, table: type[SQLModel], rows: Sequence[Row]) -> None:
    """Insert rows; every row has the same columns.

    The statement and the columns' processors are looked up once and the driver gets plain tuples: a third of the time
    that the general way takes, which an import of 70,000 rows feels.
    """
    if not rows:
        return
    connection = session.connection()
    statement, columns = _plan(str(table.__tablename__), tuple(rows[0]), connection.dialect)
    values = zip(*(_column(rows, name, ready) for name, ready in columns), strict=True)
    if connection.dialect.name == "postgresql" and len(rows) >= COPY_FROM:
        names = ", ".join(f'"{name}"' for name, _ in columns)
        cursor: Any = connection.connection.cursor()
        with cursor, cursor.copy(f'COPY "{table.__tablename__}" ({names}) FROM STDIN') as copy:
            for one in values:
                copy.write_row(one)
        return
    connection.exec_driver_sql(statement, list(values))


def _column(rows: Sequence[Row], name: str, ready: Callable[[Any], Any] | None) -> list[Any]:
    """The values of one column as the driver wants them; one that comes again and again is made ready once."""
    if ready is None:
        return [row[name] for row in rows]
    last, made, values = _NOTHING, None, list[Any]()
    for row in rows:
        if row[name] is not last:
            last = row[name]
            made = ready(last)
        values.append(made)
    return values


@lru_cache(maxsize=256)
def _plan(table: str, names: tuple[str, ...], dialect: Dialect) -> tuple[str, Processors]:
    """The INSERT with positional marks, and how the driver wants each column."""
    mark = _mark(dialect)
    quoted = ", ".join(f'"{name}"' for name in names)
    statement = f'INSERT INTO "{table}" ({quoted}) VALUES ({", ".join([mark] * len(names))})'
    return statement, _processors(table, names, dialect)


@lru_cache(maxsize=64)
def _change_plan(table: str, names: tuple[str, ...], dialect: Dialect) -> tuple[str, Processors]:
    """The UPDATE by id with positional marks, which come in the order of the columns and end with the id."""
    mark, changed = _mark(dialect), [name for name in names if name != "id"]
    statement = (
        f'UPDATE "{table}" SET {", ".join(f"{chr(34)}{one}{chr(34)} = {mark}" for one in changed)} WHERE id = {mark}'
    )
    return statement, _processors(table, (*changed, "id"), dialect)


def _mark(dialect: Dialect) -> str:
    return "%s" if dialect.name == "postgresql" else "?"


def _processors(table: str, names: Sequence[str], dialect: Dialect) -> Processors:
    columns = SQLModel.metadata.tables[table].c
    return tuple((name, _processor(columns[name].type, dialect)) for name in names)


def _processor(kind: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    """How the driver wants the values of a column."""
    if isinstance(kind, Instant) and dialect.name == "sqlite":
        return as_text
    return kind.dialect_impl(dialect).bind_processor(dialect)


def change(session: Session, table: type[SQLModel], rows: Sequence[Row]) -> None:
    """Update rows by their `id`; every row has the same columns."""
    if not rows:
        return
    connection = session.connection()
    statement, columns = _change_plan(str(table.__tablename__), tuple(rows[0]), connection.dialect)
    values = zip(*(_column(rows, name, ready) for name, ready in columns), strict=True)
    connection.exec_driver_sql(statement, list(values))


def add_missing(session: Session, table: type[SQLModel], rows: Sequence[Row]) -> None:
    """Insert the rows that are not there yet."""
    make = postgres_insert if session.connection().dialect.name == "postgresql" else sqlite_insert
    session.connection().execute(make(table).on_conflict_do_nothing(), rows)


def put(session: Session, table: type[SQLModel], rows: Sequence[Row]) -> None:
    """Insert rows, or change those whose primary key is there already; every row has the same columns."""
    if not rows:
        return
    make = postgres_insert if session.connection().dialect.name == "postgresql" else sqlite_insert
    statement = make(table)
    columns: Any = SQLModel.metadata.tables[str(table.__tablename__)]
    keys = [one.name for one in columns.primary_key.columns]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    session.connection().execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def increment(
    session: Session,
    table: type[SQLModel],
    keys: Mapping[tuple[Any, ...], tuple[int, ...]],
    names: Sequence[str],
    columns: Sequence[str] = ("count",),
) -> None:
    """Add to `columns` of rows, which are made where missing; `names` are the columns of the keys."""
    rows = [dict(zip((*names, *columns), (*key, *by), strict=True)) for key, by in sorted(keys.items()) if any(by)]
    if not rows:
        return
    make = postgres_insert if session.connection().dialect.name == "postgresql" else sqlite_insert
    statement = make(table)
    table_columns: Any = SQLModel.metadata.tables[str(table.__tablename__)].c
    session.connection().execute(
        statement.on_conflict_do_update(
            index_elements=list(names), set_={one: table_columns[one] + statement.excluded[one] for one in columns}
        ),
        rows,
    )
