"""One of the two databases alone is restored: reconciled, everybody goes on, and nobody is mailed twice."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlmodel import select

from services.messages.sending import held_lanes
from store.tables.messages import Message
from tests.temporal.test_reconciling import JOURNEY, reconciled
from tests.worlds import World, dev_server, world_on
from waypost.backup import restoring
from waypost.wiring import Parts

WAITS = """journey: welcome
enter: [{on: Signed Up}]
start: a
stages:
  a: {steps: [{send: mail_a}, {wait: 20 seconds}, {send: mail_b}], final: true}
"""


def copied(file: Path, to: Path) -> Path:
    """A database as it stands, while it is written to."""
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)
    return to


def ledger(world: Any) -> list[tuple[str, str, str | None]]:
    rows = world.read(lambda session: session.exec(select(Message)).all())
    return sorted((one.template, one.status, one.reason) for one in rows)


async def test_an_older_ledger_with_a_newer_temporal_sends_nothing_again(real: Any, tmp_path: Path) -> None:
    """After the copy Ann got her second mail and her workflow ended; Bob came, and no row tells of him."""
    await real.publish(WAITS)
    await real.customer()
    await real.event("Signed Up")
    await real.delivered("mail_a")
    taken = await real.tick()
    copy = copied(tmp_path / "waypost.db", tmp_path / "copy.db")
    assert real.planned() == ["mail_a"], "the copy is of the time between her two mails"
    await real.delivered("mail_a", "mail_b")
    await real.until(lambda: real.enrollment().status == "ended")
    await real.publish(JOURNEY)
    await real.customer("bob")
    await real.event("Signed Up", "bob")
    await real.delivered("mail_a", "mail_b", "mail_a")
    real.parts.database.close()
    for beside in ("", "-wal", "-shm"):
        (tmp_path / f"waypost.db{beside}").unlink(missing_ok=True)
    shutil.move(copy, tmp_path / "waypost.db")
    now = real.clock.forward(seconds=1)
    restoring.fence(real.parts.settings.database, taken, now)
    async with real.delivery():
        found = await reconciled(real, repair=True)
        assert real.enrollment().status == "ended", "her wait is over, and nothing that she does waits for her workflow"
        assert found == {"workflow_without_enrollment": (1, 1)}
        real.parts.database.write(lambda session: held_lanes.release(session, "key_1", real.clock()))
        real.lane.take()
        await real.deliver()
        assert ledger(real) == [("mail_a", "accepted", None), ("mail_b", "unknown", "restored")]
        assert real.outbox() == ["mail_a"], "of the copy; nothing was sent after it"
        assert await reconciled(real, repair=True) == {}


async def test_an_older_temporal_with_a_newer_ledger_sends_nothing_again(
    parts: Parts, clock: Any, tmp_path: Path
) -> None:
    """After the copy Ann bought, got her second mail and left; Bob came, and Temporal has never heard of him."""
    file = tmp_path / "temporal.db"

    def server() -> Any:
        return dev_server(parts, "--db-filename", str(file))

    async with server() as env, world_on(env, parts, clock) as world:
        await world.publish(JOURNEY)
        await world.customer()
        await world.event("Signed Up")
        await world.delivered("mail_a")
    older = copied(file, tmp_path / "older.db")
    async with server() as env, world_on(env, parts, clock) as world:
        await world.event("Bought")
        await world.until(lambda: world.enrollment().status == "ended")
        await world.customer("bob")
        await world.event("Signed Up", "bob")
        await world.until(lambda: len(world.planned()) == 3)
        await _all_delivered(world, 3)
    for beside in ("", "-wal", "-shm"):
        Path(f"{file}{beside}").unlink(missing_ok=True)
    shutil.move(older, file)
    async with server() as env, world_on(env, parts, clock) as world, world.delivery():
        clock.forward(minutes=11)
        found = await reconciled(world, repair=True)
        assert found == {"enrollment_without_workflow": (1, 1), "workflow_of_ended_enrollment": (1, 1)}
        await world.event("Bought", "bob")
        await world.until(lambda: world.enrollment("bob").status == "ended")
        await _all_delivered(world, 4)
        assert sorted(world.outbox()) == ["mail_a", "mail_a", "mail_b", "mail_b"]
        assert await reconciled(world, repair=True) == {}


async def _all_delivered(world: World, count: int) -> None:
    await world.deliver()
    assert len(world.outbox()) == count, world.story()
