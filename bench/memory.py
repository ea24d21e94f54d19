"""The memory of an idle API and an idle worker, as processes of their own (resident set, MB)."""

import tempfile
import time
from pathlib import Path

import psutil

from bench.processes import stack


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder, stack(Path(folder)) as process:
        time.sleep(3)
        for child in psutil.Process(process.pid).children():
            print(f"{child.cmdline()[-1]:>40}  {child.memory_info().rss / 1e6:6.1f} MB")
