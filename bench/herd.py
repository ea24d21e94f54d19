"""Everybody's wait ends in the same second: how long until the last has acted, and whether each acted once."""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import col, func, select

from bench.processes import Spent, environment, stack
from store.session import Database
from store.tables.enrollments import Decision, Dispatch, Enrollment
from store.tables.messages import Message
from waypost.client import Waypost

HERD = int(os.environ.get("WAYPOST_BENCH_HERD", "10000"))
"""Enrollments."""

ENTER_WITHIN = timedelta(seconds=30) + HERD * timedelta(seconds=float(os.environ.get("WAYPOST_BENCH_ENTRY", "0.03")))
"""Until their wait ends; whoever has not entered by then would make the herd smaller, so that is an error."""

GIVE_UP = 600
"""Seconds behind that second."""

JOURNEY = """journey: herd
enter: [{on: Signed Up}]
start: waiting
stages:
  waiting:
    final: true
    steps:
      - wait: {until: customer.starts_at}
      - send: thank_you
"""


def main() -> None:
    """Tell the seconds until the last acted (wanted: 60), how many are missing, and how many acted twice."""
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        home = Path(folder)
        env = environment(home)
        with stack(home, env) as process:
            key, url = (home / "admin.key").read_text().strip(), f"http://127.0.0.1:{env['WAYPOST_PORT']}"
            database = Database(f"sqlite:///{home}/waypost.db")
            starts_at = (datetime.now(UTC) + ENTER_WITHIN).replace(microsecond=0)
            with Waypost(url, key) as waypost:
                _enter(waypost, database, starts_at)
            time.sleep((starts_at - datetime.now(UTC)).total_seconds())
            spent = Spent(process.pid)
            seconds = _acted(database, starts_at)
            print(spent.each(HERD))
            mails = _mails(database)
            database.close()
    twice, lost = sum(count > 1 for count in mails), HERD - len(mails)
    print(
        f"{len(mails):,} of {HERD:,} acted, half of them within {seconds[len(seconds) // 2]:.1f} s and the last after "
        f"{seconds[-1]:.1f} s (wanted: 60), {len(mails) / seconds[-1]:.0f}/s; {lost} lost, {twice} twice"
    )


def _enter(waypost: Waypost, database: Database, starts_at: datetime) -> None:
    waypost.put_journey("herd", JOURNEY)
    waypost.publish("herd")
    traits = {"starts_at": starts_at.isoformat()}
    for begin in range(0, HERD, 500):
        users = [f"u{number}" for number in range(begin, min(begin + 500, HERD))]
        people = [
            {"type": "identify", "userId": one, "traits": {"email": f"{one}@example.com", **traits}} for one in users
        ]
        waypost.batch([*people, *({"type": "track", "userId": one, "event": "Signed Up"} for one in users)])
    while (left := _on_their_way(database)) > 0:
        if datetime.now(UTC) > starts_at:
            raise SystemExit(f"{left:,} have not entered in time; set WAYPOST_BENCH_ENTRY to more seconds for each")
        time.sleep(1)


def _on_their_way(database: Database) -> int:
    with database.reading() as session:
        return session.exec(select(func.count(col(Dispatch.id)))).one()


def _acted(database: Database, starts_at: datetime) -> Sequence[float]:
    """Seconds behind that second at which each was seen to have ended, in order."""
    ended, seen = list[float](), 0
    while seen < HERD and (since := (datetime.now(UTC) - starts_at).total_seconds()) < GIVE_UP:
        with database.reading() as session:
            query = select(func.count(col(Enrollment.id))).where(Enrollment.status == "ended")
            seen = session.exec(query).one()
        ended += [since] * (seen - len(ended))
        time.sleep(0.2)
    return ended or [GIVE_UP]


def _mails(database: Database) -> Sequence[int]:
    """How often each enrollment that acted planned its mail: by the ledger, and by its decisions."""
    with database.reading() as session:
        rows = session.exec(select(Message.enrollment_id)).all()
        planned = session.exec(select(Decision.enrollment_id).where(Decision.what == "planned")).all()
    counts = Counter(rows) | Counter(planned)
    return list(counts.values())


if __name__ == "__main__":
    main()
