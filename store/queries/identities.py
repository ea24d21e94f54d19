"""Identities: the ids that customers have: one of yours, anonymous ones, and those of profiles that were merged."""

from collections.abc import Iterable, Mapping, Sequence

from sqlmodel import Session

from store import bulk
from store.queries.ownership import OWNER
from store.queries.tombstones import ANONYMOUS, USER, Identifier
from store.tables.customers import Alias, Customer

OWN_ID: Mapping[str, str] = {USER: "external_id", ANONYMOUS: "anonymous_id"}
"""The column of a customer that holds their own id of a kind."""


def alias(name: Identifier, customer_id: str) -> bulk.ColumnValues:
    """The columns of a further id of a customer."""
    kind, value = name
    return {"kind": kind, "value": value, "customer_id": customer_id}


def add_aliases(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Let further ids lead to their customers, whose rows are there."""
    bulk.add(session, Alias, rows)


def owners(session: Session, names: Iterable[Identifier]) -> dict[Identifier, str]:
    """Whose these ids are, by id; those that nobody has are left out. Nobody is locked by asking."""
    by_kind: dict[str, list[str]] = {USER: [], ANONYMOUS: []}
    for kind, value in names:
        by_kind[kind].append(value)
    found: dict[Identifier, str] = {}
    for kind, values in by_kind.items():
        former = bulk.matching(session, Alias, ("value", OWNER), "value", values, {"kind": kind})
        present = bulk.matching(session, Customer, (OWN_ID[kind], "id"), OWN_ID[kind], values)
        found |= {(kind, value): owner for value, owner in (*former, *present)}
    return found
