"""Carries rows of the dispatch table to Temporal: at least once, in order per enrollment, live signals first."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog
from temporalio.service import RPCError

from journeys.inputs import EventArrived
from services.tracking import instant
from store import dispatches
from store.session import Database
from store.tables import Dispatch
from waypost.wiring import Clock
from workflows.gateway import Gateway

BATCH = 200
AT_ONCE = 64
IDLE = 0.1
HOLD = timedelta(seconds=30)

log = structlog.get_logger("waypost.dispatcher")


class Dispatcher:
    """One loop; several may run, and each row is held by one of them at a time."""

    def __init__(self, database: Database, gateway: Gateway, clock: Clock) -> None:
        self._database = database
        self._gateway = gateway
        self._clock = clock
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Dispatch until cancelled."""
        while True:
            try:
                busy = await self.round()
            except Exception as error:
                log.warning("dispatch_round_failed", error=type(error).__name__)
                busy = 0
                await asyncio.sleep(1)
            if not busy:
                await asyncio.sleep(IDLE)

    async def round(self) -> int:
        """Lease what is ready, send it, and delete what arrived; return how many rows there were."""
        rows = await asyncio.to_thread(self._lease)
        if not rows:
            return 0
        errors = await asyncio.gather(*(self._send(row) for row in rows))
        await asyncio.to_thread(self._finish, rows, errors)
        return len(rows)

    def _lease(self) -> Sequence[Dispatch]:
        with self._database.reading() as session:
            if not dispatches.anything(session):
                return []
        with self._database.writing() as session:
            return dispatches.lease(session, self._clock(), BATCH, HOLD)

    def _finish(self, rows: Sequence[Dispatch], errors: Sequence[str | None]) -> None:
        with self._database.writing() as session:
            dispatches.done(session, [row.id or 0 for row, error in zip(rows, errors, strict=True) if error is None])
            for row, error in zip(rows, errors, strict=True):
                if error is not None:
                    dispatches.failed(session, row, error, self._clock())

    async def _send(self, row: Dispatch) -> str | None:
        """None when Temporal has it, else what went wrong."""
        async with self._slots:
            try:
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
            case _:
                raise ValueError(f"a dispatch row of unknown kind {row.kind!r}")
