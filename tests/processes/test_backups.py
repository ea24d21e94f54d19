"""A home is backed up while it is written to, and what is put back sends nothing by itself."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlmodel import select

from store.queries.mails import messages
from store.queries.sending import holds
from store.session import Database
from store.tables.customers import Customer
from store.tables.messages import Message, Restore
from tests.faults.test_full_disk import small_disk
from waypost.backup import manifest, restoring, snapshot
from waypost.cli.terminal import failures_as_sentences
from waypost.errors import CannotStart
from waypost.stack import home as homes

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=7)
TERMS: dict[str, Any] = {"template": "mail_a", "topic": "news", "lane": "journey"}


@pytest.fixture
def home(tmp_path: Path, sqlite: Path) -> Path:
    """A home with both databases and its secret; a mail is due, another comes tomorrow."""
    made = tmp_path / "home"
    made.mkdir()
    shutil.copy(sqlite, made / "waypost.db")
    (made / "secret").write_text("the secret of links")
    database = Database(f"sqlite:///{made / 'waypost.db'}")
    with database.writing() as session:
        session.add(Customer(id="cus_1", email="ann@example.com", created_at=NOW, updated_at=NOW))
        for name, at in (("due", NOW), ("tomorrow", NOW + timedelta(days=1))):
            messages.add(session, [messages.row(name, "cus_1", due=at, now=NOW, not_before=at, **TERMS)])
    database.close()
    with closing(sqlite3.connect(made / "temporal.db", isolation_level=None)) as temporal:
        temporal.execute("PRAGMA journal_mode=WAL")
        temporal.execute("CREATE TABLE told (number INTEGER)")
    with closing(sqlite3.connect(made / "waypost.db", isolation_level=None)) as ours:
        ours.execute("CREATE TABLE woken (number INTEGER)")
    return made


@pytest.fixture
def wakes(home: Path) -> Iterator[None]:
    """Wakes without end: each is committed with us, and then told to Temporal."""
    over, begun = threading.Event(), threading.Event()

    def wake() -> None:
        ours = sqlite3.connect(home / "waypost.db", isolation_level=None, timeout=60)
        temporal = sqlite3.connect(home / "temporal.db", isolation_level=None, timeout=60)
        with closing(ours), closing(temporal):
            for number in range(1, 1_000_000):
                ours.execute("INSERT INTO woken VALUES (?)", (number,))
                temporal.execute("INSERT INTO told VALUES (?)", (number,))
                begun.set()
                if over.is_set():
                    return

    thread = threading.Thread(target=wake)
    thread.start()
    assert begun.wait(30)
    yield
    over.set()
    thread.join(30)


def last(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(f"SELECT max(number) FROM {table}").fetchone()[0]


@pytest.mark.usefixtures("wakes")
def test_no_wake_is_known_to_temporal_alone_in_a_backup_that_is_taken_in_the_middle(home: Path, tmp_path: Path) -> None:
    for number in range(5):
        folder = tmp_path / f"backup-{number}"
        snapshot.take(home, folder, NOW)
        told, woken = last(folder / "temporal.db", "told"), last(folder / "waypost.db", "woken")
        assert 0 < told <= woken, "what Temporal was told is committed"


def test_a_backup_is_its_owners_alone_and_tells_what_it_holds(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    taken = snapshot.take(home, folder, NOW)
    assert manifest.verified(folder) == taken
    assert (taken.taken_at, set(taken.files)) == (NOW, {"temporal.db", "waypost.db", "secret"})
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o600}
    with pytest.raises(CannotStart, match="is not empty"):
        snapshot.take(home, folder, NOW)


def test_a_folder_without_a_database_is_no_home(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="no database"):
        snapshot.take(tmp_path, tmp_path / "backup", NOW)


def _flip(folder: Path) -> None:
    body = bytearray((folder / "waypost.db").read_bytes())
    body[len(body) // 2] ^= 1
    (folder / "waypost.db").write_bytes(body)


def _climb_out(folder: Path) -> None:
    body = json.loads((folder / "manifest.json").read_text())
    body["files"]["../outside"] = body["files"]["secret"]
    (folder / "manifest.json").write_text(json.dumps(body))


DAMAGE = {
    "a byte is another": (_flip, "checksum differs"),
    "a file is gone": (lambda folder: (folder / "temporal.db").unlink(), "is missing"),
    "nothing tells what it holds": (lambda folder: (folder / "manifest.json").unlink(), "is no backup"),
    "it is told in another form": (lambda folder: (folder / "manifest.json").write_text("[]"), "is no backup"),
    "a file outside is named": (_climb_out, "another form"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_backup_that_is_not_whole_is_never_restored(home: Path, tmp_path: Path, damage: str) -> None:
    hurt, told = DAMAGE[damage]
    folder = tmp_path / "backup"
    snapshot.take(home, folder, NOW)
    hurt(folder)
    before = sorted(one.name for one in home.iterdir())
    for do in (lambda: manifest.verified(folder), lambda: restoring.restore(home, folder, LATER)):
        with pytest.raises(CannotStart, match=told):
            do()
    assert sorted(one.name for one in home.iterdir()) == before


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk on which there is room for half of a database."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk(folder, "600k") as made:
        yield made


def test_where_there_is_no_room_no_backup_is_left_and_it_is_said_in_a_sentence(
    home: Path, disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = disk / "backup"
    with pytest.raises(typer.Exit), failures_as_sentences():
        snapshot.take(home, folder, NOW)
    assert f"cannot be made in {folder} (database or disk is full)" in " ".join(capsys.readouterr().err.split())
    assert list(disk.iterdir()) == []


def test_where_there_is_no_room_for_a_restore_the_home_stays_as_it_is(
    home: Path, tmp_path: Path, disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A home on the full disk, with a database that is small still."""
    taken, small = tmp_path / "backup", disk / "home"
    snapshot.take(home, taken, NOW)
    small.mkdir()
    (small / "waypost.db").write_text("what was there")
    with pytest.raises(typer.Exit), failures_as_sentences():
        restoring.restore(small, taken, LATER)
    assert "No space left on device" in capsys.readouterr().err
    assert (small / "waypost.db").read_text() == "what was there"
    homes.check_whole(small)


