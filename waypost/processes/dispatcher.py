"""Carries rows of the dispatch table to Temporal: at least once, in order per enrollment, live signals first."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta

import structlog
from temporalio.service import RPCError

from journeys.machine.inputs import EventArrived
from services.values import instant
from store.queries import dispatches
from store.queries.dispatches import Priority
from store.session import Database
from store.tables.enrollments import Dispatch
from waypost.telemetry.tracing import Span, no_span
from waypost.wiring import Clock
from workflows.gateway import Gateway

BATCH = 200
IDLE = 0.1
HOLD = timedelta(seconds=30)

log = structlog.get_logger("waypost.dispatcher")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Rows that share a loop, and how many of them are under way at once."""

    priorities: tuple[Priority, ...]
    at_once: int


LIVE = Stream(priorities=(Priority.SIGNAL, Priority.START), at_once=64)
BULK = Stream(priorities=(Priority.BULK_START,), at_once=12)
"""Few at once: more would only pile up in Temporal, and a live customer would stand behind them."""


class Dispatcher:
    """A loop for each stream; several processes may run them, and each row is held by one at a time."""

    def __init__(self, database: Database, gateway: Gateway, clock: Clock, span: Span = no_span) -> None:
        self._span = span
        self._database = database
        self._gateway = gateway
        self._clock = clock

    async def run(self) -> None:
        """Dispatch until cancelled."""
        await asyncio.gather(self._keep(LIVE), self._keep(BULK))

    async def drain(self) -> None:
        """Dispatch until nothing is ready."""
        while await self.round(LIVE) or await self.round(BULK):
            pass

    async def _keep(self, stream: Stream) -> None:
        while True:
            try:
                busy = await self.round(stream)
            except Exception as error:
                log.warning("dispatch_round_failed", error=type(error).__name__)
                busy = 0
                await asyncio.sleep(1)
            if not busy:
                await asyncio.sleep(IDLE)

    async def round(self, stream: Stream) -> int:
        """Lease what is ready, send it, and delete what arrived; return how many rows there were."""
        rows = await asyncio.to_thread(self._lease, stream)
        if not rows:
            return 0
        slots = asyncio.Semaphore(stream.at_once)
        errors = await asyncio.gather(*(self._send(row, slots) for row in rows))
        await asyncio.to_thread(self._finish, rows, errors)
        return len(rows)

    def _lease(self, stream: Stream) -> Sequence[Dispatch]:
        with self._database.reading() as session:
            if not dispatches.anything(session, stream.priorities):
                return []
        with self._database.writing() as session:
            return dispatches.lease(session, self._clock(), BATCH, HOLD, stream.priorities)

    def _finish(self, rows: Sequence[Dispatch], errors: Sequence[str | None]) -> None:
        with self._database.writing() as session:
            dispatches.done(session, [row.id or 0 for row, error in zip(rows, errors, strict=True) if error is None])
            for row, error in zip(rows, errors, strict=True):
                if error is not None:
                    dispatches.failed(session, row, error, self._clock())

    async def _send(self, row: Dispatch, slots: asyncio.Semaphore) -> str | None:
        """None when Temporal has it, else what went wrong."""
        async with slots:
            try:
                with self._span(f"dispatch {row.kind}", row.trace) if row.trace else nullcontext():
                    await self._carry(row)
            except RPCError as error:
                log.warning("dispatch_failed", kind=row.kind, enrollment=row.enrollment_id, status=error.status.name)
                return error.status.name
        return None

    async def _carry(self, row: Dispatch) -> None:
        payload = row.payload
        match row.kind:
            case "start":
                await self._gateway.start(row.workflow_id, payload["digest"], payload["state"], row.priority)
            case "event":
                at = instant(payload["at"], "at")
                event = EventArrived(at=at, seq=payload["seq"], name=payload["name"])
                await self._gateway.signal(row.workflow_id, "event", event)
            case "leave":
                await self._gateway.signal(row.workflow_id, "leave", payload["reason"])
            case "resume":
                await self._gateway.signal(row.workflow_id, "resume", None)
            case "end":
                await self._gateway.end(row.workflow_id)
            case "operate":
                await self._gateway.operate(row.workflow_id, row.enrollment_id)
            case _:
                raise ValueError(f"a dispatch row of unknown kind {row.kind!r}")
