"""The pulses of the parts of this process: kept in memory at each round, and in the database every few seconds."""

import asyncio
from datetime import datetime

import structlog

from services.values import Clock
from store.queries.upkeep import pulses
from store.session import Database

EVERY = 3.0
"""Seconds between two writes: `/readyz` is to know within ten that a part does no work."""

log = structlog.get_logger("waypost.pulses")


class Pulses:
    """`beat` costs nothing; `run` writes what has changed, in one transaction for all parts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._rounds: dict[str, datetime] = {}
        self._here: dict[str, datetime] = {}

    def beat(self, part: str) -> None:
        """A part begins in this process, has done a round, or has seen that there is nothing to do."""
        self._rounds[part] = self._here[part] = self._clock()

    def ended(self, part: str) -> None:
        """A part is in this process no more: its shift is over, or another process has it."""
        self._here.pop(part, None)

    def last_rounds(self) -> dict[str, datetime]:
        """When each part that is in this process did its last round, or began."""
        return dict(self._here)

    async def run(self) -> None:
        """Write until cancelled; a database that is away is tried again."""
        while True:
            await asyncio.sleep(EVERY)
            await self.keep()

    async def keep(self) -> None:
        """Write what has changed since the last time, if anything has; what cannot be written is kept for the next."""
        rounds, self._rounds = self._rounds, {}
        if not rounds:
            return
        try:
            await asyncio.to_thread(self._write, rounds)
        except Exception as error:
            log.warning("pulses_not_kept", error=type(error).__name__)
            self._rounds = rounds | self._rounds

    def _write(self, rounds: dict[str, datetime]) -> None:
        self._database.write(lambda session: pulses.beat(session, rounds))