def test_a_restored_home_is_held_and_doubts_what_may_have_gone(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    snapshot.take(home, folder, NOW)
    (home / "secret").write_text("another secret")
    done = restoring.restore(home, folder, LATER)
    assert (done.taken_at, done.in_doubt) == (NOW, 1)
    database = Database(f"sqlite:///{home / 'waypost.db'}")
    with database.reading() as session:
        held = holds.current(session)
        assert held is not None
        assert (held.since, held.by) == (LATER, "command line")
        assert session.exec(select(Restore.taken_at, Restore.restored_at)).all() == [(NOW, LATER)]
        found = {one.id: (one.status, one.reason) for one in session.exec(select(Message))}
    database.close()
    assert found == {"due": ("unknown", "restored"), "tomorrow": ("planned", None)}
    assert (home / "secret").read_text() == "the secret of links"
    assert (done.kept / "secret").read_text() == "another secret"
    assert {"waypost.db", "temporal.db"} <= {one.name for one in done.kept.iterdir()}


def test_nothing_is_restored_while_somebody_uses_the_home(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    snapshot.take(home, folder, NOW)
    with homes.take(home), pytest.raises(CannotStart, match="another `waypost up` uses"):
        restoring.restore(home, folder, LATER)


def test_nothing_starts_on_a_home_whose_restore_was_cut_off(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    snapshot.take(home, folder, NOW)
    (home / homes.RESTORING).mkdir()
    with pytest.raises(CannotStart, match="cut off"):
        homes.check_whole(home)
    restoring.restore(home, folder, LATER)
    homes.check_whole(home)


def test_a_backup_of_a_time_to_come_is_not_believed(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    snapshot.take(home, folder, LATER)
    with pytest.raises(CannotStart, match="yet to come"):
        restoring.restore(home, folder, NOW)
