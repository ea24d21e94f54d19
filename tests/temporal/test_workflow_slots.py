"""A machine that is busy or stopped for a while costs no workflow its place."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from waypost.processes import workflow_slots
from waypost.processes.worker import journey_worker
from waypost.wiring import Parts


@workflow.defn
class Starved:
    @workflow.run
    async def run(self) -> str:
        time.sleep(3)  # as a thread that gets no time  # noqa: ASYNC251
        return "done"


async def test_a_workflow_that_gets_no_time_is_not_taken_for_a_deadlock(real: Any) -> None:
    client = real.env.client
    worker = Worker(client, task_queue="starved", workflows=[Starved], workflow_runner=UnsandboxedWorkflowRunner())
    async with workflow_slots.patient(worker):
        handle = await client.start_workflow(Starved.run, id="starved", task_queue="starved")
        assert await handle.result() == "done"
    kinds = [event.event_type async for event in handle.fetch_history_events()]
    assert kinds.count(EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED) == 1
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED not in kinds


async def test_journeys_run_on_a_patient_worker(real: Any, parts: Parts) -> None:
    elsewhere = Client(real.env.client.service_client, namespace="elsewhere")
    with ThreadPoolExecutor(1) as threads:
        made = journey_worker(elsewhere, parts, threads)
    assert made._workflow_worker._deadlock_timeout_seconds == workflow_slots.PATIENCE


async def test_a_place_that_is_lost_ends_the_process_and_one_that_comes_back_does_not() -> None:
    workflows = SimpleNamespace(_could_not_evict_count=1)
    worker: Any = SimpleNamespace(_workflow_worker=workflows)
    with pytest.raises(workflow_slots.PlaceLost, match="could not be let go"):
        await asyncio.wait_for(workflow_slots.watch(worker, 0.001, 0.01), 10)
    workflows._could_not_evict_count = 0
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(workflow_slots.watch(worker, 0.001, 0.01), 0.2)
