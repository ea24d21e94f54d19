"""Whether the database can be written to: whether it answers, and its disk has room."""

import shutil
from pathlib import Path

from sqlalchemy.exc import DBAPIError, OperationalError

LEAST = 16 * 1024 * 1024
"""Bytes that must be free: SQLite's log and the next checkpoint want some of them at once."""


def has_room(folder: Path) -> bool:
    """Whether the disk of a folder has at least LEAST bytes left; a folder that cannot be asked has."""
    try:
        return shutil.disk_usage(folder).free >= LEAST
    except OSError:
        return True


def is_full(error: DBAPIError) -> bool:
    """Whether a statement failed because the disk under the database is full (SQLITE_FULL, PostgreSQL's 53100)."""
    original = error.orig
    if getattr(original, "sqlstate", None) == "53100":
        return True
    return getattr(original, "sqlite_errorname", "").startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE"))


def is_away(error: DBAPIError) -> bool:
    """Whether a statement failed because the database cannot be had: no connection, a shutdown, a lock for too long."""
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None) or ""
    if state.startswith("08") or state in ("57P01", "57P02", "57P03", "53300"):
        return True
    name = getattr(error.orig, "sqlite_errorname", "")
    if name:
        return name.startswith(("SQLITE_BUSY", "SQLITE_CANTOPEN", "SQLITE_LOCKED"))
    return isinstance(error, OperationalError) and not state
