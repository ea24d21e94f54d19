"""Many rows at once, past the unit of work; many values asked for, a part at a time."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect, bindparam
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel, col

from store import dialect
from store.types import Instant, as_text

ColumnValues = dict[str, Any]
"""The columns of one row, by name."""

AT_ONCE = 500
"""Values that one statement asks for: more keep the compiler busy for longer than another round trip takes."""

COPY_FROM = 20
"""Rows from which on PostgreSQL copies them, which takes a third of the time; below it COPY's own round trips cost more
than they save."""

Processors = tuple[tuple[str, Callable[[Any], Any] | None], ...]
"""The columns of a statement, each with what makes its values ready for the driver (None: they are)."""

_NOTHING: Any = object()

Value = TypeVar("Value")


def turns(values: Iterable[Value], of: Callable[[Value], Hashable]) -> Iterator[list[Value]]:
    """The values in turns: the first of each owner (`of` tells whose it is), then the second of each, and so on.

    So work that may have one owner but once is done for many at a time, each owner's in their order.
    """
    found: list[list[Value]] = []
    met: Counter[Hashable] = Counter()
    for value in values:
        owner = of(value)
        if met[owner] == len(found):
            found.append([])
        found[met[owner]].append(value)
        met[owner] += 1
    yield from found


def parts(values: Iterable[Value]) -> Iterator[tuple[Value, ...]]:
    """The values in their order, `AT_ONCE` at a time."""
    left = iter(values)
    while part := tuple(islice(left, AT_ONCE)):
        yield part


def among(column: Any, name: str) -> Any:
    """The condition that a column has one of the values that a statement, which is built once, is given by a name."""
    return col(column).in_(bindparam(name, expanding=True))


def matching(
    session: Session,
    table: type[SQLModel],
    wanted: Sequence[str],
    column: str,
    values: Iterable[str],
    fixed: Mapping[str, str] | None = None,
) -> Iterator[Any]:
    """The `wanted` columns of rows whose `column` has one of the values, and `fixed` columns theirs; all of them text.

    Asked for past the compiler, which every batch of events would keep busy.
    """
    mark, others = dialect.of(session).mark, fixed or {}
    names, where = ", ".join(wanted), "".join(f"{name} = {mark} AND " for name in others)
    begun = f'SELECT {names} FROM "{table.__tablename__}" WHERE {where}{column} IN '
    for part in parts(values):
        marks = ", ".join([mark] * len(part))
        yield from session.connection().exec_driver_sql(f"{begun}({marks})", (*others.values(), *part))


def add(session: Session, table: type[SQLModel], rows: Sequence[ColumnValues]) -> None:
    """Insert rows; every row has the same columns. Nothing in the session knows them afterwards.

    The statement and the columns' processors are looked up once and the driver gets plain tuples: a third of the time
    that the general way takes, which an import of 70,000 rows feels. Raises IntegrityError (on PostgreSQL by COPY too)
    where a key is taken.
    """
    if not rows:
        return
    connection = session.connection()
    statement, columns = _plan(str(table.__tablename__), tuple(rows[0]), connection.dialect)
    values = zip(*(_column(rows, name, ready) for name, ready in columns), strict=True)
    if len(rows) >= COPY_FROM and dialect.of(session).copies:
        _copy(connection, str(table.__tablename__), [name for name, _ in columns], values)
    else:
        connection.exec_driver_sql(statement, list(values))


def _copy(connection: Connection, table: str, names: Sequence[str], values: Iterable[Any]) -> None:
    """COPY, which goes past SQLAlchemy: its errors are made the ones that everybody here expects."""
    statement = f'COPY "{table}" ({", ".join(f"{chr(34)}{name}{chr(34)}" for name in names)}) FROM STDIN'
    cursor: Any = connection.connection.cursor()
    driver: Any = connection.dialect.loaded_dbapi
    try:
        with cursor, cursor.copy(statement) as copy:
            for one in values:
                copy.write_row(one)
    except driver.Error as error:
        dialect.named(connection.dialect.name).tell_no_values(error)
        raise DBAPIError.instance(
            statement, None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
        ) from None


def _column(rows: Sequence[ColumnValues], name: str, ready: Callable[[Any], Any] | None) -> list[Any]:
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
def _plan(table: str, names: tuple[str, ...], kind: Dialect) -> tuple[str, Processors]:
    """The INSERT with positional marks, and how the driver wants each column."""
    mark = dialect.named(kind.name).mark
    quoted = ", ".join(f'"{name}"' for name in names)
    statement = f'INSERT INTO "{table}" ({quoted}) VALUES ({", ".join([mark] * len(names))})'
    return statement, _processors(table, names, kind)


@lru_cache(maxsize=64)
def _change_plan(table: str, names: tuple[str, ...], kind: Dialect) -> tuple[str, Processors]:
    """The UPDATE by id with positional marks, which come in the order of the columns and end with the id."""
    mark, changed = dialect.named(kind.name).mark, [name for name in names if name != "id"]
    statement = (
        f'UPDATE "{table}" SET {", ".join(f"{chr(34)}{one}{chr(34)} = {mark}" for one in changed)} WHERE id = {mark}'
    )
    return statement, _processors(table, (*changed, "id"), kind)


def _processors(table: str, names: Sequence[str], kind: Dialect) -> Processors:
    columns = SQLModel.metadata.tables[table].c
    return tuple((name, _processor(columns[name].type, kind)) for name in names)


def _processor(column: Any, kind: Dialect) -> Callable[[Any], Any] | None:
    """How the driver wants the values of a column."""
    if isinstance(column, Instant) and not dialect.named(kind.name).zones:
        return as_text
    return column.dialect_impl(kind).bind_processor(kind)


def change(session: Session, table: type[SQLModel], rows: Sequence[ColumnValues]) -> None:
    """Update rows by their `id`; every row has the same columns."""
    if not rows:
        return
    connection = session.connection()
    statement, columns = _change_plan(str(table.__tablename__), tuple(rows[0]), connection.dialect)
    values = zip(*(_column(rows, name, ready) for name, ready in columns), strict=True)
    connection.exec_driver_sql(statement, list(values))


def add_missing(session: Session, table: type[SQLModel], rows: Sequence[ColumnValues]) -> None:
    """Insert the rows whose keys are not there yet; the others stay as they are.

    There must be at least one, and all have the same columns.
    """
    session.connection().execute(_missing_plan(str(table.__tablename__), dialect.of(session).name), rows)


@lru_cache(maxsize=64)
def _missing_plan(table: str, kind: str) -> Any:
    return dialect.named(kind).insert(SQLModel.metadata.tables[table]).on_conflict_do_nothing()


def put(session: Session, table: type[SQLModel], rows: Sequence[ColumnValues]) -> None:
    """Insert rows, or change those whose primary key is there already; every row has the same columns."""
    if not rows:
        return
    connection = session.connection()
    statement, columns = _put_plan(str(table.__tablename__), tuple(rows[0]), connection.dialect)
    values = zip(*(_column(rows, name, ready) for name, ready in columns), strict=True)
    connection.exec_driver_sql(statement, list(values))


@lru_cache(maxsize=64)
def _put_plan(table: str, names: tuple[str, ...], kind: Dialect) -> tuple[str, Processors]:
    """The INSERT with positional marks that changes a row where it is there."""
    statement, columns = _plan(table, names, kind)
    keys = [one.name for one in SQLModel.metadata.tables[table].primary_key.columns]
    changed = ", ".join(f'"{one}" = excluded."{one}"' for one in names if one not in keys)
    of = ", ".join(f'"{one}"' for one in keys)
    return f"{statement} ON CONFLICT ({of}) DO UPDATE SET {changed}", columns


def increment(
    session: Session,
    table: type[SQLModel],
    keys: Mapping[tuple[Any, ...], tuple[int, ...]],
    names: Sequence[str],
    columns: Sequence[str] = ("count",),
) -> None:
    """Add to `columns` of rows, which are made where missing; `names` are the columns of the keys.

    Rows are changed in the order of their keys, so that two who add to the same ones do not wait for each other
    crosswise.
    """
    rows = [(*key, *by) for key, by in sorted(keys.items()) if any(by)]
    if rows:
        statement = _increment_plan(str(table.__tablename__), tuple(names), tuple(columns), dialect.of(session).mark)
        session.connection().exec_driver_sql(statement, rows)


@lru_cache(maxsize=64)
def _increment_plan(table: str, names: tuple[str, ...], columns: tuple[str, ...], mark: str) -> str:
    """The INSERT that adds where the row is there; text and numbers need no making ready."""
    quoted = ", ".join(f'"{one}"' for one in (*names, *columns))
    marks = ", ".join([mark] * len((*names, *columns)))
    sums = ", ".join(f'"{one}" = "{table}"."{one}" + excluded."{one}"' for one in columns)
    keys = ", ".join(f'"{one}"' for one in names)
    return f'INSERT INTO "{table}" ({quoted}) VALUES ({marks}) ON CONFLICT ({keys}) DO UPDATE SET {sums}'
