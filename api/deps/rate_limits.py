"""How often a key may call: a sliding window for each key, counted by this process.

A key that stands in a page is everybody's who opens it, so each visitor has a rate of their own below the key's: one
who calls without end shuts out nobody else.

A window counts what came in it, and in the one before it as far as that reaches into the span that ends now. It is two
numbers for each key, and asks for neither a thread nor a timer.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItem, parse

from api.errors import ApiError

VISITOR = parse("600/minute")
"""Calls that one address may make with a key of a page: ten a second, which an office behind one address does not
reach, and a tenth of what a key may where nothing else is said."""

VISITORS = 10_000
"""Addresses of which calls are counted; of more, those that have not called for longest begin anew. Some 2 MB."""


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
        self._visitors = OrderedDict[str, _Window]()
        self._lock = threading.Lock()

    def hit(self, key_id: str, rate: str | None, visitor: str | None = None) -> None:
        """Count one call; raise where there were too many.

        `visitor` is the address of whoever calls, where the key is everybody's: what is refused to them does not count
        against the key.
        """
        limit = self._own.setdefault(rate, parse(rate)) if rate else self._default
        if visitor is not None:
            self._hit(self._visitor(f"{key_id} {_network(visitor)}"), VISITOR, "one address may call with this key")
        self._hit(self._windows.setdefault(key_id, _Window()), limit, "this key may call")

    def _visitor(self, name: str) -> _Window:
        with self._lock:
            window = self._visitors.setdefault(name, _Window())
            self._visitors.move_to_end(name)
            if len(self._visitors) > VISITORS:
                self._visitors.popitem(last=False)
            return window

    def _hit(self, window: _Window, limit: RateLimitItem, who: str) -> None:
        wait = self._count(window, limit.amount, limit.get_expiry())
        if wait is not None:
            headers = {
                "Retry-After": str(max(1, round(wait))),
                "X-RateLimit-Reset": str(int(self._clock() + wait)),
                "X-RateLimit-Limit": str(limit.amount),
            }
            told = f"{who} {limit.amount} times per {limit.get_expiry()} seconds"
            raise ApiError("rate-limited", told, headers)

    def _count(self, window: _Window, most: int, span: float) -> float | None:
        """Count one call and return None; or the seconds until there is room again, where there is none."""
        now = self._clock()
        with self._lock:
            window.move(int(now // span))
            left = span - now % span
            if int(window.before * left / span) + window.count < most:
                window.count += 1
                return None
        return left % (span / window.before) if window.before else left + span / window.count


def _network(address: str) -> str:
    """Whose address it is: of IPv6 a line has a network of 64 bits, within which it can take a new one at each call."""
    try:
        read = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((read, 64), strict=False)) if isinstance(read, IPv6Address) else address
