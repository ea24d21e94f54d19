"""A backup put back into a home: all lanes are held, and what may have gone since it was taken is in doubt.

The copy is made ready in a folder beside the databases: migrated, held and fenced before any process can open it. Then
it takes their place. What was there is kept in a folder of its own.
"""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from services.access import audit_log
from services.messages.sending import held_lanes
from services.messages.waiting import restored_ledger
from store import migrate
from store.session import Database
from waypost.backup import manifest
from waypost.backup.manifest import DATABASES, WAYPOST, Manifest
from waypost.errors import CannotStart
from waypost.private_files import FILE, make_private
from waypost.stack import home as homes

BESIDE = ("", "-wal", "-shm", "-journal")
"""What a database's name is followed by: the file itself, and what SQLite keeps beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """When the backup was taken, how many mails are in doubt, and where what was in the home before is kept."""

    taken_at: datetime
    in_doubt: int
    kept: Path


def restore(home: Path, folder: Path, now: datetime) -> Restored:
    """Put a backup in the place of what is in the home.

    Raises CannotStart where the backup is not whole, or `waypost up` uses the home. Where it cannot be made ready, as
    on a full disk, what is in the home stays as it is.
    """
    taken = manifest.verified(folder)
    lock = homes.take(home)
    try:
        ready = home / homes.RESTORING
        try:
            in_doubt = _made_ready(folder, ready, taken, now)
        except Exception:
            shutil.rmtree(ready, ignore_errors=True)
            raise
        kept = home / f"before-restore-{now:%Y%m%dT%H%M%SZ}"
        _exchange(home, ready, kept)
    finally:
        lock.close()
    return Restored(taken_at=taken.taken_at, in_doubt=in_doubt, kept=kept)


def _made_ready(folder: Path, ready: Path, taken: Manifest, now: datetime) -> int:
    """A copy that knows what it is; how many mails are in doubt."""
    shutil.rmtree(ready, ignore_errors=True)
    make_private(ready)
    for name in taken.files:
        shutil.copyfile(folder / name, ready / name)
        (ready / name).chmod(FILE)
    return fence(f"sqlite:///{(ready / WAYPOST).absolute()}", taken.taken_at, now)


def fence(url: str, taken_at: datetime, now: datetime) -> int:
    """Make a database know that it is a copy of `taken_at`: migrated, held, with all in doubt that may have gone.

    Return how many mails that are; what journeys make again is doubted when a lane would claim it. Raises CannotStart
    where `taken_at` is yet to come.
    """
    if taken_at > now:
        raise CannotStart(f"the backup says that it is of {taken_at.isoformat()}, which is yet to come")
    database = Database(url)
    try:
        migrate.upgrade(database.engine)
        why = f"a backup of {taken_at.isoformat()} was restored"
        database.write(lambda session: held_lanes.hold(session, audit_log.COMMAND_LINE, why, now))
        database.write(lambda session: restored_ledger.begin(session, taken_at, now))
        doubted = 0
        while page := database.write(lambda session: restored_ledger.doubt_page(session, now)):
            doubted += page
        return doubted
    finally:
        database.close()


def _exchange(home: Path, ready: Path, kept: Path) -> None:
    """Cut off in the middle, it leaves the folder `ready`, with which nothing starts."""
    make_private(kept)
    for name in (one + more for one in DATABASES for more in BESIDE):
        if (home / name).exists():
            (home / name).rename(kept / name)
    for path in sorted(ready.iterdir()):
        if path.name not in DATABASES and (home / path.name).exists():
            shutil.copyfile(home / path.name, kept / path.name)
            (kept / path.name).chmod(FILE)
        path.replace(home / path.name)
    ready.rmdir()
