"""Keeps Temporal's schedules as the live journeys say: looks at both now and then, and mends the difference."""

import asyncio
from collections.abc import Callable

import structlog
from temporalio.service import RPCError

from activities.meters import CountBeside, uncounted
from journeys.program.program import Program
from services.definitions.journey_versions import journeys
from store.session import Database
from workflows import schedules
from workflows.gateway import Gateway

EVERY = 4.0
"""Seconds between two rounds; a round without a change asks the database once and Temporal nothing."""

AGAIN = 75
"""Rounds, five minutes, until what failed is tried again, where nothing else has changed."""

PART = "scheduler"
"""The name of its pulse."""

log = structlog.get_logger("waypost.scheduler")


class Scheduler:
    """One loop; several may run, since what they do twice changes nothing."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        beat: Callable[[str], None] = lambda part: None,
        count: CountBeside = uncounted,
    ) -> None:
        self._count = count
        self._database = database
        self._gateway = gateway
        self._beat = beat
        self._known: frozenset[str] | None = None
        self._rounds_off = 0

    async def run(self) -> None:
        """Reconcile until cancelled; whatever a round raises, the next one comes."""
        while True:
            try:
                await self.round()
                self._beat(PART)
            except RPCError as error:
                log.warning("schedules_not_reconciled", status=error.status.name)
            except Exception as error:
                log.error("schedules_not_reconciled", exc_info=error)
                self._count("schedule")
            await asyncio.sleep(EVERY)

    async def round(self) -> None:
        """Temporal is asked when what is live has changed, and at the start, until a round finds nothing to mend.

        Temporal's list runs behind what was made: a schedule that ends just after it was made is seen a round later.
        One that Temporal refuses (a time zone that it does not know yet, say) is tried again every AGAIN rounds.
        """
        programs = await asyncio.to_thread(self._live)
        digests = frozenset(program.digest for program in programs if program.schedules)
        self._rounds_off = max(self._rounds_off - 1, 0)
        if digests == self._known and self._rounds_off != 1:
            return
        came = await schedules.reconcile(self._gateway.client, programs)
        self._known = None if came.made or came.ended else digests
        self._rounds_off = AGAIN if came.failed else 0
        for name, error in came.failed.items():
            log.error("schedule_not_reconciled", schedule=name, exc_info=error)
            self._count("schedule")
        if came.made or came.ended:
            log.info("schedules_reconciled", made=came.made, ended=came.ended)

    def _live(self) -> list[Program]:
        with self._database.reading() as session:
            return [program for _, program in journeys.all_live(session)]
