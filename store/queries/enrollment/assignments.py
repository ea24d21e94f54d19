"""The variants of splits that customers have, and the splits that are decided."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, literal, union_all
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, delete, select, update

from store import bulk
from store.tables.splits import Assignment, Experiment

Variants = Mapping[str, str]
"""A variant by the id of its split."""


def known(session: Session, customer_id: str, journey: str) -> tuple[Variants, Variants]:
    """What a customer has of a journey's splits, and the winners of those that are decided."""
    given: Any = select(literal("given"), Assignment.split, Assignment.variant)
    given = given.where(Assignment.customer_id == customer_id, Assignment.journey == journey)
    won: Any = select(literal("won"), Experiment.split, Experiment.winner)
    won = won.where(Experiment.journey == journey, col(Experiment.winner).is_not(None))
    found: Mapping[str, dict[str, str]] = {"given": {}, "won": {}}
    rows: Any = session.connection().execute(union_all(given, won))
    for which, split, variant in rows:
        found[which][split] = variant
    return found["given"], found["won"]


def of_customers(session: Session, customer_ids: Collection[str]) -> Mapping[tuple[str, str], Variants]:
    """What these customers have, by customer and journey; who has nothing is not in it."""
    found: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for part in bulk.parts(sorted(customer_ids)):
        query = select(Assignment.customer_id, Assignment.journey, Assignment.split, Assignment.variant)
        for customer, journey, split, variant in session.exec(query.where(col(Assignment.customer_id).in_(part))):
            found[customer, journey][split] = variant
    return found


def winners(session: Session) -> Mapping[str, Variants]:
    """The winners of decided splits, by journey."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    query = select(Experiment.journey, Experiment.split, Experiment.winner).where(col(Experiment.winner).is_not(None))
    for journey, split, winner in session.exec(query).all():
        found[journey][split] = winner or ""
    return found


def counted_of(session: Session, customer_id: str, journey: str) -> Sequence[Assignment]:
    """The variants of a customer that the experiments of a journey count."""
    mine = (Assignment.customer_id == customer_id, Assignment.journey == journey, col(Assignment.counted))
    return session.exec(select(Assignment).where(*mine)).all()


def converted_of(session: Session, customer_ids: Collection[str]) -> Iterator[Assignment]:
    """The variants of these customers with which they reached the goal."""
    for part in bulk.parts(sorted(customer_ids)):
        mine = (col(Assignment.customer_id).in_(part), col(Assignment.converted_at).is_not(None))
        yield from session.exec(select(Assignment).where(*mine)).all()


def of_customer(session: Session, customer_id: str, limit: int) -> Sequence[Assignment]:
    """Some of what a customer has, `limit` at most; asked again until there is nothing."""
    return session.exec(select(Assignment).where(Assignment.customer_id == customer_id).limit(limit)).all()


def row(
    customer_id: str, journey: str, split: str, variant: str, at: datetime, *, counted: bool = True
) -> bulk.ColumnValues:
    """The columns of an assignment made at `at` (UTC)."""
    return {
        "customer_id": customer_id,
        "journey": journey,
        "split": split,
        "variant": variant,
        "at": at,
        "counted": counted,
        "converted_at": None,
        "revenue": {},
    }


def add(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Remember these; none of their customers has the split yet."""
    bulk.add(session, Assignment, rows)


def dropped_by(session: Session, source: str, target: str) -> Sequence[Assignment]:
    """What `reassign` lets go of: the splits that both customers have."""
    return session.exec(select(Assignment).where(*_of_both(source, target))).all()


def reassign(session: Session, source: str, target: str) -> None:
    """What one customer has is another's, but where that one has the split already."""
    connection = session.connection()
    connection.execute(delete(Assignment).where(*_of_both(source, target)))
    connection.execute(update(Assignment).where(col(Assignment.customer_id) == source).values(customer_id=target))


def _of_both(source: str, target: str) -> tuple[Any, ...]:
    theirs = aliased(Assignment)
    alike = (col(theirs.journey) == Assignment.journey, col(theirs.split) == Assignment.split)
    return col(Assignment.customer_id) == source, exists().where(col(theirs.customer_id) == target, *alike)
