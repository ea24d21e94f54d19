"""What is kept of somebody who was erased: digests of their ids, enough to know them again and not to read them."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from store import bulk
from store.tables.customers import Tombstone

USER, ANONYMOUS, EMAIL = "user", "anonymous", "email"
"""The kinds of ids: one of yours, an anonymous one, an address. They are hashed along, so they never change."""

Identifier = tuple[str, str]
"""A kind of id, and the id."""


def digest(kind: str, value: str) -> str:
    """What is kept of an id: SHA-256 of it and its kind, as hex. It never changes, or the erased could come back."""
    return hashlib.sha256(f"waypost:erased:{kind}:{value}".encode()).hexdigest()


def bury(session: Session, names: Iterable[Identifier], now: datetime) -> None:
    """Leave tombstones for the ids of somebody who is erased."""
    rows: list[bulk.ColumnValues] = [{"digest": digest(*name), "at": now} for name in names]
    if rows:
        bulk.add_missing(session, Tombstone, rows)


def lift(session: Session, names: Iterable[Identifier]) -> bool:
    """Take tombstones away, since somebody wants this customer back; whether there was one."""
    found = [session.get(Tombstone, digest(*name)) for name in names]
    for one in found:
        if one is not None:
            session.delete(one)
    session.flush()
    return any(found)


_ANY = select(Tombstone.digest).limit(1)


def buried(session: Session, names: Iterable[Identifier]) -> set[Identifier]:
    """Those of the ids whose owner was erased; asks one question where nobody ever was."""
    if session.exec(_ANY).first() is None:
        return set()
    digests = {digest(*name): name for name in names}
    query = select(Tombstone.digest).where(col(Tombstone.digest).in_(list(digests)))
    return {digests[one] for one in session.exec(query).all()}
