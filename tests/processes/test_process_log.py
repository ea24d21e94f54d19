"""A supervisor never stops reading its children, whatever happens to its log."""

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, text

from store.availability import has_room
from store.dialect import is_full
from store.session import Database
from waypost.stack.child import Child
from waypost.stack.process_log import ProcessLog

MANY = 20_000


async def ready() -> bool:
    return True


async def run(log: Path, program: str) -> Child:
    """A child that was read to its end."""
    child = Child("talker", [sys.executable, "-c", program], ready, log)
    child.process = await asyncio.create_subprocess_exec(*child.command, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(120):
        await child.copy_output()
        assert await child.process.wait() == 0
    return child


async def test_a_full_disk_under_the_log_holds_up_no_child() -> None:
    """Each write to /dev/full fails with ENOSPC; far more than a pipe holds is said all the same."""
    child = await run(Path("/dev/full"), f"for one in range({MANY}): print('line', one)")
    assert list(child.lines)[-1] == f"line {MANY - 1}"


async def test_a_line_longer_than_any_buffer_is_read_too(tmp_path: Path) -> None:
    child = await run(tmp_path / "log", "print('x' * 1_000_000); print('after')")
    assert child.lines[-1] == "after"
    assert (tmp_path / "log").read_text().count("x") == 1_000_000


def test_what_was_lost_is_said_when_there_is_room_again(tmp_path: Path) -> None:
    log = ProcessLog(tmp_path / "log")
    log.keep("first")
    log.close()
    log.baseFilename = "/dev/full"
    log.keep("lost one")
    log.keep("lost two")
    assert log.lost >= 2
    log.baseFilename = str(tmp_path / "log")
    lost = log.lost
    log.keep("last")
    log.close()
    assert (tmp_path / "log").read_text().splitlines() == [
        "first",
        f"… {lost} lines are missing: they could not be written",
        "last",
    ]


def test_a_log_grows_to_a_bound_alone(tmp_path: Path) -> None:
    log = ProcessLog(tmp_path / "log")
    log.maxBytes = 1_000
    for one in range(1_000):
        log.keep(f"line {one}")
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1"]
    assert (tmp_path / "log").read_text().splitlines()[-1] == "line 999"


def test_a_full_database_is_told_from_a_broken_one(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'full.db'}")

    def fill(session: Session) -> None:
        session.connection().execute(text("CREATE TABLE heap (what TEXT)"))
        session.connection().exec_driver_sql("PRAGMA max_page_count = 10")
        session.connection().execute(text("INSERT INTO heap VALUES (zeroblob(1000000))"))

    with pytest.raises(OperationalError) as full:
        database.write(fill)
    assert is_full(full.value)
    with pytest.raises(OperationalError) as broken, database.reading() as session:
        session.connection().execute(text("SELECT * FROM nothing"))
    assert not is_full(broken.value)
    database.close()


def test_there_is_room_where_nobody_can_tell(tmp_path: Path) -> None:
    assert has_room(tmp_path)
    assert has_room(tmp_path / "missing")
