"""Identities: the ids that customers have: one of yours, anonymous ones, and those of profiles that were merged."""

from collections.abc import Iterable, Mapping, Sequence

from sqlmodel import Session

from store import bulk, dialect
from store.queries.identity import tombstones
from store.queries.identity.tombstones import ANONYMOUS, USER, Identifier
from store.tables.customers import Alias

OWN_ID: Mapping[str, str] = {USER: "external_id", ANONYMOUS: "anonymous_id"}
"""The column of a customer that holds their own id of a kind."""


def alias(name: Identifier, customer_id: str) -> bulk.ColumnValues:
    """The columns of a further id of a customer."""
    kind, value = name
    return {"kind": kind, "value": value, "customer_id": customer_id}


def add_aliases(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Let further ids lead to their customers, whose rows are there."""
    bulk.add(session, Alias, rows)


def look_up(session: Session, names: Iterable[Identifier]) -> tuple[dict[Identifier, str], set[Identifier]]:
    """Whose these ids are, by id, and those whose owner was erased; what nobody has or had is left out.

    Nobody is locked by asking, and one statement asks for AT_ONCE of them: past the compiler, since every event does.
    """
    found: dict[Identifier, str] = {}
    erased: set[Identifier] = set()
    for part in bulk.parts(names):
        digests = {tombstones.digest(*name): name for name in part}
        statement, values = _question(part, list(digests), dialect.of(session).mark)
        rows = session.connection().exec_driver_sql(statement, tuple(values)).all()
        erased |= {digests[value] for source, _, value, _ in rows if source == "erased"}
        found |= {(kind, value): owner for source, kind, value, owner in rows if source == "former"}
        found |= {(kind, value): owner for source, kind, value, owner in rows if source == "present"}
    return found, erased


def _question(names: Sequence[Identifier], digests: Sequence[str], mark: str) -> tuple[str, list[str]]:
    """The statement that looks these ids up wherever they may stand, and its values."""
    asked = [f"SELECT 'erased', '', digest, '' FROM tombstone WHERE digest IN ({_marks(digests, mark)})"]
    asked_for = [*digests]
    for kind, column in OWN_ID.items():
        values = [value for this, value in names if this == kind]
        if values:
            marks = _marks(values, mark)
            asked.append(
                f"SELECT 'former', kind, value, customer_id FROM alias WHERE kind = '{kind}' AND value IN ({marks})"
            )
            asked.append(f"SELECT 'present', '{kind}', {column}, id FROM customer WHERE {column} IN ({marks})")
            asked_for += [*values, *values]
    return " UNION ALL ".join(asked), asked_for


def _marks(values: Sequence[str], mark: str) -> str:
    return ", ".join([mark] * len(values))
