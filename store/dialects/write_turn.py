"""Whose turn it is to write to one SQLite file: the threads of a process queue, the processes of a machine take turns.

SQLite's own lock is polled for, in the end ten times a second. A process that writes in a row has it again before
whoever waits has looked: a call to the API waited for seconds while a broadcast went out. Who waits here is next.
"""

import fcntl
import os
import threading
import time
from typing import Self

LONGEST = 10.0
"""Seconds that a turn is waited for. Whoever has it longer has stopped, perhaps for good; SQLite's own lock decides
then, as it does where no file can be made for the turn."""

LONGEST_AGAIN = 0.1
"""The same where the last wait was in vain: whatever keeps the turn, writes do not go one by one each 10 seconds."""

LOOK_EVERY = 0.001
"""Seconds between two looks; one thread of each process looks, and only while another process writes."""


class WriteTurn:
    """A block of `with` writes alone, be it among threads or processes; it may be entered again and again.

    Two files beside the database are locked: `-turn` by whoever writes, `-next` by whoever writes after that, until
    they do. So nobody who has just written comes before them. The locks go with the process that holds them.
    """

    def __init__(self, path: str | None) -> None:
        """Of the database at a path; None for one in memory, which one process has."""
        self._path = path
        self._threads = threading.Lock()
        self._held: int | None = None
        self._in_vain = False

    def __enter__(self) -> Self:
        """Wait for the turn, `LONGEST` at most."""
        self._threads.acquire()
        try:
            self._held = self._taken(self._path) if self._path else None
        except BaseException:
            self._threads.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Let whoever waits have it."""
        try:
            _let_go(self._held)
        finally:
            self._threads.release()

    def _taken(self, path: str) -> int | None:
        until = time.monotonic() + (LONGEST_AGAIN if self._in_vain else LONGEST)
        following = _locked(f"{path}-next", until)
        try:
            held = _locked(f"{path}-turn", until)
        finally:
            _let_go(following)
        self._in_vain = held is None
        return held


def _locked(path: str, until: float) -> int | None:
    """A file that is locked; None where it cannot be had by then."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:  # no folder, no right, no room: what is wrong is said by SQLite, who meets the same
        return None
    try:
        while not _is_mine(file):
            if time.monotonic() >= until:
                raise TimeoutError
            time.sleep(LOOK_EVERY)
    except OSError:  # for too long; or the file system knows no such locks
        os.close(file)
        return None
    except BaseException:
        os.close(file)
        raise
    return file


def _is_mine(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _let_go(file: int | None) -> None:
    if file is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_UN)  # a child that was forked meanwhile has the file open still
        except OSError:
            pass  # it goes with the file
        finally:
            os.close(file)
