"""PostgreSQL, the database of production: writers side by side, who lock rows; instants with their zone."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import Engine, String, event

from store.dialects.interface import Dialect, WrongEncoding

CHANNEL = "waypost"
"""Where the triggers of the migrations notify."""


def _driver_url(url: str) -> str:
    return "postgresql+psycopg:" + url.partition(":")[2] if url.startswith(("postgres:", "postgresql:")) else url


def _prepare(engine: Engine) -> None:
    """The server's settings hold; what it cannot keep is found at the first connection and not at the first umlaut."""
    event.listen(engine, "connect", _refuse_other_encodings)


def _refuse_other_encodings(connection: Any, _record: Any) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise WrongEncoding(
            f"the database keeps its text as {encoding}, in which most names cannot be written; "
            "make one with CREATE DATABASE waypost TEMPLATE template0 ENCODING 'UTF8'"
        )


def _tell_no_values(error: BaseException) -> None:
    """The details of an error tell whose row it was: nobody needs that in a log or a history."""
    if error.args and isinstance(error.args[0], str):
        error.args = (error.args[0].partition("\nDETAIL")[0], *error.args[1:])


async def _written(engine: Engine) -> AsyncIterator[None]:
    """A trigger on each table that holds work notifies with the commit (LISTEN, NOTIFY)."""
    import psycopg  # nine megabytes, which an installation on SQLite does without

    plain = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        async with await psycopg.AsyncConnection.connect(plain, autocommit=True) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            yield
            async for _ in connection.notifies():
                yield
    except psycopg.Error as error:
        raise ConnectionError(type(error).__name__) from None


def _insert(table: Any) -> Any:
    from sqlalchemy.dialects.postgresql import insert  # three megabytes, as above

    return insert(table)


def _json() -> Any:
    from sqlalchemy.dialects.postgresql import JSONB

    return JSONB()


def _no_turn(_engine: Engine) -> AbstractContextManager[None]:
    """Writers go side by side."""
    return nullcontext()


def _as_it_is(column: Any) -> Any:
    """It keeps statistics, and knows how many rows each index finds."""
    return column


POSTGRESQL = Dialect(
    name="postgresql",
    schemes=("postgresql:", "postgresql+psycopg:", "postgres:"),
    driver_url=_driver_url,
    engine={
        "pool_size": 20,
        "max_overflow": 20,
        "pool_pre_ping": True,
        "connect_args": {"client_encoding": "utf8"},  # else text of a database in SQL_ASCII comes as bytes
    },  # fmt: skip
    prepare=_prepare,
    tell_no_values=_tell_no_values,
    written=_written,
    mark="%s",
    insert=_insert,
    copies=True,
    one_writer=False,
    turn=_no_turn,
    readers_apart=False,
    reading={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    zones=True,
    json=_json,
    text=String(collation="C"),
    settled="base + pg_snapshot_xmin(pg_current_snapshot())::text::bigint",
    beside=_as_it_is,
    between=("23505", "23503", "40001", "40P01"),  # the same new row, a row gone, serialization, a deadlock
    full=("53100",),
    away=("08", "57P01", "57P02", "57P03", "53300"),
    refused=("54",),  # too complex, too many columns, a row too large for an index
)
"""The database of production: writers side by side, who lock rows."""
