"""How often a key may call: a sliding window for each key, counted by this process.

A window counts what came in it, and in the one before it as far as that reaches into the span that ends now. It is two
numbers for each key, and asks for neither a thread nor a timer.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from limits import RateLimitItem, parse

from api.errors import ApiError


@dataclass(slots=True)
class _Window:
    """How many calls came in the span with this number, and how many in the one before it."""

    number: int = 0
    before: int = 0
    count: int = 0

    def move(self, number: int) -> None:
        """It is the span with this number now."""
        if number != self.number:
            self.before = self.count if number == self.number + 1 else 0
            self.number, self.count = number, 0


class RateLimits:
    """Counts calls by key. `default` holds for keys without a rate of their own, as "6000/minute".

    `clock` tells the seconds since 1970: a span begins at a multiple of its length.
    """

    def __init__(self, default: str, clock: Callable[[], float] = time.time) -> None:
        self._default = parse(default)
        self._own: dict[str, RateLimitItem] = {}
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._lock = threading.Lock()

    def hit(self, key_id: str, rate: str | None) -> None:
        """Count one call; raise where there were too many."""
        limit = self._own.setdefault(rate, parse(rate)) if rate else self._default
        wait = self._count(key_id, limit.amount, limit.get_expiry())
        if wait is not None:
            headers = {
                "Retry-After": str(max(1, round(wait))),
                "X-RateLimit-Reset": str(int(self._clock() + wait)),
                "X-RateLimit-Limit": str(limit.amount),
            }
            told = f"this key may call {limit.amount} times per {limit.get_expiry()} seconds"
            raise ApiError("rate-limited", told, headers)

    def _count(self, key_id: str, most: int, span: float) -> float | None:
        """Count one call and return None; or the seconds until there is room again, where there is none."""
        now = self._clock()
        with self._lock:
            window = self._windows.setdefault(key_id, _Window())
            window.move(int(now // span))
            left = span - now % span
            if int(window.before * left / span) + window.count < most:
                window.count += 1
                return None
        return left % (span / window.before) if window.before else left + span / window.count
