"""Processes that write to one SQLite file take turns: whoever waits is next, whatever the others still want."""

import errno
import fcntl
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session

from store.dialects import write_turn
from store.dialects.write_turn import WriteTurn
from store.session import Database

WRITES_IN_A_ROW = """
import sys, time
from sqlalchemy import text
from store.session import Database
database = Database(sys.argv[1])
while True:
    with database.writing() as session:
        session.connection().execute(text("UPDATE t SET a = a + 1"))
        time.sleep(0.02)
"""
HOLDS = """
import sys, time
from store.dialects.write_turn import WriteTurn
with WriteTurn(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def another(code: str, argument: str) -> Generator[subprocess.Popen[str], None, None]:
    with subprocess.Popen([sys.executable, "-c", code, argument], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def counted(session: Session) -> int:
    return session.connection().execute(text("SELECT a FROM t")).scalar_one()


def test_who_waits_comes_before_another_process_that_writes_in_a_row(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'waypost.db'}"
    database = Database(url)
    with database.writing() as session:
        session.connection().execute(text("CREATE TABLE t (a)"))
        session.connection().execute(text("INSERT INTO t VALUES (0)"))
    came_before = list[int]()
    with another(WRITES_IN_A_ROW, url):
        while len(came_before) < 21:
            with database.reading() as session:
                asked_at = counted(session)
            with database.writing() as session:
                if (began_at := counted(session)) > 0:  # the other has begun
                    came_before.append(began_at - asked_at)
    database.close()
    assert sorted(came_before)[10] <= 2, came_before


def test_a_turn_goes_with_the_process_that_has_it(tmp_path: Path) -> None:
    path = str(tmp_path / "waypost.db")
    with another(HOLDS, path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        waiting = threading.Thread(target=lambda: WriteTurn(path).__enter__().__exit__())
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        process.kill()
        waiting.join(write_turn.LONGEST / 2)
        assert not waiting.is_alive()


def test_whoever_has_stopped_with_the_turn_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_turn, "LONGEST", 0.3)
    path = tmp_path / "waypost.db"
    database = Database(f"sqlite:///{path}")
    with another(HOLDS, str(path)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGSTOP)
        with database.writing() as session:
            session.connection().execute(text("CREATE TABLE t (a)"))
    database.close()


def test_what_raises_in_its_turn_lets_it_go(tmp_path: Path) -> None:
    turn = WriteTurn(str(tmp_path / "waypost.db"))
    with pytest.raises(ZeroDivisionError), turn:
        _ = 1 // 0
    with turn, turn.__class__(None):
        assert sorted(one.name for one in tmp_path.iterdir()) == ["waypost.db-next", "waypost.db-turn"]


def test_a_turn_that_is_never_given_back_is_waited_for_once_and_not_by_each_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = list[float]()
    monkeypatch.setattr(write_turn.time, "monotonic", lambda: sum(waits))
    monkeypatch.setattr(write_turn.time, "sleep", waits.append)
    path = str(tmp_path / "waypost.db")
    other = WriteTurn(path)
    with WriteTurn(path):
        for _ in range(6):
            with other:
                pass
    assert sum(waits) == pytest.approx(write_turn.LONGEST + 5 * write_turn.LONGEST_AGAIN, abs=0.1)
    waits.clear()
    with other:
        assert not waits
    with WriteTurn(path), other:
        assert sum(waits) == pytest.approx(write_turn.LONGEST, abs=0.1), "it was given back meanwhile"


def test_an_error_while_it_is_let_go_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fcntl.flock

    def cannot_unlock(file: int, operation: int) -> None:
        if operation == fcntl.LOCK_UN:
            raise OSError(errno.EIO, "input/output error")
        real(file, operation)

    monkeypatch.setattr(fcntl, "flock", cannot_unlock)
    turn = WriteTurn(str(tmp_path / "waypost.db"))
    for _ in range(3):
        with turn:
            pass


def test_two_names_of_one_file_have_one_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "waypost.db")
    monkeypatch.chdir(tmp_path)
    for name in ("waypost.db", "link.db"):
        database = Database(f"sqlite:///{name}")
        with database.writing() as session:
            session.connection().execute(text("SELECT 1"))
        database.close()
    assert sorted(one.name for one in tmp_path.glob("*-*")) == ["waypost.db-next", "waypost.db-turn"]


def test_where_no_file_can_be_made_it_is_done_without_a_turn(tmp_path: Path) -> None:
    with WriteTurn(str(tmp_path / "nowhere" / "waypost.db")):
        assert list(tmp_path.iterdir()) == []


def test_where_files_cannot_be_locked_it_is_done_without_a_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(_file: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with WriteTurn(str(tmp_path / "waypost.db")):
        assert len(list(Path("/proc/self/fd").iterdir())) == before
