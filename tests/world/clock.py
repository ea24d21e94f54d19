"""The world's time: it goes with the loop, and is moved forward where nothing happens until the next instant."""

import asyncio
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday


class WorldClock:
    """`now` is Temporal's time; the product's hosts may be `skewed` by an hour."""

    def __init__(self) -> None:
        self._forward = timedelta()
        self.skewed = timedelta()
        self.latest = NOON
        """What any host has ever taken for the time."""

    def now(self) -> datetime:
        """Temporal's own time."""
        return NOON + self._forward + timedelta(seconds=asyncio.get_running_loop().time())

    def host(self) -> datetime:
        """What the product's hosts take for the time."""
        told = self.now() + self.skewed
        self.latest = max(self.latest, told)
        return told

    def move_to(self, at: datetime) -> None:
        """Skip what nobody uses; time never goes back."""
        self._forward += max(at - self.now(), timedelta())
