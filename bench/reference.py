"""Reference journey R against the same journey written by hand: events, bytes, rate, and the server's CPU."""

import asyncio
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
from sqlmodel import func, select
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from bench.handwritten import Ledger, PlainJourney
from services.definitions import journeys
from services.ingestion import ingest
from store import migrate
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment
from waypost.processes.dispatcher import Dispatcher
from waypost.processes.worker import journey_worker
from waypost.settings import Settings
from waypost.wiring import Parts
from workflows.claim_check import data_converter
from workflows.gateway import Gateway

RUNS = 100
TEXT = """journey: reference
enter: [{on: Signed Up}]
start: main
stages:
  main:
    final: true
    steps:
      - send: thank_you
      - wait: 1 second
      - send: cross_sell
      - wait_for: {event: Done, up_to: 1 second}
      - send: loyalty
"""


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        parts = Parts(Settings(home=Path(folder)))
        migrate.upgrade(parts.database.engine)
        async with await WorkflowEnvironment.start_local(
            dev_server_existing_path=str(Path(sys.executable).parent / "temporal"),
            data_converter=data_converter(parts.program),
            dev_server_database_filename=str(Path(folder) / "temporal.db"),
            dev_server_extra_args=["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"],
            dev_server_log_level="error",
        ) as env:
            with ThreadPoolExecutor(16) as threads:
                plain = await _plain(env.client, parts, threads)
                ours = await _ours(env.client, parts, threads)
        parts.close()
    for name, result in (("by hand", plain), ("Waypost", ours)):
        print(
            f"{name:>8}: {result['events']} events, {result['bytes']:,} bytes, {result['rate']:.1f} journeys/s, "
            f"{result['cpu']:.1f} ms of server CPU each"
        )
    print(f"   ratio: rate {ours['rate'] / plain['rate']:.2f}, server CPU {ours['cpu'] / plain['cpu']:.2f}")


def _server() -> psutil.Process:
    return next(one for one in psutil.Process().children() if "temporal" in one.name())


def _cpu() -> float:
    times = _server().cpu_times()
    return times.user + times.system


async def _measure(client: Client, ids: list[str], run: Any) -> dict[str, Any]:
    before, began = _cpu(), time.perf_counter()
    await run()
    seconds = time.perf_counter() - began
    described = await client.get_workflow_handle(ids[0]).describe()
    size = described.raw_description.workflow_execution_info.history_size_bytes
    cpu = (_cpu() - before) * 1_000 / RUNS
    return {"events": described.history_length, "bytes": size, "rate": RUNS / seconds, "cpu": cpu}


async def _plain(client: Client, parts: Parts, threads: ThreadPoolExecutor) -> dict[str, Any]:
    now = parts.clock()
    with parts.database.writing() as session:
        session.add(Customer(id="cus_bench", email="a@example.com", created_at=now, updated_at=now))
    ids = [f"plain/{number}" for number in range(RUNS)]
    runner = SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_all_modules())

    async def run() -> None:
        handles = await asyncio.gather(
            *(client.start_workflow("PlainJourney", id, id=id, task_queue="plain") for id in ids)
        )
        await asyncio.gather(*(handle.result() for handle in handles))

    async with Worker(
        client,
        task_queue="plain",
        workflows=[PlainJourney],
        activities=[Ledger(parts.database).plan],
        activity_executor=threads,
        workflow_runner=runner,
    ):
        return await _measure(client, ids, run)


async def _ours(client: Client, parts: Parts, threads: ThreadPoolExecutor) -> dict[str, Any]:
    with parts.database.writing() as session:
        journeys.put_draft(session, "reference", TEXT, parts.templates(), parts.clock())
        journeys.publish(session, "reference", parts.templates(), parts.clock())
        for number in range(RUNS):
            user = f"user{number}"
            ingest.ingest(
                session,
                [
                    {
                        "type": "identify",
                        "userId": user,
                        "traits": {"email": f"{user}@example.com", "first_name": user},
                    },
                    {"type": "track", "userId": user, "event": "Signed Up"},
                ],
                parts.clock(),
            )
        ids = [one.workflow_id for one in session.exec(select(Enrollment)).all()]
    dispatcher = Dispatcher(parts.database, Gateway(client), parts.clock)

    async def run() -> None:
        await dispatcher.drain()
        while _live(parts):  # noqa: ASYNC110 - the end is a fact in the database
            await asyncio.sleep(0.05)

    async with journey_worker(client, parts, threads):
        return await _measure(client, ids, run)


def _live(parts: Parts) -> int:
    with parts.database.reading() as session:
        return session.exec(select(func.count()).select_from(Enrollment).where(Enrollment.status == "live")).one()
