"""Interests: the event names that live enrollments wait for, so that an event which nobody waits for costs nothing."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlmodel import Session, col, delete

from store import bulk
from store.tables.enrollments import Interest


def row(enrollment_id: str, customer_id: str, name: str) -> bulk.ColumnValues:
    """The columns of an interest."""
    return {"enrollment_id": enrollment_id, "name": name, "customer_id": customer_id}


def of_customers(session: Session, customer_ids: Collection[str]) -> Mapping[str, Collection[str]]:
    """The names that any enrollment of these customers waits for, by customer."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for customer_id, name in bulk.matching(session, Interest, ("customer_id", "name"), "customer_id", customer_ids):
        found[customer_id].add(name)
    return found


def add(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """From now on enrollments wait for these names too, for none of which they waited before."""
    bulk.add(session, Interest, rows)


def register(
    session: Session, enrollment_id: str, customer_id: str, known: Collection[str], wanted: Collection[str]
) -> None:
    """From now on an enrollment, which waited for the `known` names, waits for those that are wanted."""
    gone, new = {*known} - {*wanted}, {*wanted} - {*known}
    if gone:
        here = (col(Interest.enrollment_id) == enrollment_id, col(Interest.name).in_(gone))
        session.connection().execute(delete(Interest).where(*here))
    if new:
        bulk.add_missing(session, Interest, [row(enrollment_id, customer_id, name) for name in sorted(new)])


def drop(session: Session, enrollment_id: str) -> None:
    """An enrollment waits for nothing more."""
    session.connection().execute(delete(Interest).where(col(Interest.enrollment_id) == enrollment_id))


def drop_all(session: Session, enrollment_ids: Collection[str]) -> None:
    """These enrollments wait for nothing more."""
    for part in bulk.parts(sorted(enrollment_ids)):
        session.connection().execute(delete(Interest).where(col(Interest.enrollment_id).in_(part)))
