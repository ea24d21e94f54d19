"""What came of each mail is written down, however often that has to be tried.

Results are written together; where something unexpected is raised they are written each by itself, and one that still
cannot be written is kept and tried again while the others go on. A database that is away is waited for, by an owner
that ends too. What is not written when the process is killed is `sending` in the ledger, and becomes `unknown`.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from activities import meters
from services.messages.sending.sending_ledger import AttemptResult
from store import dialect

TOGETHER = 200
"""Results that are recorded in one transaction at most: two claims of a lane, whose commits one slow disk would hold
up."""

AGAIN = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between two tries; the last for ever."""

AT_THE_END = 6
"""Tries of an owner that ends, in a bit less than nine seconds."""

log = structlog.get_logger("waypost.recording")


async def persist(what: str, lane: str, work: Callable[[], Any]) -> Any:
    """Do it in a thread, until the database answers; anything but its absence is raised."""
    tries = 0
    while True:
        try:
            return await asyncio.shield(asyncio.to_thread(work))
        except Exception as error:
            if not _passes(error):
                raise
            log.warning("database_away", doing=what, lane=lane, error=type(error).__name__)
            await asyncio.sleep(AGAIN[min(tries, len(AGAIN) - 1)])
            tries += 1


def _passes(error: Exception) -> bool:
    """Whether it is the database that cannot be had: away, locked, full, or with no connection free."""
    if isinstance(error, DBAPIError) and (dialect.is_away(error) or dialect.is_full(error)):
        return True
    return dialect.is_at_fault(error)


class Recording:
    """The results of one owner of a lane. `write` stores some in one transaction; `forget` is told of each that is.

    `turn` is held for that: what comes while it is another's is written together.
    """

    def __init__(
        self,
        lane: str,
        write: Callable[[Sequence[AttemptResult]], None],
        forget: Callable[[str], None],
        turn: asyncio.Lock,
    ) -> None:
        self._turn = turn
        self._lane = lane
        self._write = write
        self._forget = forget
        self._results: asyncio.Queue[AttemptResult] = asyncio.Queue()
        self._kept: dict[str, AttemptResult] = {}
        self._stubborn: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    def keep(self, result: AttemptResult) -> None:
        """Write this one down, soon."""
        if self._loop is None:
            self._loop = asyncio.create_task(self._keep_writing())
        self._kept[result.send_id] = result
        self._results.put_nowait(result)

    def failed(self) -> BaseException | None:
        """What ended the writing, None while it goes on."""
        loop = self._loop
        return loop.exception() if loop is not None and loop.done() and not loop.cancelled() else None

    async def close(self, within: float | None = None) -> None:
        """Write down what is left, however long the database is away, or `within` so many seconds.

        What something unexpected is raised for is tried AT_THE_END times more. To write a result twice changes nothing.
        """
        if self._loop is None:
            return
        writing = {self._loop, *self._stubborn}
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)
        rest = [*self._kept.values()]
        parts = [rest[first : first + TOGETHER] for first in range(0, len(rest), TOGETHER)]
        last = {asyncio.create_task(self._at_the_end(part)) for part in parts}
        if last:
            await asyncio.wait(last, timeout=within)

    async def _keep_writing(self) -> None:
        while True:
            first = await self._results.get()
            async with self._turn:
                await self._record([first, *self._some(TOGETHER - 1)])

    def _some(self, most: int) -> list[AttemptResult]:
        return [self._results.get_nowait() for _ in range(min(most, self._results.qsize()))]

    async def _record(self, results: Sequence[AttemptResult]) -> None:
        """Together; where something unexpected is raised, each by itself, and again what is still not written."""
        try:
            await persist("record", self._lane, lambda: self._write(results))
        except Exception as error:
            if len(results) > 1:
                for one in results:
                    await self._record([one])
            else:
                self._not_written(results[0], error)
                self._try_again(results[0])
            return
        self._written(results)

    def _try_again(self, result: AttemptResult) -> None:
        task = asyncio.create_task(self._again(result))
        self._stubborn.add(task)
        task.add_done_callback(self._stubborn.discard)

    async def _again(self, result: AttemptResult, most: float = math.inf) -> None:
        """Beside the others, until it is written (or `most` times)."""
        tries = 0
        while tries < most:
            await asyncio.sleep(AGAIN[min(tries, len(AGAIN) - 1)])
            tries += 1
            try:
                await persist("record", self._lane, lambda: self._write([result]))
            except Exception as error:
                log.warning("outcome_not_recorded", message=result.send_id, tries=tries, error=type(error).__name__)
            else:
                return self._written([result])

    async def _at_the_end(self, results: Sequence[AttemptResult]) -> None:
        try:
            await persist("record", self._lane, lambda: self._write(results))
        except Exception as error:
            self._not_written(results[0], error)
            await asyncio.gather(*(self._again(one, AT_THE_END) for one in results))
        else:
            self._written(results)

    def _not_written(self, result: AttemptResult, error: Exception) -> None:
        log.error("outcome_not_recorded", message=result.send_id, status=result.status, exc_info=error)
        meters.unexpected("record")

    def _written(self, results: Sequence[AttemptResult]) -> None:
        for one in results:
            self._kept.pop(one.send_id, None)
            meters.sent(self._lane, one.status, one.reason)
            self._forget(one.send_id)
