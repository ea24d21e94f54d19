"""What a stack needs for itself before anything starts: its home, its ports."""

import fcntl
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from waypost.errors import CannotStart
from waypost.private_files import OTHERS, make_private

RESTORING = "restoring"
"""The folder of a home in which a backup is made ready; where it is, a restore was cut off."""


def check_whole(home: Path) -> None:
    """Raise CannotStart where a restore was cut off: what is in the home may be half of each."""
    if (home / RESTORING).exists():
        raise CannotStart(f"a restore of {home} was cut off; run `waypost restore` again before anything starts")


def take(home: Path) -> IO[str]:
    """Make the home its owner's alone, and hold its lock as long as the file is open.

    Raises CannotStart where another stack holds it, or the disk refuses it.
    """
    try:
        os.umask(OTHERS)
        make_private(home)
        (home / "logs").mkdir(exist_ok=True)
        lock = (home / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotStart(
            f"another `waypost up` uses the data directory {home}; stop it, or set WAYPOST_HOME to another folder"
        ) from None
    except OSError as error:
        raise CannotStart(
            f"the data directory {home} cannot be used ({error.strerror}); set WAYPOST_HOME to another folder"
        ) from None
    return lock


def check_ports(wanted: Mapping[str, int]) -> None:
    """Raise CannotStart where two want one port, or another program has one; `wanted` are ports by setting."""
    taken = dict[int, str]()
    for variable, port in wanted.items():
        if port in taken:
            raise CannotStart(
                f"{taken[port]} and {variable} are both the port {port}; set one of them to another free port"
            )
        taken[port] = variable
        _check_free(port, variable)


def _check_free(port: int, variable: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CannotStart(
                f"port {port} is taken by another program; stop that, or set {variable} to a free port"
            ) from None
