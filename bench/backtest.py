"""A backtest of ten times CDNOW: 23,570 customers with 69,190 orders over 18 months, from the file to the numbers."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from examples.cdnow import demo

TIMES = 10


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        events = Path(folder) / "events.ndjson"
        count = write(events)
        command = [sys.executable, "-m", "waypost.cli", "backtest", str(demo.HERE / "lifecycle.yaml")]
        began = time.perf_counter()
        done = subprocess.run([*command, "--events", str(events), "--json"], check=True, capture_output=True)
        seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    totals = json.loads(done.stdout)
    print(
        f"{totals['customers']:,} customers, {count:,} orders: {seconds:.1f} s (wanted 30), "
        f"largest process {peak:.0f} MB (wanted 1,000); stages {totals['stages']}"
    )


def write(file: Path) -> int:
    """The CDNOW orders, each customer ten times under other ids."""
    count = 0
    with file.open("w") as out:
        for copy in range(TIMES):
            for number, (customer, day, quantity, total) in enumerate(demo.orders()):
                line = {
                    "type": "track",
                    "userId": f"{customer}-{copy}",
                    "event": "Order Completed",
                    "timestamp": f"{day.isoformat()}T00:00:00Z",
                    "messageId": f"{copy}-{number}",
                    "properties": {"quantity": quantity, "total": total},
                }
                out.write(json.dumps(line) + "\n")
                count += 1
    return count
