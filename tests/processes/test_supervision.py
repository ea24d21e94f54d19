"""A side task that ends stops its process; a notice wakes whoever waits."""

import asyncio
import time
from contextlib import suppress
from datetime import datetime

import pytest
from sqlmodel import Session

from store import bulk
from store.notices import Notices
from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import Priority
from store.queries.upkeep import pulses
from store.session import Database
from store.tables.enrollments import Dispatch
from waypost.processes.scheduler import Scheduler
from waypost.processes.supervision import CutOff, SideTaskEnded, supervise, until
from waypost.pulses import Pulses


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_task_that_raises_stops_the_process_and_says_which() -> None:
    async def breaks() -> None:
        raise KeyError("x")

    with pytest.raises(SideTaskEnded, match="the task dispatcher has ended") as raised:
        await supervise({"pulses": forever, "dispatcher": breaks}, asyncio.Event())
    assert isinstance(raised.value.__cause__, KeyError)


async def test_a_task_that_just_ends_stops_it_too() -> None:
    async def ends() -> None:
        return

    with pytest.raises(SideTaskEnded, match="the task scheduler has ended"):
        await supervise({"scheduler": ends}, asyncio.Event())


async def test_tasks_that_somebody_else_began_are_watched_too() -> None:
    """As `waypost up` does with whoever reads and restarts its parts."""

    async def breaks() -> None:
        raise KeyError("x")

    others = asyncio.ensure_future(forever())
    with pytest.raises(SideTaskEnded, match="the task worker has ended") as raised:
        await until(asyncio.Event(), {others: "api", asyncio.ensure_future(breaks()): "worker"})
    assert isinstance(raised.value.__cause__, KeyError)
    assert not others.done()
    others.cancel()
    stop = asyncio.Event()
    stop.set()
    await until(stop, {asyncio.ensure_future(asyncio.sleep(0)): "api"})


async def test_who_is_asked_to_stop_stops_well() -> None:
    stop = asyncio.Event()
    stop.set()
    await supervise({"pulses": forever}, stop)


async def test_a_task_that_does_not_end_is_named_and_left() -> None:
    stop, may_end = asyncio.Event(), asyncio.Event()
    stop.set()

    async def goes_on() -> None:
        while not may_end.is_set():
            with suppress(asyncio.CancelledError):
                await may_end.wait()

    with pytest.raises(CutOff, match="not ended in time: journey worker") as raised:
        await supervise({"pulses": forever, "journey worker": goes_on}, stop, within=0.05)
    assert raised.value.left == ["journey worker"]
    may_end.set()


async def test_the_scheduler_survives_what_a_round_raises(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = asyncio.Queue[int]()

    class Breaking(Scheduler):
        async def round(self) -> None:
            rounds.put_nowait(1)
            raise KeyError("a database error, say")

    monkeypatch.setattr("waypost.processes.scheduler.EVERY", 0.01)
    task = asyncio.create_task(Breaking(database, None).run())  # type: ignore[arg-type]
    for _ in range(3):
        await asyncio.wait_for(rounds.get(), 10)
    assert not task.done()
    task.cancel()


async def test_whoever_waits_hears_that_work_was_written(database: Database, noon: datetime) -> None:
    notices = Notices(database)
    hearing = asyncio.create_task(notices.run())
    try:
        listener = notices.listener()
        await listener.wait(10)  # it listens from now on
        woken = asyncio.create_task(listener.wait(60))
        await asyncio.sleep(0)

        def write(session: Session) -> None:
            rows = [dispatches.row("e", "w", "poke", {}, Priority.SIGNAL, noon)]
            bulk.add(session, Dispatch, rows)

        await asyncio.to_thread(database.write, write)
        async with asyncio.timeout(20):
            await woken
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)


async def test_who_hears_nothing_looks_after_a_while(database: Database) -> None:
    async with asyncio.timeout(20):
        await Notices(database).listener().wait(0.01)


async def test_who_need_not_hurry_hears_of_many_writes_at_once(database: Database, noon: datetime) -> None:
    notices, loop = Notices(database), asyncio.get_running_loop()

    def write(session: Session) -> None:
        bulk.add(session, Dispatch, [dispatches.row("e", "w", "poke", {}, Priority.SIGNAL, noon)])

    async def always() -> None:
        while True:
            await asyncio.to_thread(database.write, write)
            await asyncio.sleep(0.01)

    others = [asyncio.create_task(one) for one in (notices.run(), always())]
    try:
        listener = notices.listener(apart=0.5)
        await listener.wait(10)  # it listens from now on
        begun = loop.time()
        async with asyncio.timeout(20):
            for _ in range(3):
                await listener.wait(60)
        assert loop.time() - begun >= 1.4
    finally:
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def test_what_is_told_while_somebody_looks_is_not_missed(database: Database, noon: datetime) -> None:
    notices = Notices(database)
    hearing = asyncio.create_task(notices.run())
    try:
        first, second = notices.listener(), notices.listener()
        await first.wait(10)  # it listens from now on
        await second.wait(10)

        def write(session: Session) -> None:
            rows = [dispatches.row("e", "w", "leave", {}, Priority.SIGNAL, noon)]
            bulk.add(session, Dispatch, rows)

        await asyncio.to_thread(database.write, write)
        async with asyncio.timeout(20):
            await first.wait(60)
            await second.wait(60)  # it was busy when this was told
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)


async def test_pulses_are_kept_and_tried_again(
    database: Database, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waypost.pulses.EVERY", 0.01)
    kept = Pulses(database, lambda: noon)
    kept.beat("dispatcher/pokes")
    writing = asyncio.create_task(kept.run())

    def there() -> dict[str, datetime]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with database.reading() as session:
                if found := pulses.last_rounds(session):
                    return found
            time.sleep(0.01)
        return {}

    assert await asyncio.to_thread(there) == {"dispatcher/pokes": noon}
    writing.cancel()
