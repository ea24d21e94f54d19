"""Carries rows of the dispatch table to Temporal: at least once, in order per enrollment, live signals first.

An enrollment's first wake is done here, before its workflow starts: that then rests until its first deadline, or until
it is roused, and no worker hears of it before. Each row ends in its own result: it arrived, it goes again later, or it
is stuck and waits for a person. What one of them raises touches no other.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlmodel import Session
from temporalio.service import RPCError, RPCStatusCode

from activities.meters import CountBeside, uncounted
from activities.signatures import WAKE
from activities.wake import AWAY
from journeys.machine.woken import STATE, Bookmark, Woken
from services.enrollments import wake
from services.values import Clock
from store.notices import Notices
from store.queries import dispatches, enrollments, live_enrollments
from store.queries.dispatches import Priority
from store.session import Database
from store.statuses import DispatchStatus
from store.tables.enrollments import Dispatch
from store.trace_context import CURRENT, OpenSpan
from waypost.telemetry.tracing import no_span
from workflows.gateway import Beginning, Gateway

BATCH = 200
"""Rows of one lease: some tenths of a second of work, well below the hold."""

SOON, SELDOM = 1.0, 4.0
"""Seconds after which a stream looks by itself: where rows wait to go again, and for a notice that was lost."""

HOLD = timedelta(seconds=30)
"""How long leased rows are nobody else's: much longer than a batch takes, and what waits longer where a dispatcher
died."""

REST = timedelta(days=365)
"""How long a workflow rests before its first task where nothing is due by the clock."""

PART = "dispatcher"
"""How its pulses begin."""

MENDS_ITSELF = frozenset(RPCStatusCode) - {
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.FAILED_PRECONDITION,
    RPCStatusCode.OUT_OF_RANGE,
    RPCStatusCode.UNIMPLEMENTED,
}
"""Answers of Temporal that waiting may mend; after the others a row is soon set aside."""

log = structlog.get_logger("waypost.dispatcher")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Rows that share a loop, how many of them are under way at once, and how many seconds two vain looks are apart."""

    name: str
    priorities: tuple[Priority, ...]
    at_once: int
    apart: float = 0.0


POKES = Stream(name="pokes", priorities=(Priority.SIGNAL,), at_once=64)
"""What a customer waits for. At 64 at once a batch is a handful of rounds, of some milliseconds each."""

STARTS = Stream(name="starts", priorities=(Priority.START,), at_once=64, apart=0.1)
"""Beside the pokes, since each takes a transaction of its own: a batch of them is a second of work."""

BULK = Stream(name="bulk", priorities=(Priority.BULK_START,), at_once=12, apart=0.25)
"""Few at once: more would only pile up in Temporal, and a live customer would stand behind them."""


