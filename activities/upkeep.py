"""The upkeep as a lane: dates that let customers in, segments that time changes, everybody looked at once.

What it does is for `services.upkeep` to say; here is only that one owner does it, page by page.
"""

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from activities import meters
from services.enrollments.controls import poking
from services.errors import Fenced
from services.reconciliation import reconciling
from services.upkeep import export_marks, retention, upkeep
from services.upkeep.upkeep import DUTIES, SILENCES, Duty
from services.values import Clock
from store import dialect
from store.queries.sending import lanes
from store.session import Database

LANE = "upkeep"
"""The name under which it is owned, like a lane of mail."""

log = structlog.get_logger("waypost.upkeep")

LOOK_EVERY = 4.0
"""Seconds between two looks where nothing is written: what comes by the clock was set for a minute, not a second."""

PRUNE_EVERY = timedelta(hours=1)
"""How often what has passed its time is let go; retention is stated in days."""


CHORES = {
    **retention.CHORES,
    "nightly check": reconciling.ask_for_tonight,
    "export marks": export_marks.run_due,
}
"""What is done while nothing is due, by name."""

LOOK_FOR_OVERDUE = timedelta(minutes=1)
"""How often it is asked who should have acted ten minutes ago."""


class UpkeepLane:
    """Does a page of what comes by the clock; two owners would only do it twice as slowly, never twice."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._fence = secrets.token_hex(8)
        self._pruned_at: datetime | None = None
        self._stood_at: datetime | None = None
        self._failed = set[str]()
        """The chores that have failed since all that there was to let go was let go."""

    def take(self) -> int:
        """Become the owner; nothing is ever left in the middle."""
        self._database.write(lambda session: lanes.take_ownership(session, LANE, self._fence, self._clock()))
        return 0

    async def pump(self) -> int:
        """Do a page of what is due; return how much there was. Raise Fenced where there is another owner by now."""
        return await asyncio.to_thread(self._round)

    async def when_idle(self) -> int:
        """Let go of what has passed its time, ask for the nightly check, see what has stopped; again in an hour."""
        if self._pruned_at is not None and self._clock() < self._pruned_at + PRUNE_EVERY:
            return 0
        count = await asyncio.to_thread(self._prune)
        if not count:
            await asyncio.to_thread(self._look_for_silences)
        self._pruned_at = None if count else self._clock()
        return count

    def _look_for_silences(self) -> None:
        while self._carefully(SILENCES):
            pass

    def _prune(self) -> int:
        """A page of each kind, in a transaction of its own; raise where the database can be had for none of them.

        One that raises is tried again in an hour, and holds up no other.
        """
        counts, failed = list[int](), dict[str, Exception]()
        for name in [one for one in CHORES if one not in self._failed]:
            try:
                counts.append(self._let_go(CHORES[name]))
            except Exception as error:
                failed[name] = error
        if not counts and failed and all(dialect.is_at_fault(error) for error in failed.values()):
            raise next(iter(failed.values()))
        for name, error in failed.items():
            log.error("upkeep_failed", chore=name, exc_info=error)
            meters.unexpected("upkeep")
            self._failed.add(name)
        if not sum(counts):
            self._failed.clear()
        return sum(counts)

    def _let_go(self, chore: Callable[[Session, datetime], int]) -> int:
        return self._database.write(lambda session: chore(session, self._clock()))

    def rest(self) -> float:
        """Seconds until the next look: dates and segments come by the clock."""
        return LOOK_EVERY

    def takes_long(self) -> bool:
        """Never: a round is a page."""
        return False

    async def drain(self) -> None:
        """Nothing: a round ends with its page."""

    async def close(self) -> None:
        """Nothing is left open between two rounds."""

    def _round(self) -> int:
        now = self._clock()
        with self._database.reading() as session:
            if not upkeep.any_due(session, now) and not self._anybody_overdue(session, now):
                return 0
        try:
            return self._database.write(self._page)
        except Fenced:
            raise
        except Exception as error:
            if dialect.is_at_fault(error):
                raise
            log.error("upkeep_failed", exc_info=error)
            meters.unexpected("upkeep")
        return sum(self._carefully(duty) for duty in DUTIES)

    def _anybody_overdue(self, session: Session, now: datetime) -> bool:
        """Looked at each minute: who is overdue has been so for ten."""
        if self._stood_at is not None and now < self._stood_at + LOOK_FOR_OVERDUE:
            return False
        self._stood_at = now
        return poking.any_overdue(session, now)

    def _carefully(self, duty: Duty) -> int:
        """One item in a transaction of its own; one that raises is passed over, so that the others get their turn."""
        try:
            return self._database.write(lambda session: duty.run_due(session, self._clock(), 1))
        except Exception as error:
            if dialect.is_at_fault(error):
                raise
            log.error("upkeep_passed_over", duty=duty.name, exc_info=error)
            why = type(error).__name__
        try:
            self._database.write(lambda session: duty.pass_over(session, self._clock(), why))
        except Exception as error:
            if dialect.is_at_fault(error):
                raise
            log.error("upkeep_not_passed_over", duty=duty.name, exc_info=error)
            meters.unexpected("upkeep")
            return 0
        return 1

    def _page(self, session: Session) -> int:
        if not lanes.is_owner(session, LANE, self._fence):
            raise Fenced("the upkeep has another owner")
        return upkeep.do(session, self._clock())
