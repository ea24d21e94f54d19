"""What an idle installation asks of its database: the statements of each look, as often as it is taken."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from activities.delivery import evidence
from store.queries.sending.lanes import LANES
from tests.conftest import HandClock, Statements, database_url, settings_for
from waypost import pulses
from waypost.processes import scheduler
from waypost.processes.dispatcher import STREAMS, Dispatcher
from waypost.processes.scheduler import Scheduler
from waypost.processes.worker import PUMPED
from waypost.wiring import Parts

MOST = 12.0
"""Statements a second, transactions begun among them; it was 22 when each part looked every second."""


@pytest.fixture(params=["sqlite", "postgresql"])
def parts(request: pytest.FixtureRequest, tmp_path: Path, template_folder: Path, clock: HandClock) -> Iterator[Parts]:
    url = database_url(request.param, request, tmp_path)
    made = Parts(settings_for(tmp_path, templates=template_folder, database_url=url), clock)
    yield made
    made.close()


class Asked:
    """Counts the statements of a look that finds nothing; the first one may find more."""

    def __init__(self, parts: Parts, statements: Statements) -> None:
        self._database, self._statements = parts.database, statements
        self.by_part: dict[str, float] = {}

    async def of(self, name: str, look: Callable[[], Awaitable[Any]], every: Callable[[], float]) -> None:
        await look()
        with self._statements(self._database, at_most=30) as asked:
            await look()
        self.by_part[name] = len(asked) / every()


async def test_an_idle_installation_asks_little(
    parts: Parts, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(parts, statements)
    for name in PUMPED:
        lane = parts.pumped(name)
        lane.take()
        while await lane.when_idle():
            pass
        await asked.of(name, lane.pump, lane.rest)
    for name in LANES:
        lane = parts.lane(name)
        await asked.of(f"evidence for {name}", lane.seek_evidence, lambda: evidence.EVERY)
    dispatcher = Dispatcher(parts.database, None, parts.clock)  # type: ignore[arg-type]
    ahead, behind = dispatcher.ahead, dispatcher.behind
    await asked.of("deadlines", ahead.round, ahead.rest)
    await asked.of("workflows behind", behind.round, behind.rest)
    for one in STREAMS:
        of = one.priorities
        await asked.of(f"wakes of {one.name}", lambda of=of: ahead.wake(of), lambda of=of: ahead.rest_of(of))
        await asked.of(one.name, lambda one=one: dispatcher.carry(one), lambda one=one: dispatcher.rest(one))

    async def nothing(*_: Any) -> scheduler.schedules.Reconciled:
        return scheduler.schedules.Reconciled(made=0, ended=0, failed={})

    class NoGateway:
        client = None

    monkeypatch.setattr(scheduler.schedules, "reconcile", nothing)
    await asked.of("scheduler", Scheduler(parts.database, NoGateway()).round, lambda: scheduler.EVERY)  # type: ignore[arg-type]

    async def beat() -> None:
        parts.pulses.beat("a part")
        await parts.pulses.keep()

    await asked.of("pulses", beat, lambda: pulses.EVERY)
    assert sum(asked.by_part.values()) <= MOST, asked.by_part
