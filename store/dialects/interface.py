"""What a database says about itself: everything in which two of them differ."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

Codes = tuple[str, ...]
"""How the codes begin by which a database's driver tells its errors apart."""


class WrongEncoding(SQLAlchemyError):
    """The database keeps text in an encoding that cannot hold every name; the sentence says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one database wants things."""

    name: str
    """SQLAlchemy's name for it."""
    schemes: Codes
    """How the URLs begin that lead to it."""
    driver_url: Callable[[str], str]
    """Such a URL with the driver that we use."""
    engine: Mapping[str, Any]
    """Options of its engine."""
    prepare: Callable[[Engine], None]
    """Tells an engine, before its first connection, what each connection and transaction begins with."""
    tell_no_values: Callable[[BaseException], None]
    """Takes out of an error whose row it was about."""
    written: Callable[[Engine], AsyncIterator[None]]
    """Says, again and again, that something was written (or may have been). Raise OSError or SQLAlchemyError where the
    connection is lost."""
    mark: str
    """Where a value stands in a statement that goes to the driver as it is."""
    insert: Callable[[Any], Any]
    """An INSERT that knows what to do about rows that are there already."""
    copies: bool
    """Many rows go faster by COPY."""
    one_writer: bool
    """One transaction writes at a time."""
    turn: Callable[[Engine], AbstractContextManager[Any]]
    """What a transaction that writes waits for before it begins, and holds to its end."""
    readers_apart: bool
    """Whoever reads has connections of their own."""
    reading: Mapping[str, Any]
    """Options of a transaction that sees one state of the database and changes nothing."""
    zones: bool
    """Instants are kept with their zone; else as text in UTC, which sorts by time."""
    json: Callable[[], Any]
    """Makes the type of a column that keeps JSON."""
    text: Any
    """The type of a column of text that is sorted by its code points: an index finds what begins with something."""
    settled: str
    """The first export position that a transaction which has not ended may still give out, of `export_counter`."""
    beside: Callable[[Any], Any]
    """A column that is compared and not looked up: who knows nothing of the rows takes the worse of two indexes."""
    between: Codes
    """Errors of a transaction between whose reading and writing another one came."""
    full: Codes
    """Errors of a full disk."""
    away: Codes
    """Errors of a database that cannot be had: no connection, a shutdown, a lock for too long."""
    refused: Codes
    """Operational errors of a statement that no waiting mends: it is beyond a bound, or means nothing here."""
