"""A migrated database in memory with two journeys and a cap, made once; each schedule begins with a copy of it."""

import os
import sqlite3
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, create_engine

from services.definitions import topics
from services.definitions.journey_versions import drafts, journeys, validation_context
from services.ingestion import ingest
from services.installation.installation_settings import CapIn
from store import ids, migrate
from store.dialects.sqlite import SQLITE
from store.session import ALWAYS, Database
from tests.world.clock import NOON
from tests.world.invariants import CAP
from workflows import claim_check

TEMPLATES = frozenset({"mail_a", "mail_b", "mail_c", "mail_o", "mail_p"})

WELCOME = """
journey: welcome
enter: [{on: Signed Up}]
exit: [{on: Account Closed}]
defaults: {topic: news}
start: new
stages:
  new:
    steps: [{send: {template: mail_a, expires: 6 hours}}, {id: pause, wait: 1 hour}, {send: {template: mail_b, expires: 6 hours}}]
    transitions: [{on: Bought, to: buyer}]
    final: true
  buyer:
    steps: [{send: {template: mail_c, expires: 6 hours}}, {wait: 10 minutes}]
    final: true
"""

SLOWER = WELCOME.replace("1 hour", "3 hours")
"""The version to which customers are moved."""

OFFERS = """
journey: offers
priority: 2
enter: [{on: Looked}]
defaults: {topic: news}
start: only
stages:
  only:
    steps: [{send: {template: mail_o, expires: 6 hours}}, {wait: 30 minutes}, {send: {template: mail_p, expires: 6 hours}}]
    final: true
"""

PEOPLE = ("ann", "bob", "eve")
"""Customers who are there from the start; eve reads bob's inbox."""


STATEMENTS = 2_000
"""Statements that the connection keeps prepared: more than a schedule has different ones."""


def address(user: str) -> str:
    """Where somebody gets their mail."""
    return "bob@example.com" if user == "eve" else f"{user}@example.com"


class MemoryDatabase(Database):
    """SQLite in memory, on one connection: whoever reads or writes does it alone, since all share one thread.

    Whoever reads is not kept from writing by a pragma, which would expire all that the connection keeps prepared, but
    found out.
    """

    def __init__(self) -> None:
        connection = {**SQLITE.engine["connect_args"], "cached_statements": STATEMENTS}
        options: Any = {"poolclass": StaticPool, "connect_args": connection}
        self.engine = self._reader = self._writer = create_engine("sqlite://", **options, **ALWAYS)
        self.engines = (self.engine,)
        event.listen(self.engine, "connect", _keep_references)
        event.listen(self.engine, "begin", _begin)
        self._turn = nullcontext()

    @contextmanager
    def reading(self) -> Generator[Session, None, None]:
        """As in production; AssertionError where something was written."""
        with super().reading() as session:
            raw: Any = session.connection().connection.driver_connection
            before = raw.total_changes
            yield session
            assert raw.total_changes == before, "whoever reads has written"


def _keep_references(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    """At once, on the connection itself: nobody waits for a lock here."""
    raw: Any = connection.connection.driver_connection
    raw.execute("BEGIN")


class Prepared:
    """The database, its raw connection, and the state in which every schedule begins: a given one, or one made now."""

    def __init__(self, state: bytes | None = None) -> None:
        self.database = MemoryDatabase()
        self.raw: sqlite3.Connection = self.database.engine.raw_connection().driver_connection  # type: ignore[assignment]
        self.state = state or self._made()
        self.raw.deserialize(self.state)
        self._anew = self._put_beside()

    def reset(self) -> None:
        """As at the beginning, ids too; a worker knows no program yet, whatever this process has run before.

        Rows alone are put back, since a database put in the place of another expires each prepared statement.
        """
        claim_check._programs.clear()
        self.raw.rollback()
        self.raw.execute("BEGIN")
        for statement in self._anew:
            self.raw.execute(statement)
        self.raw.execute("COMMIT")
        seed_ids()

    def close(self) -> None:
        """Ids are made of time and chance again."""
        ids.os, ids.time = os, time
        self.database.close()

    def _put_beside(self) -> Sequence[str]:
        """Keep each row in a database beside, and return what makes all of them anew: who refers to others goes first,
        and comes last. Triggers count what is exported, so their counter begins at nothing, and ends where it stood."""
        rows = self.raw.execute
        tables = rows(
            "SELECT name, sql LIKE '% REFERENCES %' FROM sqlite_master WHERE type = 'table' ORDER BY 2"
        ).fetchall()
        rows("ATTACH ':memory:' AS beside")
        counter = "UPDATE export_counter SET base = "
        last = f"{counter}{rows('SELECT base FROM export_counter').fetchone()[0]}"
        rows(f"{counter}0")
        filled = [name for name, _ in tables if rows(f"SELECT 1 FROM {name}").fetchone()]
        for name in filled:
            rows(f"CREATE TABLE beside.{name} AS SELECT * FROM main.{name} ORDER BY rowid")
        rows("UPDATE beside.event SET export_position = 0")  # its trigger gives it the one that it had
        gone = [f"DELETE FROM main.{name}" for name, _ in reversed(tables)]
        return [*gone, *(f"INSERT INTO main.{name} SELECT * FROM beside.{name}" for name in filled), last]

    def _made(self) -> bytes:
        seed_ids()
        migrate.upgrade(self.database.engine)
        self.database.write(self._settle)
        return self.raw.serialize()

    def _settle(self, session: Session) -> None:
        cap = CapIn(max=CAP, per="30 days")
        topics.put(session, "news", name=None, consent="opt_out", transactional=False, cap=cap, now=NOON)
        for key, text in (("welcome", WELCOME), ("offers", OFFERS)):
            publish(session, key, text, NOON)
        known = [{"type": "identify", "userId": one, "traits": {"email": address(one)}} for one in PEOPLE]
        ingest.ingest(session, known, NOON)


def publish(session: Session, key: str, text: str, now: datetime) -> None:
    """The next version of a journey."""
    around = validation_context.load(session, key, TEMPLATES)
    drafts.put_draft(session, drafts.read_draft(key, text, around), now)
    journeys.publish(session, key, TEMPLATES, now)


class _Numbers:
    """Stands for the clock and the chance of `store.ids`: ids count, so that a schedule is the same each time."""

    def __init__(self) -> None:
        self._next = count(1)

    def time_ns(self) -> int:
        return 1_772_452_800_000_000_000

    def urandom(self, size: int) -> bytes:
        return next(self._next).to_bytes(size, "big")


def seed_ids() -> None:
    """Count ids anew."""
    numbers: Any = _Numbers()
    ids.os = ids.time = numbers
