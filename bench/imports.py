"""A file of a million lines through the API: how fast it goes in, and what memory the processes take meanwhile."""

import json
import os
import tempfile
import threading
import time
from pathlib import Path

import psutil

from bench.processes import environment, stack
from waypost.client import Waypost

LINES = int(os.environ.get("WAYPOST_BENCH_LINES", "1000000"))
CUSTOMERS = LINES // 10
MB = 1024 * 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = _file(Path(folder) / "events.ndjson")
        home = Path(folder) / "home"
        env = environment(home)
        with stack(home, env) as process:
            key = (home / "admin.key").read_text().strip()
            most: dict[str, float] = {}
            watching = threading.Event()
            watcher = threading.Thread(target=_watch, args=(process.pid, most, watching))
            watcher.start()
            with Waypost(f"http://127.0.0.1:{env['WAYPOST_PORT']}", key, timeout=600) as waypost:
                begun = time.perf_counter()
                operation = waypost.import_file(file, "events")
                uploaded = time.perf_counter() - begun
                done = list(waypost.watch(operation["id"], 1))[-1]
                seconds = time.perf_counter() - begun
            watching.set()
            watcher.join()
        size = file.stat().st_size / MB
        told = f"{LINES:,} lines ({size:,.0f} MB), {CUSTOMERS:,} customers: uploaded in {uploaded:.1f} s"
        print(f"{told}, {done['status']} after {seconds:.1f} s ({LINES / seconds:,.0f} lines/s)")
        for name in ("api", "worker"):
            print(
                f"{name:>8}: at most {most.get(name, 0):.0f} MB" + (" (wanted: API below 250)" if name == "api" else "")
            )


def _file(path: Path) -> Path:
    with path.open("w") as file:
        for line in range(LINES):
            event = {
                "type": "track", "userId": f"u{line % CUSTOMERS}", "event": "Order Completed", "messageId": f"m{line}",
                "timestamp": f"2025-{line % 12 + 1:02}-{line % 28 + 1:02}T10:00:00Z",
                "properties": {"total": line % 97},
            }  # fmt: skip
            file.write(json.dumps(event) + "\n")
    return path


def _watch(pid: int, most: dict[str, float], stop: threading.Event) -> None:
    """The largest resident size of each process of the stack."""
    while not stop.wait(0.25):
        for child in psutil.Process(pid).children(recursive=True):
            try:
                name, size = child.cmdline()[-1], child.memory_info().rss / MB
            except (psutil.Error, IndexError):
                continue
            most[name] = max(most.get(name, 0), size)
