"""Whether the disk under the database has room left."""

import shutil
from pathlib import Path

LEAST = 16 * 1024 * 1024
"""Bytes that must be free: SQLite's log and the next checkpoint want some of them at once."""


def has_room(folder: Path) -> bool:
    """Whether the disk of a folder has at least LEAST bytes left; a folder that cannot be asked has."""
    try:
        return shutil.disk_usage(folder).free >= LEAST
    except OSError:
        return True
