"""How many calls each receiver has under way: one that is slow has its own share of the lane, and no more.

The share is small until a receiver has answered quickly, and again as soon as one of its calls hangs, so that many slow
receivers do not take the lane together.

A receiver is a host with its port, or an address that is a secret. Notes by mail all go to the provider, which is one
receiver too.
"""

from collections import Counter
from collections.abc import Sequence
from threading import Lock
from urllib.parse import urlsplit

from journeys.language.secrets import NamedSecret
from services.enrollments.hooks import DueHook
from store.queries.sending.hooks import HookSource

AT_ONCE = 16
"""Calls under way to one receiver that answers quickly: an eighth of the lane's."""

AT_FIRST = 4
"""Calls under way to one that has not answered yet, or whose last call hung: a hundred such receivers fit in the lane
(`lane.HANGING`), and one that hangs is called twice a minute and place all the same."""

PROVIDER = "mail"
"""The receiver of every note by mail; no host is called that."""


def receiver_of(due: DueHook) -> str:
    """Who is called."""
    match due.step.url:
        case None:
            return PROVIDER
        case NamedSecret(secret=name):
            return f"secret {name}"
        case url:
            return urlsplit(url).netloc.rpartition("@")[2].lower()


class Receivers:
    """Counts the calls under way. The claiming thread asks, and the loop counts."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls = Counter[str]()
        self._sources: dict[HookSource, str] = {}
        self._quick = set[str]()

    def admitted(self, due: Sequence[DueHook]) -> list[DueHook]:
        """Those of `due`, in their order, for which their receivers have room; nothing is counted yet.

        Asked again of the same, it answers the same: a transaction may be repeated.
        """
        with self._lock:
            calls, found = Counter(self._calls), list[DueHook]()
            for one in due:
                receiver = receiver_of(one)
                if calls[receiver] < self._share(receiver):
                    calls[receiver] += 1
                    found.append(one)
                elif self._calls[receiver]:
                    self._sources[one.source] = receiver
            return found

    def begun(self, due: DueHook) -> None:
        """A call is under way."""
        with self._lock:
            self._calls[receiver_of(due)] += 1
            self._sources[due.source] = receiver_of(due)

    def hangs(self, due: DueHook) -> None:
        """A call takes its time."""
        with self._lock:
            self._quick.discard(receiver_of(due))

    def ended(self, due: DueHook, *, quickly: bool) -> None:
        """A call is over."""
        receiver = receiver_of(due)
        with self._lock:
            if quickly:
                self._quick.add(receiver)
            self._calls[receiver] -= 1
            if not self._calls[receiver]:
                del self._calls[receiver]
                self._sources = {source: one for source, one in self._sources.items() if one != receiver}

    def crowded(self) -> frozenset[HookSource]:
        """The sources whose receivers have no room: none of these is claimed meanwhile."""
        with self._lock:
            return frozenset(
                source for source, receiver in self._sources.items() if self._calls[receiver] >= self._share(receiver)
            )

    def _share(self, receiver: str) -> int:
        return AT_ONCE if receiver in self._quick else AT_FIRST
