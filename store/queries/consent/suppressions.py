"""Suppressions: the addresses that are never written to."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlmodel import Session, select

from store import bulk
from store.queries.identity import tombstones
from store.queries.identity.tombstones import EMAIL
from store.tables.customers import Suppression


def add_missing(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Suppress addresses (`email`, `reason`, `source`, `created_at`); what suppresses one already stays."""
    if rows:
        bulk.add_missing(session, Suppression, rows)


_AMONG: Any = select(Suppression).where(bulk.among(Suppression.email, "emails"))


def among(session: Session, addresses: Collection[str]) -> Mapping[str, Suppression | None]:
    """Those of the addresses (in their normal form) that are suppressed; None where the owner, who was, is erased."""
    if not addresses:
        return {}
    buried = tombstones.buried(session, [(EMAIL, one) for one in addresses])
    rows = session.exec(_AMONG, params={"emails": list(addresses)}).all()
    return {**{value: None for _, value in buried}, **{one.email: one for one in rows}}
