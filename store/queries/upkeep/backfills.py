"""Work that goes over all customers once, page by page: where it stands is kept, so that a crash only pauses it.

What is asked for while it is under way begins behind it (`BackfillsAsked`): it has passed some of those who need it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from store import bulk
from store.tables.customers import Backfill, Customer

AGAIN = "again: "
"""How the kind of a backfill begins that is to begin (anew) behind what began before it."""


class BackfillsAsked:
    """What a transaction asks for, written at its end: nobody who holds such a row waits for a customer."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, str], datetime] = {}

    def ask(self, kind: str, key: str, now: datetime) -> None:
        """Everybody is gone through for this, once, however many ask before that begins."""
        self._asked.setdefault((AGAIN + kind, key), now)

    def write(self, session: Session) -> None:
        """Write it, and begin anew."""
        rows = [
            {"kind": kind, "key": key, "cursor": "", "started_at": at}
            for (kind, key), at in sorted(self._asked.items())
        ]
        self._asked = {}
        if rows:
            bulk.add_missing(session, Backfill, rows)


def begin(session: Session, asked: Backfill, now: datetime) -> bool:
    """Begin what was asked for (AGAIN) at the first customer; whether it was such a one.

    Whoever does so locks no customer in the same transaction.
    """
    if not asked.kind.startswith(AGAIN):
        return False
    session.delete(asked)
    session.flush()
    start(session, asked.kind.removeprefix(AGAIN), asked.key, now)
    return True


def start(session: Session, kind: str, key: str, now: datetime) -> None:
    """Begin (anew) at the first customer."""
    session.merge(Backfill(kind=kind, key=key, cursor="", started_at=now))


def stop(session: Session, kind: str, key: str) -> None:
    """Give up what is being worked out, where it is, and what was to begin behind it."""
    for one in (kind, AGAIN + kind):
        found = session.get(Backfill, (one, key))
        if found is not None:
            session.delete(found)


def under_way(session: Session, kind: str, key: str) -> bool:
    """Whether this is still being worked out."""
    return session.get(Backfill, (kind, key)) is not None


def next_one(session: Session, first: str = "") -> Backfill | None:
    """The work that began first, of the kind `first` before all others; None where nothing is to be worked out."""
    order = (col(Backfill.kind) != first, col(Backfill.started_at))
    return session.exec(select(Backfill).order_by(*order).limit(1)).first()


def page(session: Session, one: Backfill, limit: int) -> Sequence[str]:
    """The ids of the next customers, in their order, `limit` at most; an empty page ends the work."""
    query = select(Customer.id).where(col(Customer.id) > one.cursor).order_by(col(Customer.id)).limit(limit)
    return session.exec(query).all()
