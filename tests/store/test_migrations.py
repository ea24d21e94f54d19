"""Migrations: they know nothing of the product, and each is climbed by a database that has rows."""

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlmodel import SQLModel

from store import migrate
from store.session import Database
from tests.conftest import database_url, empty_database_url
from tests.store.changes_of_revisions import BECAME, LOST, MADE
from tests.store.rows_of_late_revisions import ROWS as LATE_ROWS
from tests.store.rows_of_revisions import ROWS, Row

VERSIONS = Path(migrate.__file__).parent / "migrations" / "versions"


@dataclass(slots=True, kw_only=True)
class Climber:
    """A database on its way up, revision by revision, with its tables as they are read at each."""

    database: Database
    found: sa.MetaData = field(default_factory=sa.MetaData)

    def climb(self, revision: str) -> None:
        migrate.upgrade(self.database.engine, revision)
        self.found = sa.MetaData()
        self.found.reflect(self.database.engine)

    def fill(self, rows: Mapping[str, list[Row]]) -> None:
        """Rows into tables as they are at this revision."""
        with self.database.engine.begin() as connection:
            for name, values in rows.items():
                for row in values:
                    connection.execute(self.found.tables[name].insert().values(row))

    def tables(self) -> set[str]:
        return set(self.found.tables) - {"alembic_version"}

    def rows(self, name: str) -> list[Row]:
        """A table's rows in the order of their keys, with instants in UTC."""
        with self.database.engine.connect() as connection:
            table = self.found.tables[name]
            found = connection.execute(table.select().order_by(*table.primary_key.columns)).mappings()
            return [{column: _read(value) for column, value in row.items()} for row in found]

    def everything(self) -> dict[str, list[Row]]:
        return {name: self.rows(name) for name in self.tables()}


def _read(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return value


@pytest.fixture(params=["sqlite", "postgresql"])
def climber(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Climber]:
    """A database of each kind without a table."""
    database = Database(empty_database_url(request.param, request, tmp_path))
    yield Climber(database=database)
    database.close()


def test_each_revision_keeps_the_rows_of_the_one_before_and_says_what_became_of_them(climber: Climber) -> None:
    before: dict[str, list[Row]] = {}
    for revision in migrate.revisions():
        climber.climb(revision)
        assert climber.everything() == _expected(revision, before, climber.tables())
        climber.fill({**ROWS, **LATE_ROWS}.get(revision, {}))
        before = climber.everything()
        assert [name for name, rows in before.items() if not rows] == [], "a table without a row proves nothing"
    assert not migrate.pending(climber.database.engine)
    assert migrate.differences(climber.database.engine) == []


def test_the_version_before_takes_rows_that_were_to_be_waked_at(climber: Climber) -> None:
    climber.climb("0050")
    row = {"enrollment_id": "e", "workflow_id": "w", "kind": "start", "payload": {}, "priority": 2, "attempts": 0}
    climber.fill({"dispatch": [{**row, "status": "to_wake", "created_at": datetime(2026, 3, 2, tzinfo=UTC)}]})
    settings = migrate.config()
    settings.attributes["engine"] = climber.database.engine
    command.downgrade(settings, "0049")
    assert [one["status"] for one in climber.rows("dispatch")] == ["ready"]


def _expected(revision: str, before: Mapping[str, list[Row]], tables: set[str]) -> dict[str, list[Row]]:
    """The rows from before, less what this revision takes away, with what it adds to each."""
    lost, became = LOST.get(revision, {}), BECAME.get(revision, {})
    kept = {
        name: [
            {column: value for column, value in row.items() if column not in lost.get(name, ())}
            | _of(became, name, row)
            for row in rows
        ]
        for name, rows in before.items()
        if name in tables
    }
    return {**{name: [] for name in tables}, **kept, **MADE.get(revision, {})}


def _of(became: Mapping[str, Row | Callable[[Row], Row]], name: str, row: Row) -> Row:
    found = became.get(name, {})
    return found(row) if callable(found) else found


@pytest.mark.parametrize("file", sorted(VERSIONS.glob("*.py")), ids=lambda file: file.stem)
def test_a_migration_knows_nothing_of_the_product(file: Path) -> None:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    known = found - {"store.migrations.columns"}
    assert {name.partition(".")[0] for name in known} - sys.stdlib_module_names <= {"alembic", "sqlalchemy", "idna"}


WRONG = {
    "an instant kept as text": ("customer", "created_at", sa.String()),
    "JSON kept as text": ("customer", "attributes", sa.String()),
    "a status kept as a number": ("message", "status", sa.Integer()),
    "a number kept as text": ("message", "visit", sa.String()),
    "bytes kept as text": ("upload_part", "data", sa.String()),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_column_of_another_type_is_a_difference(database: Database, wrong: str) -> None:
    table, column, kind = WRONG[wrong]
    with (
        database.engine.begin() as connection,
        Operations(MigrationContext.configure(connection)).batch_alter_table(table) as batch,
    ):
        batch.alter_column(column, type_=kind, postgresql_using="NULL")
    found = migrate.differences(database.engine)
    assert [("modify_type" in one, f"'{column}'" in one) for one in found] == [(True, True)]


POSTGRESQL_WRONG = {
    "an instant without its zone": "created_at TYPE timestamp without time zone",
    "JSON kept as its text": "attributes TYPE json",
}


@pytest.mark.parametrize("wrong", POSTGRESQL_WRONG)
def test_on_postgresql_a_type_that_is_nearly_right_is_a_difference(
    request: pytest.FixtureRequest, tmp_path: Path, wrong: str
) -> None:
    database = Database(database_url("postgresql", request, tmp_path))
    with database.engine.begin() as connection:
        connection.execute(sa.text(f"ALTER TABLE customer ALTER COLUMN {POSTGRESQL_WRONG[wrong]}"))
    assert len(migrate.differences(database.engine)) == 1
    database.close()


def test_an_index_of_some_rows_alone_is_one_in_the_database(database: Database) -> None:
    stated = {
        index.name: index.info["of"]
        for table in SQLModel.metadata.tables.values()
        for index in table.indexes
        if "of" in index.info
    }
    name = database.engine.dialect.name
    with database.engine.connect() as connection:
        inspector = sa.inspect(connection)
        found = {
            index["name"]: index["dialect_options"][f"{name}_where"]
            for table in inspector.get_table_names()
            for index in inspector.get_indexes(table)
            if index.get("dialect_options", {}).get(f"{name}_where") is not None
        }
    assert set(found) == set(stated)
    if name == "sqlite":  # PostgreSQL writes conditions anew
        assert {index: str(condition) for index, condition in found.items()} == stated
