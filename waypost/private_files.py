"""What its owner alone can read: the home, with its databases, logs, keys and secrets."""

import os
from collections.abc import Callable
from pathlib import Path

FOLDER = 0o700
"""The rights of a folder: its owner's alone."""

FILE = 0o600
"""The rights of a file: its owner's alone."""

OURS = ("*.db*", "logs", "logs/*", "secret", "*.secret", "*.key")
"""What Waypost has put into a home; templates there are whoever wrote them's."""

OTHERS = 0o077
"""The rights of everybody else, as umask takes them away."""


def make_private(home: Path) -> None:
    """Make the home, or take the rights of others from the one that is there, its databases, logs, keys and secrets."""
    home.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    for path in (home, *(one for what in OURS for one in home.glob(what))):
        if path.stat().st_uid == os.getuid():
            path.chmod(FOLDER if path.is_dir() else FILE)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    path.parent.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    path.touch(mode=FILE)
    path.chmod(FILE)
    path.write_text(text + "\n")


def kept(path: Path, make: Callable[[], str]) -> str:
    """What a private file holds; where there is none it is made first."""
    if not path.exists():
        write_private(path, make())
    return path.read_text().strip()
