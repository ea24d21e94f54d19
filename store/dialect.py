"""What SQLite and PostgreSQL do differently: whoever needs a difference names it, and never a database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one database wants things."""

    mark: str
    """Where a value stands in a statement that goes to the driver as it is."""
    insert: Callable[[Any], Any]
    """An INSERT that knows what to do about rows that are there already."""
    copies: bool
    """Many rows go faster by COPY."""
    one_writer: bool
    """One transaction writes at a time: the threads of a process queue for it."""
    reading: Mapping[str, Any]
    """Options of a transaction that sees one state of the database and changes nothing."""
    zones: bool
    """Instants are kept with their zone; else as text in UTC, which sorts by time."""
    month: Callable[[Any], Any]
    """The month of an instant in UTC, as text that begins with year and month: "2026-07"."""


def _month(column: Any) -> Any:
    return func.to_char(func.timezone("UTC", column), "YYYY-MM")


SQLITE = Dialect(
    mark="?",
    insert=sqlite_insert,
    copies=False,
    one_writer=True,
    reading={},
    zones=False,
    month=lambda column: column,
)
"""The embedded database: one writer, and instants as text."""

POSTGRESQL = Dialect(
    mark="%s",
    insert=postgres_insert,
    copies=True,
    one_writer=False,
    reading={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    zones=True,
    month=_month,
)
"""The database of production: writers side by side, who lock rows."""


def tell_no_values(error: BaseException) -> None:
    """PostgreSQL tells in the details of an error whose row it was: nobody needs that in a log or a history."""
    if error.args and isinstance(error.args[0], str):
        error.args = (error.args[0].partition("\nDETAIL")[0], *error.args[1:])


_BY_NAME = {"sqlite": SQLITE, "postgresql": POSTGRESQL}


def of(session: Session) -> Dialect:
    """The dialect of a session's database."""
    return named(session.get_bind().dialect.name)


def named(name: str) -> Dialect:
    """The dialect by the name that SQLAlchemy gives it; KeyError for a database that we do not know."""
    return _BY_NAME[name]
