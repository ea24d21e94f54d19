"""What is done to a whole journey or a whole customer, on real servers: pause and resume, archive, erase, imports."""

import asyncio
from typing import Any

from sqlmodel import select
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from services.definitions.journey_versions import journeys
from services.definitions.pausing import pauses
from services.operations import operations, uploads
from services.reports.customer import customer_view
from store.statuses import OPERATION_LIVE
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment

JOURNEY = """journey: club
enter: [{on: Signed Up}]
start: new
stages:
  new:
    steps: [{send: mail_a}, {wait: 2 UNIT}, {send: mail_b}, {wait: 30 UNIT}]
    transitions: [{on: Bought, to: buyer}]
  buyer: {steps: [{send: mail_c}, {wait: 30 UNIT}]}
"""


async def begin(world: Any, *users: str) -> None:
    await world.publish(JOURNEY.replace(" UNIT", " seconds" if world.day == 4.0 else " days").replace("2 sec", "8 sec"))
    for user in users:
        await world.customer(user)
        await world.event("Signed Up", user)
    await world.settled()


def pause(world: Any) -> None:
    with world.parts.database.writing() as session:
        pauses.pause(session, "club", world.clock())


def resume(world: Any) -> None:
    with world.parts.database.writing() as session:
        pauses.resume(session, "club", world.clock())


async def operate(world: Any, kind: str, request: dict[str, Any]) -> str:
    """Start an operation and wait until the worker has ended it."""
    with world.parts.database.writing() as session:
        operation = operations.start(session, kind, request, world.clock())
    async with world.delivery():
        await world.dispatcher.drain()
        await world.until(lambda: world.read(lambda s: operations.get(s, operation.id).status) not in OPERATION_LIVE)
    await world.dispatcher.drain()
    return world.read(lambda s: operations.get(s, operation.id).status)


async def test_a_pause_parks_everybody_at_the_next_wake_and_loses_nothing(world: Any) -> None:
    await begin(world, "ann", "bob")
    await world.deliver()
    pause(world)
    await world.event("Bought", "bob")
    await world.passes(seconds=2 * world.day + 1)
    await world.until(lambda: world.enrollment("ann").paused_by == world.enrollment("bob").paused_by == "journey")
    await world.deliver()
    assert (world.stage("ann"), world.stage("bob")) == ("new", "new"), "nobody moves"
    assert "mail_b" not in world.planned()
    resume(world)
    assert await operate(world, "resume", {"journey": "club"}) == "done"
    await world.until(lambda: world.stage("bob") == "buyer")
    await world.until(lambda: sorted(world.planned()) == ["mail_a", "mail_a", "mail_b", "mail_c"])
    assert (world.stage("ann"), world.enrollment("ann").paused_by) == ("new", None)
    told = [what for number, what, _ in world.story() if number is not None]
    assert (told.count("paused"), told.count("resumed")) == (2, 2)


async def test_mail_that_is_planned_is_held_by_a_pause(world: Any) -> None:
    await begin(world, "ann")
    await world.until(lambda: world.planned() == ["mail_a"])
    pause(world)
    world.clock.forward(seconds=6)
    assert await world.lane.pump() == 0
    resume(world)
    assert await world.lane.pump() == 1


async def test_an_archive_may_end_everybody(real: Any) -> None:
    await begin(real, "ann", "bob")
    with real.parts.database.writing() as session:
        journeys.archive(session, "club", real.clock())
    assert await operate(real, "leave", {"journey": "club"}) == "done"
    await real.until(lambda: {real.enrollment(user).reason for user in ("ann", "bob")} == {"archived"})


async def test_an_erased_customers_workflow_ends(real: Any) -> None:
    await begin(real, "ann", "bob")
    ann = real.read(lambda s: customer_view.customer(s, "ann"))
    workflow = real.enrollment("ann").workflow_id
    assert await operate(real, "erase", {"customer": ann.id}) == "done"
    assert real.read(lambda s: len(s.exec(select(Customer)).all())) == 1
    assert await ended(real, workflow), "it was terminated, and its history is on its way out"
    assert real.stage("bob") == "new"


async def ended(world: Any, workflow: str) -> bool:
    """Whether a workflow runs no more, or Temporal knows nothing of it any more."""
    for _ in range(2_400):
        try:
            described = await world.env.client.get_workflow_handle(workflow).describe()
        except RPCError:
            return True
        if described.status != WorkflowExecutionStatus.RUNNING:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_an_import_places_customers_and_starts_their_workflows(real: Any) -> None:
    await begin(real)
    lines = "".join(
        f'{{"type": "track", "userId": "c{one}", "event": "Signed Up", "timestamp": "2026-01-01", "messageId": "{one}"}}\n'
        for one in range(5)
    )
    with real.parts.database.writing() as session:
        request = {"kind": "events", "format": "ndjson", "journey": "club"}
        operation = operations.start(session, "import events", request, real.clock(), total=5)
        uploads.keep(session, operation.id, 0, lines.encode())
    async with real.delivery():
        await real.dispatcher.drain()
        await real.until(lambda: real.read(lambda s: operations.get(s, operation.id).status) == "done")
        await real.dispatcher.drain()
    runs = real.read(lambda s: s.exec(select(Enrollment)).all())
    assert len(runs) == 5
    for run in runs:
        status = (await real.env.client.get_workflow_handle(run.workflow_id).describe()).status
        assert status == WorkflowExecutionStatus.RUNNING
