"""Reference journey R against the same journey written by hand: history, rate, and the CPU of server and worker.

Everybody enters inside the clock, floor and ours take turns, and every run is described. The waits are told, since a
wait that has passed before anybody looks is skipped and would make us look better than we are. Ours are counted until
the last workflow has followed to its end, which is a while after the journeys have ended; the rate is that of journeys.
So one of ours is looked at for several times as long: what server and worker take while nothing happens is measured
behind each round, for both, and is told apart from what the journeys take.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

import psutil
from sqlmodel import col, func, select
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from bench.handwritten import Ledger, PlainJourney
from journeys.checks.lint import NOWHERE
from services.definitions.journey_versions import drafts, journeys
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
ROUNDS = 3
WAITS = (1, 10)
"""Seconds of both waits of R."""

LAG = 6
"""How long workflows look after a deadline, in waits: as in production, longer than the journey takes."""

DESCRIBED_AT_ONCE = 20

IDLE = 10
"""Seconds behind each round in which nothing happens."""

TEXT = """journey: {key}
enter: [{{on: Signed Up {key}}}]
start: main
stages:
  main:
    final: true
    steps:
      - send: thank_you
      - wait: {wait} seconds
      - send: cross_sell
      - wait_for: {{event: Done, up_to: {wait} seconds}}
      - send: loyalty
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one round: events and bytes of a history (mean, most), runs a second, CPU in ms a run.

    The last two are shares of a core while nothing happens, which the CPU of the runs is beside.
    """

    events: float
    most_events: int
    size: float
    rate: float
    server: float
    worker: float
    idle_server: float
    idle_worker: float


async def main() -> None:
    for wait in WAITS:
        with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
            async with _environment(Path(folder)) as (client, parts):
                floors, ours = await _rounds(client, parts, wait)
        print(f"waits of {wait} s, {ROUNDS} rounds of {RUNS}, in turns:")
        _tell("by hand", floors)
        _tell("Waypost", ours)
        ratios = {name: _ratio(ours, floors, name) for name in ("rate", "server", "worker")}
        print("   ratio: " + ", ".join(f"{name} {value:.2f}" for name, value in ratios.items()))


@asynccontextmanager
async def _environment(folder: Path) -> AsyncIterator[tuple[Client, Parts]]:
    parts = Parts(Settings(home=folder))
    migrate.upgrade(parts.database.engine)
    try:
        async with await WorkflowEnvironment.start_local(
            dev_server_existing_path=str(Path(sys.executable).parent / "temporal"),
            data_converter=data_converter(parts.program),
            dev_server_database_filename=str(folder / "temporal.db"),
            dev_server_extra_args=["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"],
            dev_server_log_level="error",
        ) as env:
            yield env.client, parts
    finally:
        parts.close()


async def _rounds(client: Client, parts: Parts, wait: int) -> tuple[list[Cost], list[Cost]]:
    floors: list[Cost] = []
    ours: list[Cost] = []
    with ThreadPoolExecutor(16) as threads:
        for number in range(ROUNDS):
            floors.append(await _plain(client, parts, threads, f"{wait}-{number}", wait))
            ours.append(await _ours(client, parts, threads, f"r{wait}x{number}", wait))
    return floors, ours


def _tell(name: str, costs: list[Cost]) -> None:
    print(
        f"{name:>8}: {median(one.events for one in costs):.1f} events (at most "
        f"{max(one.most_events for one in costs)}), {median(one.size for one in costs):,.0f} bytes, "
        f"{median(one.rate for one in costs):.1f} journeys/s, {median(one.server for one in costs):.1f} ms of the "
        f"server's CPU each, {median(one.worker for one in costs):.1f} ms of the worker's; while nothing happens "
        f"{median(one.idle_server for one in costs):.1%} and {median(one.idle_worker for one in costs):.1%} of a core"
    )


def _ratio(ours: list[Cost], floors: list[Cost], name: str) -> float:
    """The median over the rounds of each round's own ratio."""
    return median(getattr(one, name) / getattr(floor, name) for one, floor in zip(ours, floors, strict=True))


