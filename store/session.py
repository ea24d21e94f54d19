"""Engines, and the one way to a transaction.

    write(work)     a unit of work: `work(session)` in one transaction, done again where another came between
    reading()       one state of the database, read and not changed: whatever would change something raises
    writing()       the transaction of a request, which stays open over several functions (`api.deps.transactions`)

Nothing below the edge commits. What a transaction changes it has locked first: on SQLite by the one write lock, which
is taken at its start (BEGIN IMMEDIATE), on PostgreSQL by the rows of its customers
(`store.queries.identity.customers.lock` and `lock_all`, in the order of their ids) before any other row.
"""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import orjson
from sqlalchemy import Engine, ExceptionContext, event
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session, create_engine

from store import dialect


class CameBetween(Exception):
    """Another transaction has changed what this one was about to lock: undone, and done again, it finds what is so now.

    Whoever locks several rows and finds one of them gone raises this, instead of locking further ones out of order.
    """


ATTEMPTS = 10
"""Of one unit of work. Each failure means that another's succeeded, so nine in a row are a fault and not a crowd."""

Result = TypeVar("Result")


class Collected(Protocol):
    """What a transaction collects, to be written at its end."""

    def write(self, session: Session) -> None:
        """Write it, and begin anew."""
        ...


Collecting = TypeVar("Collecting", bound=Collected)


def collection_of(session: Session, make: type[Collecting]) -> Collecting:
    """The one collection of this kind in the session's transaction; `Database.writing` writes it before the commit."""
    return session.info.setdefault(make, make())


def _name(kind: type[Collected]) -> str:
    return kind.__name__


def _dumps(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a number of more than 64 bits, say
        return json.dumps(value)


ALWAYS: dict[str, Any] = {"json_serializer": _dumps, "json_deserializer": orjson.loads, "hide_parameters": True}
"""JSON columns the fastest way there is, since every event passes it; no error tells the values of a statement."""


def open_engine(url: str, **mode: str) -> Engine:
    """An engine for `sqlite:///PATH` or `postgresql://…`; nothing connects before it is first used.

    `mode="read"` is for those that change nothing, where they have connections of their own. Raise ArgumentError for
    another database.

    Up to 60 connections on SQLite and 40 on PostgreSQL, where each process counts against `max_connections`.
    """
    here = dialect.of_url(url)
    engine = create_engine(here.driver_url(url), **here.engine, **ALWAYS, execution_options=mode)
    here.prepare(engine)
    event.listen(engine, "handle_error", _tell_no_values)
    return engine


def _tell_no_values(context: ExceptionContext) -> None:
    here = dialect.named(context.dialect.name)
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None:
            here.tell_no_values(error)


class Database:
    """One database; hands out transactions. `engines` are `engine` and, where they are apart, that of whoever reads."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        here = dialect.named(self.engine.dialect.name)
        self.engines = (self.engine, open_engine(url, mode="read")) if here.readers_apart else (self.engine,)
        self._reader = self.engines[-1].execution_options(mode="read", **here.reading)
        self._writer = self.engine.execution_options(mode="write")
        self._turn = here.turn(self.engine)

    @contextmanager
    def writing(self) -> Generator[Session, None, None]:
        """A transaction that is committed when the block ends well, and undone when it raises; it is not repeated.

        SQLite has one writer: threads and processes wait here for their turn, instead of polling for its lock.
        """
        with self._turn, Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session
            session.flush()
            written = set[Any]()
            while left := session.info.keys() - written:  # writing may ask for another collection
                kind = max(left, key=_name)  # in one order, since they lock rows; what counts days comes last
                session.info[kind].write(session)
                written.add(kind)

    def write(self, work: Callable[[Session], Result]) -> Result:
        """Do `work` in a transaction of its own, and return what it returns once that is committed.

        Where another came between (`dialect.came_between`, CameBetween) it is undone and done again, ATTEMPTS times at
        most: so `work` reads what it needs inside, and changes nothing but rows. Whatever else it raises undoes it and
        is raised.
        """
        for attempt in range(ATTEMPTS):
            try:
                with self.writing() as session:
                    return work(session)
            except CameBetween:
                if attempt == ATTEMPTS - 1:
                    raise
            except (IntegrityError, OperationalError) as error:
                if attempt == ATTEMPTS - 1 or not dialect.came_between(error):
                    raise
        raise AssertionError("unreachable")

    @contextmanager
    def reading(self) -> Generator[Session, None, None]:
        """A transaction that sees one state of the database, and can change nothing."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        """Close its connections. It can be used again, and opens others then."""
        for one in self.engines:
            one.dispose()
