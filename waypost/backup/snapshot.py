"""A backup of an embedded home, taken while everything runs.

Both databases are read as they stood at one moment: a reading transaction is opened on Temporal's, then one on ours,
and only then is either copied, however long that takes. Temporal's is first. What it knows of a wake it was told after
our commit, so the copy of ours is ahead by the milliseconds in between and never behind: a wake that Temporal has not
heard of is answered again with what it came to, and none is in Temporal alone.
"""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path

from waypost.backup import manifest
from waypost.backup.manifest import DATABASES, WAYPOST, Manifest
from waypost.errors import CannotStart
from waypost.private_files import FILE, make_private

SECRETS = ("secret", "hooks.secret", "admin.key")
"""Files of the home without which links in mails do not open, receivers refuse our calls, the command line is locked
out."""


def take(home: Path, folder: Path, now: datetime) -> Manifest:
    """Copy the databases and the secrets of a home into a new folder, its owner's alone; return what it holds.

    Raises CannotStart where there is no database, something in the folder, or no room for the copy, of which nothing is
    left then.
    """
    if not (home / WAYPOST).exists():
        raise CannotStart(f"there is no database in {home}; set WAYPOST_HOME to the home that is to be backed up")
    if folder.exists() and any(folder.iterdir()):
        raise CannotStart(f"{folder} is not empty; name a new folder for each backup")
    make_private(folder)
    try:
        return _copied(home, folder, now)
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(folder, ignore_errors=True)
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise CannotStart(f"the backup cannot be made in {folder} ({why}); nothing is left of it") from None


def _copied(home: Path, folder: Path, now: datetime) -> Manifest:
    copied = _databases(home, folder)
    for name in SECRETS:
        if (home / name).exists():
            shutil.copyfile(home / name, folder / name)
            (folder / name).chmod(FILE)
            copied.append(name)
    taken = Manifest(taken_at=now, files={name: manifest.of_file(folder / name) for name in copied})
    manifest.write(folder, taken)
    return taken


def _databases(home: Path, folder: Path) -> list[str]:
    names = [name for name in DATABASES if (home / name).exists()]
    with ExitStack() as open_until_copied:
        sources = [open_until_copied.enter_context(closing(_as_it_stands(home / name))) for name in names]
        _copy(sources, [folder / name for name in names])
    return names


def _as_it_stands(path: Path) -> sqlite3.Connection:
    """A connection that sees the database as it is at this moment, whatever is written meanwhile."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=60)
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return connection


def _copy(sources: Sequence[sqlite3.Connection], paths: Sequence[Path]) -> None:
    for source, path in zip(sources, paths, strict=True):
        path.touch(mode=FILE)
        with closing(sqlite3.connect(path)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
