"""Schedules of journeys: one that Temporal refuses fails alone, is counted, and is tried again."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from temporalio.service import RPCError, RPCStatusCode

from journeys.checks import source
from journeys.program import compiler
from journeys.program.program import Program
from store.session import Database
from waypost.processes import scheduler
from waypost.processes.scheduler import Scheduler
from workflows.gateway import Gateway

REFUSED = "journey/b/"


class Schedules:
    """Temporal's schedules, of which it refuses those of one journey; `away` answers nothing."""

    def __init__(self) -> None:
        self.ids = {"journey/old/schedule/1", "journey/b/schedule/0", "somebody else's"}
        self.away = False
        self.refuses = True

    async def list_schedules(self) -> AsyncIterator[Any]:
        return self._each()

    async def _each(self) -> AsyncIterator[Any]:
        for one in sorted(self.ids):
            yield SimpleNamespace(id=one)

    async def create_schedule(self, id: str, schedule: Any) -> None:
        self._answer(id)
        self.ids.add(id)

    def get_schedule_handle(self, id: str) -> Any:
        async def delete() -> None:
            self._answer(id)
            self.ids.remove(id)

        return SimpleNamespace(delete=delete)

    def _answer(self, id: str) -> None:
        if self.away:
            raise RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
        if self.refuses and id.startswith(REFUSED):
            raise RPCError("unknown time zone", RPCStatusCode.INVALID_ARGUMENT, b"")


class Live(Scheduler):
    """These journeys are live."""

    def _live(self) -> list[Program]:
        return [_program(key) for key in ("a", "b", "c")]


def _program(key: str) -> Program:
    enter = [{"schedule": {"at": "09:00", "on": "mon"}, "segment": "team"}]
    stages = {"s": {"final": True}}
    return compiler.compile_journey(source.check({"journey": key, "start": "s", "enter": enter, "stages": stages})[0])


@pytest.fixture
def temporal() -> Schedules:
    return Schedules()


@pytest.fixture
def counted() -> list[str]:
    return []


@pytest.fixture
def looks(temporal: Schedules, counted: list[str]) -> Scheduler:
    gateway = cast(Gateway, SimpleNamespace(client=temporal))
    return Live(cast(Database, None), gateway, count=counted.append)


def journeys_of(temporal: Schedules) -> set[str]:
    return {one.split("/")[1] for one in temporal.ids if one.startswith("journey/")}


async def test_a_schedule_that_is_refused_holds_up_no_other(
    looks: Scheduler, temporal: Schedules, counted: list[str]
) -> None:
    await looks.round()
    assert (journeys_of(temporal), "journey/old/schedule/1" in temporal.ids) == ({"a", "b", "c"}, False)
    assert {one for one in temporal.ids if one.startswith(REFUSED)} == {"journey/b/schedule/0"}, (
        "neither ended nor made"
    )
    assert counted == ["schedule"] * 2
    await looks.round()
    told = len(counted)
    await looks.round()
    assert len(counted) == told, "it is not asked for at each round"
    temporal.refuses = False
    for _ in range(scheduler.AGAIN):
        await looks.round()
    assert "journey/b/schedule/0" not in temporal.ids
    assert journeys_of(temporal) == {"a", "b", "c"}


async def test_where_temporal_is_away_the_round_ends(looks: Scheduler, temporal: Schedules, counted: list[str]) -> None:
    temporal.away = True
    with pytest.raises(RPCError):
        await looks.round()
    assert counted == []
    temporal.away = temporal.refuses = False
    await looks.round()
    assert journeys_of(temporal) == {"a", "b", "c"}
