"""The database against a real Temporal: what was lost behind our back is found, repaired, and nobody is mailed twice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text
from sqlmodel import select

from services.operations import operations
from services.reconciliation import reconciling
from store.statuses import OPERATION_LIVE
from store.tables.access import Operation
from store.tables.messages import Message, OutboxMail
from workflows.gateway import Beginning

JOURNEY = """journey: welcome
enter: [{on: Signed Up}]
start: a
stages:
  a: {steps: [{send: mail_a}], transitions: [{on: Bought, to: b}]}
  b: {steps: [{send: mail_b}], final: true}
"""


@asynccontextmanager
async def signed_up(world: Any) -> AsyncIterator[Any]:
    """Ann has her first mail, and waits to buy; operations are worked on."""
    await world.publish(JOURNEY)
    await world.customer()
    await world.event("Signed Up")
    await world.delivered("mail_a")
    async with world.delivery():
        yield world.enrollment()


async def reconciled(world: Any, *, repair: bool = False) -> dict[str, tuple[int, int]]:
    """By kind: how many differences there were, and how many were repaired."""
    now = await world.tick()
    asked = world.parts.database.write(lambda session: reconciling.start(session, now, "key_1", repair=repair))
    await world.dispatcher.drain()

    await world.until(lambda: operation(world, asked.id).status not in OPERATION_LIVE, 60)
    await world.dispatcher.drain()
    ended = operation(world, asked.id)
    assert (ended.status, ended.error) == ("done", None)
    return {one["kind"]: (one["count"], one["repaired"]) for one in (ended.result or {})["differences"]}


def operation(world: Any, operation_id: str) -> Operation:
    return world.read(lambda session: session.exec(select(Operation).where(Operation.id == operation_id)).one())


async def goes_on(world: Any) -> None:
    """She buys, and gets the second mail; each came once."""
    await world.event("Bought")
    await world.until(lambda: world.enrollment().status == "ended")
    await world.delivered("mail_a", "mail_b")
    assert world.read(lambda session: len(session.exec(select(OutboxMail)).all())) == 2
    assert world.read(lambda session: len(session.exec(select(Message)).all())) == 2


async def test_a_workflow_that_is_gone_behind_our_back_begins_again_where_its_enrollment_stands(real: Any) -> None:
    """Once it was terminated, once Temporal has forgotten it."""
    async with signed_up(real) as run:
        assert await reconciled(real) == {}
        await real.env.client.get_workflow_handle(run.workflow_id).terminate()
        assert await reconciled(real) == {"enrollment_without_workflow": (1, 0)}
        assert await reconciled(real, repair=True) == {"enrollment_without_workflow": (1, 1)}
        assert await reconciled(real, repair=True) == {}
        await real.gateway.end(run.workflow_id)
        assert await reconciled(real, repair=True) == {"enrollment_without_workflow": (1, 1)}
        await goes_on(real)


async def test_a_start_or_an_operation_that_was_lost_on_its_way_is_made_up_for(real: Any) -> None:
    await real.publish(JOURNEY)
    async with real.delivery():
        drain, real.dispatcher.drain = real.dispatcher.drain, _nothing
        await real.customer()
        await real.event("Signed Up")
        asked = real.parts.database.write(
            lambda session: operations.start(session, "leave", {"journey": "gone"}, real.clock())
        )
        _do(real, "DELETE FROM dispatch")
        real.dispatcher.drain = drain
        both = {"enrollment_without_workflow": (1, 1), "operation_without_workflow": (1, 1)}
        assert await reconciled(real, repair=True) == both
        await real.delivered("mail_a")
        await real.until(lambda: operation(real, asked.id).status not in OPERATION_LIVE)
        await goes_on(real)


async def _nothing() -> None:
    """Nobody dispatches."""


def _do(world: Any, statement: str) -> None:
    with world.parts.database.engine.begin() as connection:
        connection.execute(text(statement))


async def test_a_workflow_whose_enrollment_is_gone_or_has_ended_is_ended_and_its_id_is_free(real: Any) -> None:
    async with signed_up(real) as run:
        stray = run.workflow_id.replace(run.customer_id, "cus_nobody")
        await real.gateway.restart(stray, Beginning(digest=run.digest, state=run.state, wakes=run.wakes))
        assert await reconciled(real, repair=True) == {"workflow_without_enrollment": (1, 1)}
        assert await reconciled(real, repair=True) == {}
        await goes_on(real)
        stands = Beginning(digest=run.digest, state=run.state, wakes=run.wakes)
        await real.gateway.restart(run.workflow_id, stands)
        await real.gateway.rouse(run.workflow_id, stands)  # it may have heard already, and have ended
        handle = real.env.client.get_workflow_handle(run.workflow_id)
        assert await handle.result() == "completed", "it hears that its enrollment has ended, and mails nobody"
        assert real.outbox() == ["mail_a", "mail_b"]
