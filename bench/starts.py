"""The CDNOW import to running workflows, against bare starts of a workflow with one local activity and one timer."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from bench.handwritten import PlainStart, nothing
from bench.processes import environment, stack
from examples.cdnow import demo

AT_ONCE = 64


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        home = Path(folder)
        env = environment(home)
        with stack(home, env):
            customers, bare = await _bare(f"127.0.0.1:{env['WAYPOST_TEMPORAL_PORT']}")
            seconds = _import(home, env)
    print(f"bare starts: {customers:,} in {bare:.1f} s, {customers / bare:.0f}/s")
    print(
        f"CDNOW import: {customers:,} in {seconds:.1f} s, {customers / seconds:.0f}/s, from file to running workflows"
    )
    print(f"ratio: {bare / seconds:.2f}")


async def _bare(address: str) -> tuple[int, float]:
    client = await Client.connect(address)
    count, slots = len({customer for customer, *_ in demo.orders()}), asyncio.Semaphore(AT_ONCE)

    async def start(number: int) -> None:
        async with slots:
            await client.start_workflow("PlainStart", number, id=f"bare/{number}", task_queue="bare")

    restrictions = SandboxRestrictions.default.with_passthrough_all_modules()
    with ThreadPoolExecutor(16) as threads:
        async with Worker(
            client,
            task_queue="bare",
            workflows=[PlainStart],
            activities=[nothing],
            activity_executor=threads,
            workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
            workflow_task_poller_behavior=PollerBehaviorAutoscaling(initial=8),
            max_cached_workflows=500,
        ):
            began = time.perf_counter()
            await asyncio.gather(*(start(number) for number in range(count)))
            return count, time.perf_counter() - began


def _import(home: Path, env: dict[str, str]) -> float:
    waypost = [sys.executable, "-m", "waypost.cli"]
    journey = str(demo.HERE / "lifecycle.yaml")
    for command in (["apply", journey], ["publish", demo.JOURNEY]):
        subprocess.run([*waypost, *command], env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shift = (datetime.now(UTC).date() - max(day for _, day, *_ in demo.orders())).days
    events = home / "events.ndjson"
    events.write_text("".join(json.dumps(one) + "\n" for one in demo.segment_events(shift)))
    began = time.perf_counter()
    subprocess.run([*waypost, "import", str(events), "--journey", demo.JOURNEY, "--json"], env=env, check=True)
    return time.perf_counter() - began
