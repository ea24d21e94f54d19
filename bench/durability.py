"""What it costs on SQLite that each commit is on the disk: the same work with `synchronous=FULL` and with NORMAL.

One event in a transaction (a call to the API), a hundred of them, and a mail's way through the ledger: claimed, frozen
and recorded, a hundred together and one by one. The disk decides: the fsync of a commit is measured beside it.
"""

import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import event

from services.ingestion import ingest
from store import migrate
from store.queries.mails import messages
from store.session import Database

ROUNDS = 5
TIMES = 100


def main() -> None:
    """Tell each ratio, NORMAL over FULL; the two take turns, and the median of the rounds is told."""
    with tempfile.TemporaryDirectory() as folder:
        full = Database(f"sqlite:///{folder}/full.db")
        normal = Database(f"sqlite:///{folder}/normal.db")
        event.listen(normal.engine, "connect", _less)
        for database in (full, normal):
            migrate.upgrade(database.engine)
        print(f"an fsync takes {_fsync(Path(folder)) * 1000:.2f} ms on this disk")
        for name, work in WORK.items():
            pairs = [(_timed(full, work, one), _timed(normal, work, one)) for one in range(ROUNDS)]
            rate, ratio = TIMES / median(a for a, _ in pairs), median(b / a for a, b in pairs)
            print(f"{name}: {rate:,.0f}/s with FULL; ratio to NORMAL {ratio:.2f}")
        full.close()
        normal.close()


def _less(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")


def _fsync(folder: Path) -> float:
    with (folder / "page").open("wb") as file:
        begun = time.perf_counter()
        for _ in range(TIMES):
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        return (time.perf_counter() - begun) / TIMES


def _timed(database: Database, work: Callable[[Database, str], None], number: int) -> float:
    begun = time.perf_counter()
    for time_ in range(TIMES):
        work(database, f"{number}-{time_}")
    return time.perf_counter() - begun


def _events(count: int) -> Callable[[Database, str], None]:
    def work(database: Database, name: str) -> None:
        batch = [
            {"type": "track", "userId": f"u{one}", "event": "Seen", "messageId": f"{count}-{name}-{one}"}
            for one in range(count)
        ]
        with database.writing() as session:
            ingest.ingest(session, batch, datetime.now(UTC))

    return work


def _mails(count: int) -> Callable[[Database, str], None]:
    def work(database: Database, name: str) -> None:
        now = datetime.now(UTC)
        ids = [f"{count}-{name}-{one}" for one in range(count)]
        made = [
            messages.row(one, "c", template="t", topic="news", lane="journey", due=now, now=now, not_before=now)
            for one in ids
        ]
        with database.writing() as session:
            messages.add(session, made)
        with database.writing() as session:
            messages.claim(session, ids, "f", now)
        with database.writing() as session:
            messages.freeze(session, dict.fromkeys(ids, 1), "f", now)

    return work


WORK: dict[str, Callable[[Database, str], None]] = {
    "one event in a transaction": _events(1),
    "a hundred events": _events(100),
    "one mail planned, claimed and frozen": _mails(1),
    "a hundred mails": _mails(100),
}
"""What is timed, by name."""


if __name__ == "__main__":
    main()
