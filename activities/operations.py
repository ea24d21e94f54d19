"""Long work as an activity: heartbeats, keeps its progress, stops when asked, and starts over after a crash."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import structlog
from temporalio import activity

from activities.signatures import OPERATE
from journeys import compiler
from journeys.backtest import Totals
from journeys.problems import InvalidJourney
from services import backtesting, cohorts, journeys, operations, segments
from services.errors import InvalidInput, ServiceError
from services.tracking import instant
from store.session import Database
from store.tables import Operation

log = structlog.get_logger("waypost.operations")

Steps = Iterator[tuple[int, int, Any]]
"""Done, total, and (at the end) the result."""


class Operations:
    """Does one operation; what each kind does is in `KINDS`."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    @activity.defn(name=OPERATE)
    async def operate(self, operation_id: str) -> str:
        """Return how it ended."""
        operation = await asyncio.to_thread(self._begun, operation_id)
        if operation is None:
            return "nothing to do"
        try:
            status, result, error = await self._work(operation)
        except (ServiceError, InvalidJourney) as refused:
            status, result, error = "failed", None, str(refused)[:500]
        await asyncio.to_thread(self._ended, operation_id, status, result, error)
        return status

    async def _work(self, operation: Operation) -> tuple[str, Any, str | None]:
        steps, result = KINDS[operation.kind](self, operation), None
        while (step := await asyncio.to_thread(next, steps, None)) is not None:
            activity.heartbeat()
            done, total, result = step
            if not await asyncio.to_thread(self._progress, operation.id, done, total):
                return "cancelled", None, None
        return "done", result, None

    def _begun(self, operation_id: str) -> Operation | None:
        with self._database.writing() as session:
            return operations.begun(session, operation_id, self._clock())

    def _progress(self, operation_id: str, done: int, total: int) -> bool:
        with self._database.writing() as session:
            return operations.progress(session, operation_id, done, total)

    def _ended(self, operation_id: str, status: str, result: Any, error: str | None) -> None:
        with self._database.writing() as session:
            operations.ended(session, operation_id, status, self._clock(), result, error)

    def simulate(self, operation: Operation) -> Steps:
        """Replay the recorded events of everybody through a version of a journey, or its draft."""
        asked, now = operation.request, self._clock()
        begin = instant(asked["from"], "from") if asked.get("from") else None
        until = instant(asked["until"], "until") if asked.get("until") else now
        with self._database.reading() as session:
            program = compiler.compile_journey(journeys.draft_or(session, asked["journey"], asked.get("version")))
            people = list(cohorts.recorded(session, begin, until))
            known = {one.key: one.guard for one in segments.listed(session)}
        if not people:
            raise InvalidInput("there are no recorded events in this time")
        totals = Totals()
        yield 0, len(people), None
        for part in backtesting.parts(program, people, until, known):
            totals.add(part)
            yield totals.customers, len(people), totals.as_json()


KINDS: dict[str, Callable[[Operations, Operation], Steps]] = {"simulate": Operations.simulate}
