"""Waits until another transaction waits for ours."""

import time

from sqlalchemy import text

from store.session import Database


def wait_until_blocked(database: Database) -> None:
    """On PostgreSQL somebody waits for a lock; on SQLite a second writer waits before it begins."""
    if database.engine.dialect.name == "sqlite":
        return
    deadline = time.monotonic() + 60
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while time.monotonic() < deadline:
        with database.engine.connect() as connection:
            if connection.execute(waits).scalar_one():
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits")
