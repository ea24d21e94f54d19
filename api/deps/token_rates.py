"""How often the links of one mail are counted: they open without a key, and whoever has a mail can ask without end."""

from collections import OrderedDict
from threading import Lock

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

RATE = parse("30/minute")
"""Opens of one mail that are looked at, and as many clicks beside them: more than a person makes, and a scanner shows
itself in three."""


MISSED = 10_000
"""Mails past their rate whose fetches are remembered until the next that is looked at."""


class TokenRates:
    """Counts by mail and kind, so that no opens swallow a click, in this process.

    Whatever the token, it is answered as ever, and not looked at past the rate.
    """

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._missed = OrderedDict[tuple[str, str], int]()
        self._lock = Lock()

    def count(self, send_id: str, kind: str) -> int:
        """Count one more of this mail: how many have come since the last that was looked at; 0 for: do not look."""
        allowed = self._limiter.hit(RATE, kind, send_id)
        with self._lock:
            missed = self._missed.pop((send_id, kind), 0)
            if allowed:
                return 1 + missed
            self._missed[send_id, kind] = missed + 1
            if len(self._missed) > MISSED:
                self._missed.popitem(last=False)
            return 0
