"""How long an enrollment takes to hear of an event: from the HTTP answer to its new position, at a steady rate."""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles

from sqlmodel import col, select

from bench.processes import Spent, environment, stack
from store.session import Database
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment
from waypost.client import Waypost

RATE = int(os.environ.get("WAYPOST_BENCH_RATE", "50"))
"""Events a second."""

EVENTS = RATE * 20
LOOK_EVERY = 0.01
"""Seconds between two looks at where everybody stands, so that what is told is too long rather than too short."""

JOURNEY = """journey: hearing
enter: [{on: Signed Up}]
start: waiting
stages:
  waiting:
    steps: [{send: thank_you}]
    transitions: [{on: Bought, to: bought}]
  bought:
    steps: [{send: cross_sell}]
    transitions: [{on: Never, to: waiting}]
"""


def main() -> None:
    """Tell the median and the 99th percentile (wanted: 100 and 500 ms)."""
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        home = Path(folder)
        env = environment(home)
        with stack(home, env) as process:
            key, url = (home / "admin.key").read_text().strip(), f"http://127.0.0.1:{env['WAYPOST_PORT']}"
            database = Database(f"sqlite:///{home}/waypost.db")
            with Waypost(url, key) as waypost:
                waypost.put_journey("hearing", JOURNEY)
                waypost.publish("hearing")
                _enter(waypost, database)
                spent = Spent(process.pid)
                answered, moved = _buy(waypost, database)
                print(spent.each(len(moved)))
            database.close()
    waits = sorted((moved[user] - at) * 1000 for user, at in answered.items() if user in moved)
    cuts = quantiles(waits, n=100)
    print(
        f"{len(waits):,} of {EVENTS:,} events at {RATE}/s: p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms, "
        f"at most {waits[-1]:.0f} ms (wanted: p50 100, p99 500)"
    )


def _enter(waypost: Waypost, database: Database) -> None:
    users = [f"u{number}" for number in range(EVENTS)]
    for begin in range(0, EVENTS, 200):
        part = users[begin : begin + 200]
        people = [{"type": "identify", "userId": one, "traits": {"email": f"{one}@example.com"}} for one in part]
        waypost.batch([*people, *({"type": "track", "userId": one, "event": "Signed Up"} for one in part)])
    while len(_standing(database, "waiting", waked=True)) < EVENTS:
        time.sleep(0.2)
    time.sleep(5)  # until the last of them has begun to rest


def _buy(waypost: Waypost, database: Database) -> tuple[dict[str, float], dict[str, float]]:
    """When each call was answered, and when each customer was seen to have moved."""
    answered = dict[str, float]()
    moved = dict[str, float]()
    begun = time.perf_counter()

    def buy(number: int) -> None:
        time.sleep(max(0.0, begun + number / RATE - time.perf_counter()))
        waypost.track(f"u{number}", "Bought")
        answered[f"u{number}"] = time.perf_counter()

    with ThreadPoolExecutor(16) as callers:
        calls = [callers.submit(buy, number) for number in range(EVENTS)]
        until = begun + EVENTS / RATE + 60
        while len(moved) < EVENTS and time.perf_counter() < until:
            found, now = _standing(database, "bought"), time.perf_counter()
            moved |= dict.fromkeys(found - moved.keys(), now)
            time.sleep(LOOK_EVERY)
        for call in calls:
            call.result()
    return answered, moved


def _standing(database: Database, stage: str, *, waked: bool = False) -> set[str]:
    query = select(Customer.external_id).join(Enrollment, col(Enrollment.customer_id) == Customer.id)
    query = query.where(Enrollment.stage == stage, col(Enrollment.wakes) > 0 if waked else col(Enrollment.wakes) >= 0)
    with database.reading() as session:
        return {one for one in session.exec(query).all() if one is not None}


if __name__ == "__main__":
    main()
