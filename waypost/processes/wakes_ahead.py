"""Wakes enrollments ahead of their workflows, many in a transaction: what happens to a customer waits for no Temporal.

Whose deadline has come is found in the database; who is poked, by the rows of the dispatcher. A workflow that is behind
is poked a while later, at a bounded rate, and follows several wakes at once. Where a wake fails, or an enrollment is as
far ahead as may be, its workflow does it, at once.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import partial

import structlog
from sqlmodel import Session
from temporalio.service import RPCError, RPCStatusCode

from activities.meters import CountBeside, uncounted
from activities.wake import AWAY
from services.enrollments import wake
from services.enrollments.wake import Led
from services.values import Clock
from store.queries import wakes_ahead
from store.queries.wakes_ahead import WorkflowRow
from store.session import Database
from workflows.gateway import Beginning, Gateway

LAG = timedelta(minutes=5)
"""How long a workflow is behind at most, where it is not much to be followed; at least the half of it. Spread over the
rest, ten thousand that slept until one second look at 67 a second."""

BATCH = 200
"""Enrollments that are found at once."""

TOGETHER = 25
"""Enrollments waked in one transaction, whose customers are held until its end: some tenths of a second."""

FOLLOW_AT_ONCE, FOLLOW_EVERY = 16, 0.5
"""Workflows that are poked at once, and the seconds between: each costs Temporal and a worker some 30 ms, so that
following takes one core of two at most."""

TOO_EARLY = 20
"""The part of the lag by which a workflow may be poked too early, with one whose time has come: so they go together."""

FOLLOW_AGAIN = timedelta(minutes=10)
"""When a workflow that was poked, and has not come, is poked again."""

UNREACHABLE = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.RESOURCE_EXHAUSTED)
"""Answers of Temporal after which the others are not tried either."""

SOON, SELDOM = 0.25, 4.0
"""Seconds between two looks: where somebody is due whom others hold, or many are behind; and where nothing is due."""

log = structlog.get_logger("waypost.wakes_ahead")


def where_it_stands(known: WorkflowRow) -> Beginning:
    """What a workflow begins with that Temporal has lost: all that was done is in the database."""
    return Beginning(digest=known.digest, state=known.state, wakes=known.wakes)


class WakesAhead:
    """Several processes may run it: each passes over the customers whom another holds."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        clock: Clock,
        count: CountBeside = uncounted,
        lag: timedelta = timedelta(),
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._clock = clock
        self._count = count
        self._lag = lag
        self._rest = SELDOM
        self._pace = FOLLOW_EVERY if lag else 0.0
        self._followed = -self._pace

    def rest(self) -> float:
        """Seconds until something is due, as far as the last round has seen."""
        return self._rest

    async def round(self) -> int:
        """Wake a batch of those who are due; where that is all of them, poke some workflows that are behind."""
        due, behind = await asyncio.to_thread(self._look)
        led = await self._meet(due) if due else 0
        now = asyncio.get_running_loop().time()
        if behind and len(due) < BATCH and now >= self._followed + self._pace:
            self._followed = now
            followed = await self._follow()
            led += 0 if self._pace else followed
        return led

    async def lead(self, ids: Sequence[str]) -> Collection[str]:
        """Wake these who were poked; return those of whom everything that was due is done.

        Who is held by others is not waited for: their workflow does it, and nobody else stands behind them.
        """
        return (await asyncio.to_thread(self._lead, ids, False)).done

    def workflows(self, ids: Collection[str]) -> dict[str, WorkflowRow]:
        """What is known of these enrollments for their workflows, by their ids; who is gone is left out."""
        with self._database.reading() as session:
            return wakes_ahead.workflows(session, ids)

    def _look(self) -> tuple[Sequence[str], bool]:
        now = self._clock()
        with self._database.reading() as session:
            first, behind = wakes_ahead.next_due_and_behind(session)
            due = wakes_ahead.due(session, now, BATCH) if first is not None and first <= now else ()
        follows = behind is not None and behind <= now
        waits = [one - now for one in (first, behind) if one is not None and one > now]
        self._rest = min([SOON if due or follows else SELDOM, *(one.total_seconds() for one in waits)])
        return due, follows

    async def _meet(self, due: Sequence[str]) -> int:
        led = await asyncio.to_thread(self._lead, due, False)
        if led.full:
            known = await asyncio.to_thread(self.workflows, led.full)
            await self._poke_all(list(known.values()))
        return len(led.done) + len(led.full)

    async def _follow(self) -> int:
        found = await asyncio.to_thread(self._behind)
        await self._poke_all(found)
        return len(found)

    def _behind(self) -> Sequence[WorkflowRow]:
        now, early = self._clock(), self._lag / TOO_EARLY
        return self._database.write(
            lambda session: wakes_ahead.behind(session, now + early, FOLLOW_AT_ONCE, now + FOLLOW_AGAIN)
        )

    async def _poke_all(self, those: Sequence[WorkflowRow]) -> None:
        over = list[str]()
        for one in those:
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
            await asyncio.to_thread(self._database.write, partial(wakes_ahead.nobody_follows, ids=over))

    def _lead(self, ids: Sequence[str], wait: bool) -> Led:
        parts = [self._together(ids[at : at + TOGETHER], wait) for at in range(0, len(ids), TOGETHER)]
        return Led(done=[id for one in parts for id in one.done], full=[id for one in parts for id in one.full])

    def _together(self, ids: Sequence[str], wait: bool) -> Led:
        """All in one transaction; where one raises, each in its own, so that it fails alone."""
        try:
            return self._in_one(ids, wait)
        except Exception as error:
            if len(ids) == 1:
                return self._failed(ids[0], error)
        parts = [self._together([id], wait) for id in ids]
        return Led(done=[id for one in parts for id in one.done], full=[id for one in parts for id in one.full])

    def _in_one(self, ids: Sequence[str], wait: bool) -> Led:
        def work(session: Session) -> Led:
            return wake.lead(session, ids, self._clock(), self._lag, wait=wait)

        return self._database.write(work)

    def _failed(self, enrollment_id: str, error: Exception) -> Led:
        """Its workflow tries again, and says in the end that it is stuck."""
        if isinstance(error, AWAY):
            log.warning("wake_ahead_failed", enrollment=enrollment_id, error=type(error).__name__)
            return Led(done=(), full=())
        log.error("wake_ahead_failed", enrollment=enrollment_id, exc_info=error)
        self._count("dispatch")
        self._database.write(lambda session: wakes_ahead.not_due(session, enrollment_id))
        return Led(done=(), full=(enrollment_id,))
