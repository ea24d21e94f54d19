"""How often a key may call: a sliding window for each key, counted by this process."""

import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from api.errors import ApiError


class RateLimits:
    """Counts calls by key. `default` holds for keys without a rate of their own, as "6000/minute"."""

    def __init__(self, default: str) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._default = parse(default)
        self._own: dict[str, RateLimitItem] = {}

    def hit(self, key_id: str, rate: str | None) -> None:
        """Count one call; raise where there were too many."""
        item = self._own.setdefault(rate, parse(rate)) if rate else self._default
        if self._limiter.hit(item, key_id):
            return
        reset = self._limiter.get_window_stats(item, key_id).reset_time
        wait = max(1, round(reset - time.time()))
        headers = {
            "Retry-After": str(wait),
            "X-RateLimit-Reset": str(int(reset)),
            "X-RateLimit-Limit": str(item.amount),
        }
        raise ApiError(
            "rate-limited", f"this key may call {item.amount} times per {item.get_expiry()} seconds", headers
        )
