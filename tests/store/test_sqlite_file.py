"""What holds of SQLite's file while several processes have it open."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import text

from store.session import Database

LOOKS = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); print(*c.execute('SELECT count(*) FROM t').fetchone()); c.close()"


def elsewhere(path: Path) -> int:
    """What another process counts, which then closes the database."""
    done = subprocess.run([sys.executable, "-c", LOOKS, str(path)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_what_is_committed_stays_committed_while_others_open_and_close_the_file(tmp_path: Path) -> None:
    """Whoever closes it last removes its log: nobody may believe to be that while this process has it open."""
    path = tmp_path / "waypost.db"
    database = Database(f"sqlite:///{path}")
    with database.writing() as session:
        session.connection().execute(text("CREATE TABLE t (a)"))
    with ExitStack() as open_at_once:  # each of several connections began after the first had its lock
        for _ in range(3):
            open_at_once.enter_context(database.reading()).connection().execute(text("SELECT * FROM t")).all()
    for count in (1, 2):
        with database.writing() as session:
            session.connection().execute(text("INSERT INTO t VALUES (1)"))
        assert elsewhere(path) == count
    database.close()
