"""How often the links of one mail are counted: they open without a key, and whoever has a mail can ask without end."""

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

RATE = parse("30/minute")
"""Opens and clicks of one mail that are looked at: more than a person makes, and a scanner shows itself in three."""


class TokenRates:
    """Counts by mail, in this process; whatever the token is answered as ever, and not looked at past the rate."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def allows(self, send_id: str) -> bool:
        """Count one more of this mail; whether it is to be looked at."""
        return self._limiter.hit(RATE, send_id)
