"""Keys that this process knows, so that not every call reads its own again.

A key that is revoked (or made) by this process counts at once; one that another process revokes, after LIFE seconds at
most. One that expires does so on the instant.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.access.keys import api_keys
from store.queries.access import callers
from store.session import Database
from store.tables.access import ApiKey

LIFE = 5.0
"""Seconds for which a key is not read again."""

MOST = 10_000
"""Keys that are known at once; more than an installation has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _KnownKey:
    key: ApiKey
    read_at: float
    changes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _KnownOrigins:
    origins: frozenset[str]
    read_at: float
    changes: int


class KnownKeys:
    """The live keys of a database. `seconds` is a clock that never goes back."""

    def __init__(self, database: Database, seconds: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._seconds = seconds
        self._known: dict[bytes, _KnownKey] = {}
        self._origins: _KnownOrigins | None = None

    def find(self, text: str, now: datetime) -> ApiKey | None:
        """The live key with this text; None where it is unknown, revoked or expired."""
        name = hashlib.sha256(text.encode()).digest()
        known = self._known.get(name)
        if known is None or known.changes != callers.changes() or self._seconds() - known.read_at > LIFE:
            known = self._read(name, text, now)
        if known is None or (known.key.expires_at is not None and known.key.expires_at <= now):
            return None
        return known.key

    def origins(self, now: datetime) -> frozenset[str]:
        """The origins of pages that some live key names: all that is known before a page has shown its key."""
        known = self._origins
        if known is None or known.changes != callers.changes() or self._seconds() - known.read_at > LIFE:
            changes, read_at = callers.changes(), self._seconds()
            with self._database.reading() as session:
                found = callers.origins(session, now)
            known = self._origins = _KnownOrigins(origins=found, read_at=read_at, changes=changes)
        return known.origins

    def _read(self, name: bytes, text: str, now: datetime) -> _KnownKey | None:
        """Read a key; what changes meanwhile makes it out of date again."""
        changes, read_at = callers.changes(), self._seconds()
        with self._database.reading() as session:
            key = api_keys.find(session, text, now)
        if key is None:
            self._known.pop(name, None)
            return None
        if len(self._known) >= MOST:
            self._known.clear()
        known = self._known[name] = _KnownKey(key=key, read_at=read_at, changes=changes)
        return known
