"""What an installation costs where nothing happens, each process by itself; and how soon one that stands is told."""

import os
import signal
import tempfile
import time
from pathlib import Path

import httpx

from bench.processes import environment, family, seconds_of_cpu, stack

SETTLED = 30
"""Seconds until what the start has to do is done."""

MEASURED = int(os.environ.get("WAYPOST_BENCH_IDLE", "60"))
"""Seconds."""


def main() -> None:
    """Tell the share of one core (ours: at most 1.5%), and the seconds until `/readyz` tells (wanted: ten)."""
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        env = environment(Path(folder))
        with stack(Path(folder), env) as process:
            time.sleep(SETTLED)
            before, begun = seconds_of_cpu(process.pid), time.perf_counter()
            time.sleep(MEASURED)
            after, took = seconds_of_cpu(process.pid), time.perf_counter() - begun
            shares = {name: (after[name] - seconds) / took for name, seconds in before.items() if name in after}
            for name, share in shares.items():
                print(f"{name:>10}: {share:.2%} of a core")
            ours = sum(share for name, share in shares.items() if name != "temporal")
            print(f"{'ours':>10}: {ours:.2%} (held: at most 1.5%)")
            print(f"{'in all':>10}: {sum(shares.values()):.2%} (wanted: at most 1%; ADR 17 tells why not)")
            told = _until_told(process.pid, f"http://127.0.0.1:{env['WAYPOST_PORT']}/readyz")
            print(f"a worker that stands still is told by /readyz after {told:.1f} s (wanted: at most 10)")


def _until_told(pid: int, url: str) -> float:
    worker = family(pid)["worker"]
    begun = time.perf_counter()
    worker.send_signal(signal.SIGSTOP)
    try:
        while httpx.get(url, timeout=5).status_code == 200:
            time.sleep(0.1)
        return time.perf_counter() - begun
    finally:
        worker.send_signal(signal.SIGCONT)
