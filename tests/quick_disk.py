"""Where tests keep their files: in memory, where there is room, since what they write need not outlive them.

A disk that others use as well takes seconds for the thousand files of a database, and for each commit.
"""

import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")
"""A file system in memory, on Linux."""

ROOM = 2 * 1024**3
"""Bytes that must be free there: several times what a run of all tests holds at once."""


def folder() -> str | None:
    """The folder to make temporary files in; None where the usual one is to be taken."""
    return str(MEMORY) if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM else None
