"""Pokes workflows that are behind, a while after their enrollments were waked ahead of them, at a bounded rate.

A workflow that comes follows several wakes at once. It is not urgent, and waits for nobody's deadline: a Temporal that
is slow, or hangs, delays what Temporal shows and nothing else.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from temporalio.service import RPCError, RPCStatusCode

from activities.meters import CountBeside, uncounted
from services.values import Clock
from store.queries.dispatching import wakes_ahead
from store.queries.dispatching.wakes_ahead import WorkflowRow
from store.session import Database
from waypost.processes.wakes_ahead import BATCH
from workflows.gateway import Beginning, Gateway

LAG = timedelta(minutes=5)
"""How long a workflow is behind at most, where it is not much to be followed; at least the half of it. Spread over the
rest, ten thousand that slept until one second look at 67 a second."""

AT_ONCE, EVERY = 16, 0.5
"""Workflows that are poked at once, and the seconds between: each costs Temporal and a worker some 30 ms, so that
following takes one core of two at most."""

TOO_EARLY = 20
"""The part of the lag by which a workflow may be poked too early, with one whose time has come: so they go together."""

AGAIN = timedelta(minutes=10)
"""When a workflow that was poked, and has not come, is poked again."""

PATIENCE = 5.0
"""Seconds that a round may take: a healthy Temporal has sixteen pokes in a tenth of one, and a part that does no round
in ten (`readiness.SILENT`) does no work."""

SELDOM = 4.0
"""Seconds until the next look where nobody is behind."""

UNREACHABLE = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.RESOURCE_EXHAUSTED)
"""Answers of Temporal after which a round tries no others: the next one does."""

log = structlog.get_logger("waypost.following")


def where_it_stands(known: WorkflowRow) -> Beginning:
    """What a workflow begins with that Temporal has lost: all that was done is in the database."""
    return Beginning(digest=known.digest, state=known.state, wakes=known.wakes)


class WorkflowsBehind:
    """Several processes may run it: each passes over the workflows that another is poking."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        clock: Clock,
        count: CountBeside = uncounted,
        lag: timedelta = timedelta(),
        patience: float = PATIENCE,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._clock = clock
        self._count = count
        self._lag = lag
        self._patience = patience
        self._rest = SELDOM

    def rest(self) -> float:
        """Seconds until a workflow is to be poked, as far as the last round has seen."""
        return self._rest

    async def round(self) -> int:
        """Poke some workflows, unless a whole batch of enrollments waits to be waked; return how many that were."""
        now = self._clock()
        found = await asyncio.to_thread(self._behind, now)
        left = deque(found)
        try:
            async with asyncio.timeout(self._patience):
                await self._poke(left)
        except TimeoutError:
            log.warning("not_followed", error="TimeoutError")
        if left:
            await asyncio.to_thread(self._not_tried, [one.id for one in left], now)
        return len(found)

    def _behind(self, now: datetime) -> Sequence[WorkflowRow]:
        early = self._lag / TOO_EARLY
        with self._database.reading() as session:
            first, behind = wakes_ahead.next_due_and_behind(session)
            due = wakes_ahead.due(session, now, BATCH) if first is not None and first <= now else ()
        wait = (behind - now).total_seconds() if behind is not None else SELDOM
        self._rest = min(SELDOM, max(EVERY, wait))
        if behind is None or behind > now or len(due) == BATCH:
            return ()
        return self._database.write(lambda session: wakes_ahead.behind(session, now + early, AT_ONCE, now + AGAIN))

    async def _poke(self, left: deque[WorkflowRow]) -> None:
        """One after another; those that were not tried are left, so that the next round begins behind who failed."""
        over = list[str]()
        while left:
            one = left.popleft()
            try:
                if not await self._gateway.rouse(one.workflow_id, where_it_stands(one)):
                    over.append(one.id)
            except Exception as error:
                if isinstance(error, OSError) or (isinstance(error, RPCError) and error.status in UNREACHABLE):
                    log.warning("not_followed", enrollment=one.id, error=type(error).__name__)
                    break
                log.error("not_followed", enrollment=one.id, exc_info=error)  # it alone; it is tried again
                self._count("dispatch")
        if over:
            await asyncio.to_thread(self._nobody_follows, over)

    def _nobody_follows(self, ids: Sequence[str]) -> None:
        self._database.write(lambda session: wakes_ahead.nobody_follows(session, ids))

    def _not_tried(self, ids: Sequence[str], now: datetime) -> None:
        self._database.write(lambda session: wakes_ahead.not_tried(session, ids, now, now + AGAIN))
