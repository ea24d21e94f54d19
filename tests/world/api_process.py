"""The API in the world: it may die at each request, or find that the database cannot be had."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from services.errors import ServiceError
from tests.world.faults import ProcessKilled
from tests.world.process import ProcessDatabase

if TYPE_CHECKING:
    from tests.world.world import World


class ApiProcess:
    """The API: a request is one transaction, and whoever gets no answer asks again."""

    def __init__(self, world: "World") -> None:
        self.world, self.alive = world, True
        self._database = ProcessDatabase(world.database, self)  # type: ignore[arg-type]

    def lives(self) -> None:
        """It always does: another one takes its place at once."""

    def passes(self, point: str) -> None:
        """It may die, or find that the database cannot be had."""
        if self.world.faults.dies(point):
            raise ProcessKilled(point)
        if self.world.faults.is_away(point):
            raise OperationalError(point, None, Exception("away"))

    async def request(self, work: Callable[[Session], Any]) -> Any:
        """Ask until there is an answer. What is refused is None."""
        while True:
            try:
                return await asyncio.to_thread(self.ask, work)
            except ServiceError:
                return None
            except (ProcessKilled, OperationalError):
                await asyncio.sleep(0.5)

    def ask(self, work: Callable[[Session], Any]) -> Any:
        """One request."""
        return self._database.write(work)
