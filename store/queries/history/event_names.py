"""The names that events have had, kept so that a misspelt one is found; a process asks the database once for each."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import event as hooks
from sqlmodel import Session, select

from store import bulk
from store.tables.customers import SeenEventName

MOST = 10_000
"""Names from which on no more are kept: somebody makes names up, with an id in each perhaps. A real catalogue has some
hundred."""

_seen: dict[str, set[str]] = {}


def seen(session: Session) -> frozenset[str]:
    """Every name that an event has had here."""
    return frozenset(session.exec(select(SeenEventName.name)).all())


def remember(session: Session, names: Iterable[str], now: datetime) -> None:
    """Keep the names that are new; they count as known here once the transaction has been committed."""
    known = _seen.setdefault(str(session.get_bind().engine.url), set())
    fresh = [name for name in dict.fromkeys(names) if name not in known]
    if not fresh or len(known) > MOST:
        return
    rows = [{"name": name, "first_seen_at": now} for name in fresh]
    bulk.add_missing(session, SeenEventName, rows)
    hooks.listen(session, "after_commit", lambda _: known.update(fresh), once=True)