STREAMS = (POKES, STARTS, BULK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """Why a row did not arrive; `lasting` where waiting alone mends nothing."""

    error: str
    lasting: bool


class Dispatcher:
    """A loop for each stream; several processes may run them, and each row is held by one at a time."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        clock: Clock,
        span: OpenSpan = no_span,
        notices: Notices | None = None,
        beat: Callable[[str], None] = lambda part: None,
        count: CountBeside = uncounted,
    ) -> None:
        self._span = span
        self._count = count
        self._database = database
        self._gateway = gateway
        self._clock = clock
        self._notices = notices or Notices(database)
        self._beat = beat
        self._waiting = set[str]()

    async def run(self) -> None:
        """Dispatch until cancelled."""
        await asyncio.gather(*(self._keep(stream) for stream in STREAMS))

    async def drain(self) -> None:
        """Dispatch until nothing is ready."""
        while any([await self.round(stream) for stream in STREAMS]):
            pass

    async def _keep(self, stream: Stream) -> None:
        listener = self._notices.listener(stream.apart)
        while True:
            try:
                busy = await self.round(stream)
                self._beat(f"{PART}/{stream.name}")
            except Exception as error:
                log.error("dispatch_round_failed", stream=stream.name, exc_info=error)
                self._count("dispatch")
                busy = 0
            if not busy:
                await listener.wait(self.rest(stream))

    def rest(self, stream: Stream) -> float:
        """Seconds until something may be there for a stream, as far as its last round could see."""
        return SOON if stream.name in self._waiting else SELDOM

    async def round(self, stream: Stream) -> int:
        """Lease what is ready, send it, and delete what arrived; return how many rows there were."""
        rows = await asyncio.to_thread(self._lease, stream)
        if not rows:
            return 0
        slots = asyncio.Semaphore(stream.at_once)
        resting = await asyncio.to_thread(self._resting, rows)
        results = await asyncio.gather(*(self._send(row, resting.get(row.enrollment_id), slots) for row in rows))
        await asyncio.to_thread(self._finish, rows, results)
        return len(rows)

    def _lease(self, stream: Stream) -> Sequence[Dispatch]:
        with self._database.reading() as session:
            if not dispatches.any_ready(session, stream.priorities):
                self._waiting.discard(stream.name)
                return []
        self._waiting.add(stream.name)
        return self._database.write(
            lambda session: dispatches.lease(session, self._clock(), BATCH, HOLD, stream.priorities)
        )

    def _resting(self, rows: Sequence[Dispatch]) -> Mapping[str, Beginning]:
        """Where those stand that are poked and may rest since their start, and those that begin again, by their ids."""
        poked, again = ([row.enrollment_id for row in rows if row.kind == kind] for kind in ("poke", "restart"))
        if not poked and not again:
            return {}
        with self._database.reading() as session:
            resting = enrollments.at_first_rest(session, poked) if poked else {}
            live = live_enrollments.by_ids(session, again)
        at_rest = {
            id: Beginning(digest=digest, state=state, wakes=wakes) for id, (digest, state, wakes) in resting.items()
        }
        return at_rest | {one.id: Beginning(digest=one.digest, state=one.state, wakes=one.wakes) for one in live}

    def _finish(self, rows: Sequence[Dispatch], results: Sequence[Undelivered | None]) -> None:
        pairs = list(zip(rows, results, strict=True))

        def keep(session: Session) -> list[tuple[Dispatch, Undelivered]]:
            dispatches.remove_arrived(session, [row.id or 0 for row, result in pairs if result is None])
            return [(row, result) for row, result in pairs if result is not None and self._failed(session, row, result)]

        for row, result in self._database.write(keep):
            log.error("dispatch_stuck", row=row.id, kind=row.kind, error=result.error)

    def _failed(self, session: Session, row: Dispatch, result: Undelivered) -> bool:
        """Keep that a row did not arrive; whether it is set aside now."""
        status = dispatches.record_failure(session, row, result.error, self._clock(), lasting=result.lasting)
        return status is DispatchStatus.STUCK

    async def _send(self, row: Dispatch, resting: Beginning | None, slots: asyncio.Semaphore) -> Undelivered | None:
        """None when Temporal has it, else what went wrong."""
        async with slots:
            try:
                with self._traced(f"dispatch {row.kind}", row):
                    await self._carry(row, resting)
            except RPCError as error:
                log.warning("dispatch_failed", kind=row.kind, enrollment=row.enrollment_id, status=error.status.name)
                return Undelivered(error=error.status.name, lasting=error.status not in MENDS_ITSELF)
            except OSError as error:
                log.warning("dispatch_failed", kind=row.kind, enrollment=row.enrollment_id, status=type(error).__name__)
                return Undelivered(error=type(error).__name__, lasting=False)
            except Exception as error:
                log.error("dispatch_failed", kind=row.kind, enrollment=row.enrollment_id, exc_info=error)
                self._count("dispatch")
                return Undelivered(error=f"{type(error).__name__}: {error}"[:200], lasting=True)
        return None

    async def _carry(self, row: Dispatch, resting: Beginning | None) -> None:
        match row.kind:
            case "start":
                await self._start(row)
            case "poke" if resting is not None:
                await self._gateway.rouse(row.workflow_id, resting)
            case "poke":
                await self._gateway.poke(row.workflow_id)
            case "restart":
                if resting is not None:  # else it has ended since
                    await self._gateway.restart(row.workflow_id, resting)
            case "end":
                await self._gateway.end(row.workflow_id)
            case "operate":
                again = bool(row.payload.get("again"))
                await self._gateway.operate(row.workflow_id, row.enrollment_id, again=again)
            case _:
                raise ValueError(f"a dispatch row of unknown kind {row.kind!r}")

    async def _start(self, row: Dispatch) -> None:
        digest, state = row.payload["digest"], row.payload["state"]
        at = Bookmark(state=STATE.validate_python(state))
        if at.state.phase == "new":
            at = replace(at, woken=await asyncio.to_thread(self._begin, row))
        rests = self._until(at.woken.wakes_at if at.woken else at.state.wakes_at) if at.rests() else None
        begins = Beginning(digest=digest, state=state, woken=at.woken)
        await self._gateway.start(row.workflow_id, begins, row.priority, rests)

    def _begin(self, row: Dispatch) -> Woken | None:
        """The first wake; None where it fails, since its workflow tries again, and says in the end that it is stuck."""
        try:
            with self._traced(WAKE, row):
                return self._database.write(lambda session: wake.begin(session, row.enrollment_id, self._clock()))
        except AWAY as away:
            log.warning("first_wake_failed", enrollment=row.enrollment_id, error=type(away).__name__)
        except Exception as error:
            log.error("first_wake_failed", enrollment=row.enrollment_id, exc_info=error)
            self._count("dispatch")
        return None

    def _traced(self, name: str, row: Dispatch) -> AbstractContextManager[Any]:
        """A span below the present one, or below what caused the row; none where that was not traced."""
        return self._span(name, CURRENT.get() or row.trace) if row.trace else nullcontext()

    def _until(self, wakes_at: datetime | None) -> timedelta:
        return max(min(wakes_at - self._clock(), REST), timedelta()) if wakes_at is not None else REST