def _cpu() -> tuple[float, float]:
    """Seconds of CPU of the server and of this process, which is the worker."""
    here = psutil.Process()
    server = next(one for one in here.children() if "temporal" in one.name()).cpu_times()
    mine = here.cpu_times()
    return server.user + server.system, mine.user + mine.system


async def _measure(client: Client, run: Callable[[], Awaitable[list[str]]]) -> Cost:
    server, worker = _cpu()
    began = time.perf_counter()
    ids = await run()
    seconds = time.perf_counter() - began
    await asyncio.gather(*(client.get_workflow_handle(id).result() for id in ids))
    after, took = _cpu(), time.perf_counter() - began
    await asyncio.sleep(IDLE)
    idle_server, idle_worker = ((later - then) / IDLE for later, then in zip(_cpu(), after, strict=True))
    slots = asyncio.Semaphore(DESCRIBED_AT_ONCE)

    async def described(id: str) -> tuple[int, int]:
        async with slots:
            found = await client.get_workflow_handle(id).describe()
            return found.history_length, found.raw_description.workflow_execution_info.history_size_bytes

    found = await asyncio.gather(*(described(id) for id in ids))
    return Cost(
        events=sum(events for events, _ in found) / len(found),
        most_events=max(events for events, _ in found),
        size=sum(size for _, size in found) / len(found),
        rate=len(ids) / seconds,
        server=(after[0] - server - idle_server * took) * 1_000 / len(ids),
        worker=(after[1] - worker - idle_worker * took) * 1_000 / len(ids),
        idle_server=idle_server,
        idle_worker=idle_worker,
    )


async def _plain(client: Client, parts: Parts, threads: ThreadPoolExecutor, name: str, wait: int) -> Cost:
    with parts.database.writing() as session:
        now = parts.clock()
        session.merge(Customer(id="cus_bench", email="a@example.com", created_at=now, updated_at=now))
    ids = [f"plain/{name}/{number}" for number in range(RUNS)]
    runner = SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_all_modules())

    async def run() -> list[str]:
        handles = await asyncio.gather(
            *(client.start_workflow("PlainJourney", args=[id, wait], id=id, task_queue="plain") for id in ids)
        )
        await asyncio.gather(*(handle.result() for handle in handles))
        return ids

    async with Worker(
        client,
        task_queue="plain",
        workflows=[PlainJourney],
        activities=[Ledger(parts.database).plan],
        activity_executor=threads,
        workflow_runner=runner,
    ):
        return await _measure(client, run)


async def _ours(client: Client, parts: Parts, threads: ThreadPoolExecutor, key: str, wait: int) -> Cost:
    with parts.database.writing() as session:
        text = TEXT.format(key=key, wait=wait)
        drafts.put_draft(session, drafts.read_draft(key, text, NOWHERE), parts.clock())
        journeys.publish(session, key, parts.templates(), parts.clock())
    lag = timedelta(seconds=LAG * wait)
    dispatcher = Dispatcher(parts.database, Gateway(client), parts.clock, notices=parts.notices, lag=lag)
    messages = [
        message
        for number in range(RUNS)
        for user in [f"{key}-user{number}"]
        for message in (
            {"type": "identify", "userId": user, "traits": {"email": f"{user}@example.com", "first_name": user}},
            {"type": "track", "userId": user, "event": f"Signed Up {key}"},
        )
    ]

    async def run() -> list[str]:
        parts.database.write(lambda session: ingest.ingest(session, messages, parts.clock()))
        while _live(parts, key):  # noqa: ASYNC110 - the end is a fact in the database
            await asyncio.sleep(wait / 20)
        with parts.database.reading() as session:
            return list(session.exec(select(Enrollment.workflow_id).where(Enrollment.journey == key)).all())

    beside = [asyncio.create_task(one()) for one in (parts.notices.run, dispatcher.run)]
    try:
        async with journey_worker(client, parts, threads, lag=lag):
            return await _measure(client, run)
    finally:
        for one in beside:
            one.cancel()


def _live(parts: Parts, key: str) -> int:
    with parts.database.reading() as session:
        query = select(func.count(col(Enrollment.id))).where(Enrollment.journey == key, Enrollment.status == "live")
        return session.exec(query).one()
