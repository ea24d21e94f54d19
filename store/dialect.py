"""Which database this is, and what it says about itself: whoever needs a difference names it, and never a database."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

from sqlalchemy import literal
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlmodel import Session

from store.dialects.interface import Codes, Dialect
from store.dialects.postgresql import POSTGRESQL
from store.dialects.sqlite import SQLITE

DIALECTS = (SQLITE, POSTGRESQL)
"""The embedded database, and that of production."""

AT_FAULT = (OperationalError, InterfaceError, NoConnectionFree)
"""What is raised where a database, and not what was asked of it, is at fault; `is_at_fault` tells the exceptions."""

_BY_NAME = {one.name: one for one in DIALECTS}


def of(session: Session) -> Dialect:
    """The dialect of a session's database."""
    return named(session.get_bind().dialect.name)


def named(name: str) -> Dialect:
    """The dialect by the name that SQLAlchemy gives it; KeyError for a database that we do not know."""
    return _BY_NAME[name]


def of_url(url: str) -> Dialect:
    """The dialect of the database that a URL leads to; ArgumentError for one that we do not know."""
    for one in DIALECTS:
        if url.startswith(one.schemes):
            return one
    raise ArgumentError("the URL of a database begins with sqlite:// or postgresql://")


# -- tables ------------------------------------------------------------------------------------------------------------


def text_type() -> Any:
    """The type of a column of text that is sorted by its code points, on each database the one that suits it."""
    first, *others = DIALECTS
    found = first.text
    for one in others:
        found = found.with_variant(one.text, one.name)
    return found


def as_it_is(value: str) -> Any:
    """A value that stands in the statement and is no parameter, so that a partial index is found by it."""
    return literal(str(value), literal_execute=True)


# -- errors ------------------------------------------------------------------------------------------------------------


def came_between(error: DBAPIError) -> bool:
    """Whether another transaction came between, so that the same work may succeed when it is done again."""
    return _is(_code(error), (one.between for one in DIALECTS))


def is_full(error: DBAPIError) -> bool:
    """Whether a statement failed because the disk under the database is full."""
    return _is(_code(error), (one.full for one in DIALECTS))


def is_away(error: DBAPIError) -> bool:
    """Whether a statement failed because the database cannot be had: no connection, a shutdown, a lock for too long."""
    code = _code(error)
    if error.connection_invalidated or _is(code, (one.away for one in DIALECTS)):
        return True
    return not code and isinstance(error, OperationalError)


def is_at_fault(error: Exception) -> bool:
    """Whether the database, and not what was asked of it, is at fault, so that waiting may mend it."""
    refused = isinstance(error, OperationalError) and _is(_code(error), (one.refused for one in DIALECTS))
    return isinstance(error, AT_FAULT) and not refused


def _code(error: DBAPIError) -> str:
    """By what name the driver knows an error: an SQLSTATE, or SQLite's own; "" where it has none."""
    return getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None) or ""


def _is(code: str, kinds: Iterable[Codes]) -> bool:
    return code.startswith(tuple(chain.from_iterable(kinds)))
