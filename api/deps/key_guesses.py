"""How often one address may show wrong keys: guessing costs a guesser, and nobody else.

Past the limit an address is let in only with keys that were seen to be live from this process. So whoever shares an
address with a guesser works on, and a guesser who hits on a right key learns nothing.
"""

import hashlib
from collections import OrderedDict

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from api.errors import ApiError

WRONG = parse("20/minute")
"""Wrong keys of one address: more than a program with a forgotten key shows while somebody looks for the right one."""

REMEMBERED = 10_000
"""Live keys that are remembered, by their hashes: more than an installation has."""


class KeyGuesses:
    """Counts wrong keys by address."""

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._live: OrderedDict[bytes, None] = OrderedDict()

    def check(self, address: str, text: str) -> None:
        """Raise where the address has shown too many wrong keys, and this one is not known as live."""
        if _hash(text) not in self._live and not self._limiter.test(WRONG, address):
            detail = "too many wrong keys came from this address; wait a minute"
            raise ApiError("rate-limited", detail, {"Retry-After": str(WRONG.get_expiry())})

    def right(self, text: str) -> None:
        """The key is live."""
        self._live[_hash(text)] = None
        while len(self._live) > REMEMBERED:
            self._live.popitem(last=False)

    def wrong(self, address: str, text: str) -> None:
        """It is not, or no more."""
        self._live.pop(_hash(text), None)
        self._limiter.hit(WRONG, address)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
