"""Wakes enrollments ahead of their workflows, many in a transaction: what happens to a customer waits for no Temporal.

Whose deadline has come is found in the database; who enters, and who is poked, by the rows of the dispatcher, in the
transaction that takes a poke away again. Where a wake fails, or an enrollment is as far ahead as may be, its workflow
does it: a row says so. Where the database may be at fault it is tried again, ever more slowly, before that. Nothing
here calls Temporal.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from sqlmodel import Session

from activities.meters import CountBeside, uncounted
from activities.signatures import WAKE
from services.enrollments.waking import wake
from services.values import Clock
from store import dialect
from store.queries.dispatching import dispatches, wakes_ahead
from store.queries.dispatching.dispatches import Priority, RowToWake
from store.session import Database
from store.trace_context import CURRENT, OpenSpan
from waypost.telemetry.tracing import no_span

BATCH = 200
"""Enrollments, or rows, that are found at once."""

TOGETHER = 25
"""Enrollments waked in one transaction, whose customers are held until its end: some tenths of a second."""

SOON, SELDOM = 0.25, 4.0
"""Seconds between two looks: where somebody is due whom others hold; and where nothing is due."""

PAUSES = (1, 3, 10, 30, 60)
"""Seconds until one is tried again whose wake ended in an error that may be the database's: longer than this together
it is rarely away for one enrollment alone, so that its workflow tries from then on, and says that it is stuck."""

FORGOTTEN = timedelta(minutes=10)
"""How long such an error is remembered: some times the longest pause."""

One = TypeVar("One")

log = structlog.get_logger("waypost.wakes_ahead")


class WakesAhead:
    """Several processes may run it: each passes over the rows and the customers whom another holds."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        span: OpenSpan = no_span,
        count: CountBeside = uncounted,
        lag: timedelta = timedelta(),
    ) -> None:
        self._database = database
        self._clock = clock
        self._span = span
        self._count = count
        self._lag = lag
        self._rest = SELDOM
        self._held = Counter[tuple[Priority, ...]]()
        self._failed: dict[str, tuple[int, datetime]] = {}

    # -- whose deadline has come ---------------------------------------------------------------------------------------

    def rest(self) -> float:
        """Seconds until somebody is due, as far as the last round has seen."""
        return self._rest

    async def round(self) -> int:
        """Wake a batch of those who are due; return how many were."""
        due = await asyncio.to_thread(self._due)
        return await asyncio.to_thread(self._in_parts, due, self._meet, self._not_met) if due else 0

    def _due(self) -> Sequence[str]:
        now = self._clock()
        with self._database.reading() as session:
            first = wakes_ahead.next_due(session)
            due = wakes_ahead.due(session, now, BATCH) if first is not None and first <= now else ()
        wait = (first - now).total_seconds() if first is not None else SELDOM
        self._rest = SOON if due else min(SELDOM, wait)
        return due

    def _meet(self, session: Session, ids: Sequence[str]) -> int:
        led = wake.lead(session, ids, self._clock(), self._lag)
        self._leave(session, led.full)
        return len(led.done) + len(led.full)

    def _not_met(self, enrollment_id: str, error: Exception) -> int:
        now = self._clock()
        pause = None if self._is_its_own(enrollment_id, error) else self._pause(enrollment_id, now)

        def leave(session: Session) -> None:
            if pause is not None:
                wakes_ahead.due_later(session, enrollment_id, now, now + pause)
            else:
                wakes_ahead.not_due(session, enrollment_id)
                self._leave(session, [enrollment_id])

        return self._put_off(enrollment_id, leave)

    def _pause(self, enrollment_id: str, now: datetime) -> timedelta | None:
        """Until it is tried again; None where that was done for long enough."""
        self._failed = {one: known for one, known in self._failed.items() if known[1] > now - FORGOTTEN}
        times, _ = self._failed.pop(enrollment_id, (0, now))
        if times == len(PAUSES):
            return None
        self._failed[enrollment_id] = (times + 1, now)
        return timedelta(seconds=PAUSES[times])

    def _put_off(self, enrollment_id: str, leave: Callable[[Session], None]) -> int:
        """Keep that its wake failed; whether that could be done. Raise where the database cannot be had."""
        try:
            self._database.write(leave)
        except Exception as error:
            if dialect.is_at_fault(error):
                raise
            log.error("wake_ahead_not_put_off", enrollment=enrollment_id, exc_info=error)
            self._count("dispatch")
            return 0
        return 1

    def _leave(self, session: Session, ids: Collection[str]) -> None:
        """Their workflows are to go on, at once."""
        now, known = self._clock(), wakes_ahead.workflows(session, ids)
        rows = [
            dispatches.row(one.id, one.workflow_id, "poke", {}, Priority.SIGNAL, now, waked=True)
            for one in known.values()
        ]
        dispatches.add(session, rows)

    # -- who enters, and who is poked ----------------------------------------------------------------------------------

    def rest_of(self, priorities: tuple[Priority, ...]) -> float:
        """Seconds until a row of these priorities may be there, as far as the last look has seen."""
        return SOON if self._held[priorities] else SELDOM

    async def wake(self, priorities: tuple[Priority, ...]) -> int:
        """Wake at a batch of rows of these priorities, each that is traced by itself; return how many were worked off.

        A poke at which everything due is done is gone with that. Of whatever else Temporal is to hear now.
        """
        return await asyncio.to_thread(self._wake_at, priorities)

    def _wake_at(self, priorities: tuple[Priority, ...]) -> int:
        with self._database.reading() as session:
            rows = dispatches.to_wake(session, priorities, BATCH)
        done = self._in_parts([one for one in rows if not one.trace], self._wake, self._not_waked)
        for one in rows:
            if one.trace:
                with self._span(WAKE, CURRENT.get() or one.trace):
                    done += self._in_parts([one], self._wake, self._not_waked)
        self._held[priorities] = len(rows) - done
        return done

    def _wake(self, session: Session, rows: Sequence[RowToWake]) -> int:
        held = dispatches.hold_to_wake(session, [one.id for one in rows])
        led = wake.lead(session, {one.enrollment_id for one in held}, self._clock(), self._lag)
        mine = [one for one in held if one.enrollment_id not in led.held]
        over = {one.id for one in mine if one.kind == "poke" and one.enrollment_id in led.done}
        dispatches.remove_arrived(session, [*over])
        dispatches.waked(session, [one.id for one in mine if one.id not in over])
        return len(mine)

    def _not_waked(self, row: RowToWake, error: Exception) -> int:
        own = self._is_its_own(row.enrollment_id, error)

        def leave(session: Session) -> None:
            dispatches.waked(session, [row.id])  # its row first, as whoever wakes at it does
            if own:
                wakes_ahead.not_due(session, row.enrollment_id)

        return self._put_off(row.enrollment_id, leave)

    # -- many in a transaction -----------------------------------------------------------------------------------------

    def _in_parts(
        self,
        those: Sequence[One],
        work: Callable[[Session, Sequence[One]], int],
        failed: Callable[[One, Exception], int],
    ) -> int:
        parts = (those[at : at + TOGETHER] for at in range(0, len(those), TOGETHER))
        return sum(self._together(part, work, failed) for part in parts)

    def _together(
        self,
        those: Sequence[One],
        work: Callable[[Session, Sequence[One]], int],
        failed: Callable[[One, Exception], int],
    ) -> int:
        """All in one transaction; where one raises, each in its own, so that it fails alone."""
        try:
            return self._database.write(lambda session: work(session, those))
        except Exception as error:
            if len(those) == 1:
                return failed(those[0], error)
        return sum(self._together([one], work, failed) for one in those)

    def _is_its_own(self, enrollment_id: str, error: Exception) -> bool:
        """Whether the enrollment, and not the database, is at fault; its workflow tries again, and says it is stuck."""
        if dialect.is_at_fault(error):
            log.warning("wake_ahead_failed", enrollment=enrollment_id, error=type(error).__name__)
            return False
        log.error("wake_ahead_failed", enrollment=enrollment_id, exc_info=error)
        self._count("dispatch")
        return True
