"""Whether the disk has room for what is to be written."""

import shutil
from pathlib import Path

from sqlalchemy.exc import DBAPIError

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
