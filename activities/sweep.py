"""Letting the members of a segment in, page by page; a repeat goes on behind the last page that was done."""

import asyncio

from temporalio import activity

from activities.signatures import SWEEP, Occasion
from services.enrollments.entering import schedules
from services.values import Clock
from store.session import Database


class Sweep:
    """Enrolls who is in a segment when a schedule comes round."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @activity.defn(name=SWEEP)
    async def sweep(self, occasion: Occasion) -> int:
        """Let the members in, from where the last attempt stopped; return how many were enrolled by this one.

        How far it is, is in its heartbeats: the id of the last customer of the page.
        """
        details = activity.info().heartbeat_details
        cursor, enrolled = (str(details[0]) if details else ""), 0
        while True:
            done = await asyncio.to_thread(self._page, occasion, cursor)
            if done is None:
                return enrolled
            cursor, enrolled = done[0], enrolled + done[1]
            activity.heartbeat(cursor)

    def _page(self, occasion: Occasion, cursor: str) -> tuple[str, int] | None:
        digest, trigger, name = occasion.digest, occasion.trigger, occasion.name
        return self._database.write(
            lambda session: schedules.page(session, digest, trigger, name, cursor, self._clock())
        )
