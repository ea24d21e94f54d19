"""Carries rows of the dispatch table: at least once, in order per enrollment, live pokes first.

Who is poked was waked ahead of the workflow, which follows later (`wakes_ahead`, `following`); so was who enters,
before their workflow starts: that then rests until its first deadline, or until it is roused, and no worker hears of it
before. Those that wake call no Temporal, and have loops of their own. Each row ends in its own result: it arrived, it
goes again later, or it is stuck and waits for a person. What one of them raises touches no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session
from temporalio.service import RPCError, RPCStatusCode

from activities.meters import CountBeside, uncounted
from services.enrollments.waking import wake
from services.values import Clock
from store.notices import Notices
from store.queries.dispatching import dispatches, wakes_ahead
from store.queries.dispatching.dispatches import Priority
from store.queries.dispatching.wakes_ahead import WorkflowRow
from store.session import Database
from store.statuses import DispatchStatus, EnrollmentStatus
from store.tables.enrollments import Dispatch
from store.trace_context import CURRENT, OpenSpan
from waypost.processes.following import EVERY, WorkflowsBehind, where_it_stands
from waypost.processes.wakes_ahead import WakesAhead
from waypost.telemetry.tracing import no_span
from workflows.gateway import Beginning, Gateway

BATCH = 200
"""Rows of one lease: some tenths of a second of work, well below the hold."""

SOON, SELDOM = 1.0, 4.0
"""Seconds after which a stream looks by itself: where rows wait to go again, and for a notice that was lost."""

HOLD = timedelta(seconds=30)
"""How long leased rows are nobody else's: much longer than a batch takes, and what waits longer where a dispatcher
died."""

WITHIN = 8.0
"""Seconds that a lease may be on its way: a healthy Temporal takes one in two, others get the rows after HOLD, and a
part that does no round in ten (`readiness.SILENT`) does no work. What has not arrived by then goes again."""

REST = timedelta(days=365)
"""How long a workflow rests before its first task where nothing is due by the clock."""

PART, AHEAD = "dispatcher", "ahead"
"""How its pulses begin: of those that call Temporal, and of those that wake."""

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
    """Rows that share a loop which wakes, and one which carries `at_once` so many of them to Temporal.

    `apart` is how many seconds two vain looks of the loop that wakes are apart, while others write all the time.
    """

    name: str
    priorities: tuple[Priority, ...]
    at_once: int
    apart: float


POKES = Stream(name="pokes", priorities=(Priority.SIGNAL,), at_once=64, apart=0.0)
"""What a customer waits for. At 64 at once a batch is a handful of rounds, of some milliseconds each."""

STARTS = Stream(name="starts", priorities=(Priority.START,), at_once=64, apart=0.1)
"""Beside the pokes, so that these do not stand behind the wakes of those who enter."""

BULK = Stream(name="bulk", priorities=(Priority.BULK_START,), at_once=12, apart=0.25)
"""Few at once: more would only pile up in Temporal, and a live customer would stand behind them."""


STREAMS = (POKES, STARTS, BULK)

APART = 0.25
"""Seconds between two vain looks at who is due, or at what Temporal is to hear, while others write all the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """Why a row did not arrive; `lasting` where waiting alone mends nothing."""

    error: str
    lasting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A row on its way, and what is known of its enrollment (None: gone)."""

    row: Dispatch
    known: WorkflowRow | None


class Dispatcher:
    """Two loops for each stream, one for deadlines, one for the workflows that are behind.

    Several processes may run them, and each row is held by one at a time.
    """

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        clock: Clock,
        span: OpenSpan = no_span,
        notices: Notices | None = None,
        beat: Callable[[str], None] = lambda part: None,
        count: CountBeside = uncounted,
        lag: timedelta = timedelta(),
    ) -> None:
        self.ahead = WakesAhead(database, clock, span, count, lag)
        self.behind = WorkflowsBehind(database, gateway, clock, count, lag)
        self._lag = lag
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
        ahead, behind = self.ahead, self.behind
        loops = [
            self._keep(f"{AHEAD}/deadlines", ahead.round, ahead.rest, APART),
            self._keep(f"{PART}/following", self._follow, behind.rest, EVERY),
        ]
        for one in STREAMS:
            wake, rest = partial(ahead.wake, one.priorities), partial(ahead.rest_of, one.priorities)
            loops.append(self._keep(f"{AHEAD}/{one.name}", wake, rest, one.apart))
            loops.append(self._keep(f"{PART}/{one.name}", partial(self.carry, one), partial(self.rest, one), APART))
        await asyncio.gather(*loops)

    async def _follow(self) -> int:
        """At its pace, however many are behind."""
        await self.behind.round()
        return 0

    async def drain(self) -> None:
        """Dispatch until nothing is ready."""
        rounds = [self.ahead.round, self.behind.round, *(partial(self.round, one) for one in STREAMS)]
        while any([await one() for one in rounds]):
            pass

    async def round(self, stream: Stream) -> int:
        """Wake at a batch of a stream's rows, then carry what Temporal is to hear; return how many rows that were."""
        return await self.ahead.wake(stream.priorities) + await self.carry(stream)

    async def _keep(
        self, name: str, work: Callable[[], Awaitable[int]], rest: Callable[[], float], apart: float
    ) -> None:
        listener = self._notices.listener(apart)
        while True:
            try:
                busy = await work()
                self._beat(name)
            except Exception as error:
                log.error("dispatch_round_failed", part=name, exc_info=error)
                self._count("dispatch")
                busy = 0
            if not busy:
                await listener.wait(rest())

    def rest(self, stream: Stream) -> float:
        """Seconds until something may be there for a stream, as far as its last round could see."""
        return SOON if stream.name in self._waiting else SELDOM

    async def carry(self, stream: Stream) -> int:
        """Lease what is ready, send it, and delete what arrived; return how many rows there were."""
        rows = await asyncio.to_thread(self._lease, stream)
        if not rows:
            return 0
        known = await asyncio.to_thread(self._known, rows)
        slots, until = asyncio.Semaphore(stream.at_once), asyncio.get_running_loop().time() + WITHIN
        sent = (self._send(Carried(row=row, known=known.get(row.enrollment_id)), slots, until) for row in rows)
        await asyncio.to_thread(self._finish, rows, await asyncio.gather(*sent))
        return len(rows)

    def _known(self, rows: Sequence[Dispatch]) -> dict[str, WorkflowRow]:
        with self._database.reading() as session:
            return wakes_ahead.workflows(session, [row.enrollment_id for row in rows])

    def _lease(self, stream: Stream) -> Sequence[Dispatch]:
        with self._database.reading() as session:
            if not dispatches.any_ready(session, stream.priorities):
                self._waiting.discard(stream.name)
                return []
        self._waiting.add(stream.name)
        return self._database.write(
            lambda session: dispatches.lease(session, self._clock(), BATCH, HOLD, stream.priorities)
        )

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

    async def _send(self, carried: Carried, slots: asyncio.Semaphore, until: float) -> Undelivered | None:
        """None when Temporal has it, else what went wrong."""
        row = carried.row
        try:
            async with asyncio.timeout_at(until), slots:
                with self._traced(f"dispatch {row.kind}", row):
                    await self._carry(carried)
        except RPCError as error:
            log.warning("dispatch_failed", kind=row.kind, enrollment=row.enrollment_id, status=error.status.name)
            return Undelivered(error=error.status.name, lasting=error.status not in MENDS_ITSELF)
        except OSError as error:  # TimeoutError among them
            log.warning("dispatch_failed", kind=row.kind, enrollment=row.enrollment_id, status=type(error).__name__)
            return Undelivered(error=type(error).__name__, lasting=False)
        except Exception as error:
            log.error("dispatch_failed", kind=row.kind, enrollment=row.enrollment_id, exc_info=error)
            self._count("dispatch")
            return Undelivered(error=f"{type(error).__name__}: {error}"[:200], lasting=True)
        return None

    async def _carry(self, carried: Carried) -> None:
        row = carried.row
        match row.kind:
            case "start" | "poke" | "restart":
                if carried.known is not None:  # else the customer was erased
                    await self._reach(row, carried.known)
            case "end":
                await self._gateway.end(row.workflow_id)
            case "operate":
                again = bool(row.payload.get("again"))
                await self._gateway.operate(row.workflow_id, row.enrollment_id, again=again)
            case _:
                raise ValueError(f"a dispatch row of unknown kind {row.kind!r}")

    async def _reach(self, row: Dispatch, known: WorkflowRow) -> None:
        if row.kind == "start":
            begins = Beginning(digest=row.payload["digest"], state=row.payload["state"])
            await self._gateway.start(row.workflow_id, begins, row.priority, self._rests(known))
        elif row.kind == "poke":
            await self._gateway.rouse(row.workflow_id, where_it_stands(known))
        elif known.status == EnrollmentStatus.LIVE:  # else it has ended since it was to begin anew
            await self._gateway.restart(row.workflow_id, where_it_stands(known))

    def _rests(self, known: WorkflowRow) -> timedelta | None:
        """How long one that starts has nothing to do or to follow.

        None where its first wake was not done ahead, or was its last.
        """
        if known.status != EnrollmentStatus.LIVE or known.state.get("phase", "new") == "new":
            return None
        looks_at = known.wakes_at and known.wakes_at + wake.spread(self._lag, known.id)
        rests = [one - self._clock() for one in (looks_at, known.follow_at) if one is not None]
        return max(min([REST, *rests]), timedelta())

    def _traced(self, name: str, row: Dispatch) -> AbstractContextManager[Any]:
        """A span below the present one, or below what caused the row; none where that was not traced."""
        return self._span(name, CURRENT.get() or row.trace) if row.trace else nullcontext()
