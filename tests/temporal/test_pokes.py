"""Pokes carry nothing: however many come, and whenever, an enrollment does what is due once."""

import asyncio
from typing import Any

from temporalio.client import WorkflowExecutionStatus

from store.tables.enrollments import Enrollment
from workflows.gateway import Beginning

JOURNEY = """journey: welcome
enter: [{on: Signed Up}]
start: a
stages:
  a: {steps: [{send: mail_a}], transitions: [{on: Bought, to: b}]}
  b: {steps: [{send: mail_b}], transitions: [{on: Paid, to: c}]}
  c: {final: true}
"""

POKES = 1_000


async def poke(real: Any, run: Enrollment) -> bool:
    return await real.gateway.rouse(run.workflow_id, Beginning(digest=run.digest, state=run.state, wakes=run.wakes))


async def test_a_thousand_pokes_at_once_are_one_wake_and_one_of_an_ended_run_is_nothing(real: Any) -> None:
    await real.publish(JOURNEY)
    await real.customer()
    await real.event("Signed Up")
    await real.until(lambda: real.planned() == ["mail_a"])
    run = real.enrollment()
    await asyncio.gather(*(poke(real, run) for _ in range(POKES)))
    await real.event("Bought")
    await real.at("b", None)
    await real.event("Paid")
    await real.until(lambda: real.enrollment().status == "ended")
    told = real.decided()
    assert (told.count("moved"), told.count("planned"), real.enrollment().wakes) == (2, 2, 3)
    handle = real.env.client.get_workflow_handle(run.workflow_id)
    assert await handle.result() == "completed"
    ended = (await handle.describe()).run_id
    assert not await poke(real, run)
    described = await handle.describe()
    assert (described.run_id, described.status) == (ended, WorkflowExecutionStatus.COMPLETED)
