"""What a backup holds: each file with its size and checksum, and the instant at which it was begun."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from waypost.errors import CannotStart
from waypost.private_files import write_private

NAME = "manifest.json"
FORMAT = 1
"""The number of this form."""

TEMPORAL, WAYPOST = DATABASES = ("temporal.db", "waypost.db")
"""In the order in which they are taken (`waypost.backup.snapshot` says why)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFile:
    """Its length in bytes, and its SHA-256 as hexadecimal digits."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The files of a backup by name, and when it was begun (UTC)."""

    taken_at: datetime
    files: Mapping[str, BackupFile]


def of_file(path: Path) -> BackupFile:
    """A file as it is now."""
    with path.open("rb") as file:
        return BackupFile(bytes=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def write(folder: Path, manifest: Manifest) -> None:
    """Say what the folder holds; a folder without it is no backup."""
    files = {name: {"bytes": one.bytes, "sha256": one.sha256} for name, one in manifest.files.items()}
    body = {"format": FORMAT, "taken_at": manifest.taken_at.isoformat(), "files": files}
    write_private(folder / NAME, json.dumps(body, indent=2))


def read(folder: Path) -> Manifest:
    """What the folder says it holds; raise CannotStart where it is no backup, or of another form."""
    try:
        found: Any = json.loads((folder / NAME).read_text(encoding="utf-8"))
        files = {name: BackupFile(**one) for name, one in found["files"].items()}
        manifest = Manifest(taken_at=datetime.fromisoformat(found["taken_at"]), files=files)
        known = found["format"] == FORMAT and manifest.taken_at.tzinfo is not None and WAYPOST in files
        inside = all(Path(name).name == name for name in files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CannotStart(f"{folder} is no backup: {NAME} cannot be read ({type(error).__name__})") from None
    if not known or not inside:
        raise CannotStart(f"{folder} is a backup of another form, or its {NAME} was changed")
    return manifest


def verified(folder: Path) -> Manifest:
    """The same, where every file is what it was and every database is whole; else raise CannotStart."""
    manifest = read(folder)
    for name, kept in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise CannotStart(f"{path} is missing from the backup")
        if of_file(path) != kept:
            raise CannotStart(f"{path} is not what it was when the backup was taken: its checksum differs")
        if name in DATABASES and not _is_whole(path):
            raise CannotStart(f"{path} is damaged: SQLite finds it malformed")
    return manifest


def _is_whole(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            return database.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    except sqlite3.DatabaseError:
        return False
