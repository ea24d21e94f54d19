"""Shared by all tests: a clock that is set by hand, databases of both kinds, journeys as text."""

import gc
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from sqlalchemy import event

from journeys.checks import source
from journeys.program.compiler import compile_journey
from journeys.program.program import Program
from store import migrate
from store.session import Database
from tests import kept_counts, order_for_workers, postgresql, quick_disk
from waypost.processes import garbage_collection
from waypost.settings import Settings
from waypost.telemetry import logs
from waypost.wiring import Parts

pytest_plugins = ["tests.worlds", "tests.stacks"]

if quick := quick_disk.folder():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", quick)

structlog.configure(processors=logs.PROCESSORS)  # its own way draws each frame's variables: ten seconds for a traceback

gc.disable()  # until everything is collected; what is loaded then stays: to look through it again took a quarter of all


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker alone takes them as they stand."""
    if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
        items[:] = order_for_workers.dealt(items, workers)


def pytest_collection_finish() -> None:
    """The collector works as it does in the product's processes."""
    garbage_collection.freeze_loaded()
    gc.enable()


LEFT: list[str] = []
"""Databases on the PostgreSQL server that no test needs any more."""

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> datetime:
        self.at += timedelta(**span)
        return self.at


class Statements:
    """Counts what a database is asked; `with statements(database, at_most=10):` fails where it is asked more."""

    @contextmanager
    def __call__(self, database: Database, *, at_most: int) -> Iterator[list[str]]:
        asked: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            asked.append(statement)

        for engine in database.engines:
            event.listen(engine, "before_cursor_execute", note)
        try:
            yield asked
        finally:
            for engine in database.engines:
                event.remove(engine, "before_cursor_execute", note)
        told = "\n".join(f"{count:6} x {text[:160]}" for text, count in Counter(asked).most_common(12))
        assert len(asked) <= at_most, f"{len(asked)} statements, at most {at_most} are right:\n{told}"


@pytest.fixture
def statements() -> Statements:
    return Statements()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def noon() -> datetime:
    return NOON


@pytest.fixture
def compiled() -> Callable[[str], Program]:
    """A program from YAML."""
    return lambda text: compile_journey(source.read(text)[0])


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a migrated database on a PostgreSQL server of the tests' own, carried by a wheel."""
    with postgresql.server() as running:
        yield _migrated(_created(running.get_uri(), "template1"))


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "waypost.db"
    _migrated(f"sqlite:///{path}")
    return path


def _migrated(url: str) -> str:
    database = Database(url)
    migrate.upgrade(database.engine)
    database.close()
    return url


def _created(server: str, template: str) -> str:
    """A new database on the server, a copy of `template`."""
    name = f"waypost_{secrets.token_hex(6)}"
    base, _, rest = server.rpartition("/postgres?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE {name} TEMPLATE "{template}" STRATEGY FILE_COPY'.encode())
    return f"{base}/{name}?{rest}"


def _drop_those_left(server: str) -> None:
    """Take away the databases of tests that have ended: hundreds of them would fill the disk."""
    with psycopg.connect(server, autocommit=True) as connection:
        while LEFT:
            connection.execute(f"DROP DATABASE {LEFT.pop()} WITH (FORCE)".encode())


def database_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh migrated database of this kind."""
    if kind == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite"), tmp_path / "waypost.db")
        return f"sqlite:///{tmp_path / 'waypost.db'}"
    server, name = _server(request.getfixturevalue("postgres"))
    return _lent(server, name, request)


def empty_database_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database of this kind without a table."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return _lent(_server(request.getfixturevalue("postgres"))[0], "template1", request)


def _lent(server: str, template: str, request: pytest.FixtureRequest) -> str:
    _drop_those_left(server)
    url = _created(server, template)
    request.addfinalizer(lambda: LEFT.append(_server(url)[1]))  # other fixtures of this test may look at it still
    return url


def _server(database: str) -> tuple[str, str]:
    """The URL of the server that has this database, and the database's name."""
    base, _, rest = database.rpartition("?")
    head, _, name = base.rpartition("/")
    return f"{head}/postgres?{rest}", name


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database; every test that takes it runs on both kinds, and leaves counts that agree with the rows."""
    made = Database(database_url(request.param, request, tmp_path))
    yield made
    kept_counts.assert_true(made)
    made.close()


@pytest.fixture
def template_folder(tmp_path: Path) -> Path:
    """Three small templates: mail_a, mail_b, mail_c."""
    folder = tmp_path / "templates"
    folder.mkdir()
    for key in ("mail_a", "mail_b", "mail_c"):
        (folder / f"{key}.html").write_text(
            "{% extends '_layout.html' %}{% block subject %}" + key + " for {{ customer.first_name }}{% endblock %}"
            "{% block body %}<p>Hello {{ customer.first_name }}</p>{% endblock %}"
        )
    return folder


@pytest.fixture
def parts(tmp_path: Path, template_folder: Path, clock: HandClock, sqlite: Path) -> Iterator[Parts]:
    """The product's parts on a fresh SQLite home, with the clock set by hand."""
    shutil.copy(sqlite, tmp_path / "waypost.db")
    made = Parts(settings_for(tmp_path, templates=template_folder), clock)
    yield made
    kept_counts.assert_true(made.database)
    made.close()


def settings_for(home: Path, **more: Any) -> Settings:
    """Settings that read neither the environment's .env nor anything outside the home."""
    return Settings(_env_file=None, home=home, secret="a secret of the tests", hooks_private=True, **more)  # type: ignore[call-arg]
