"""Suppressions: the addresses that are never written to."""

from collections.abc import Collection

from sqlmodel import Session, col, select

from store.queries import tombstones
from store.queries.tombstones import EMAIL
from store.tables.customers import Suppression


def among(session: Session, addresses: Collection[str]) -> set[str]:
    """Those of the addresses (in small letters) that are suppressed, those of erased customers who were among them."""
    if not addresses:
        return set()
    query = select(Suppression.email).where(col(Suppression.email).in_(addresses))
    buried = tombstones.buried(session, [(EMAIL, one) for one in addresses])
    return {*session.exec(query).all(), *(value for _, value in buried)}
