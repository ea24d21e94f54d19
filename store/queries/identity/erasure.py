"""Rows that are somebody's, over all tables: found and taken away, a page at a time."""

from collections.abc import Sequence

from sqlmodel import Session, SQLModel, col, delete, select, update

from store.tables.access import Audit
from store.tables.customers import Alias
from store.tables.enrollments import Enrollment
from store.tables.messages import OutboxMail


def aliases(session: Session, customer_id: str) -> Sequence[Alias]:
    """The other ids that a customer has or had, in no order."""
    return session.exec(select(Alias).where(Alias.customer_id == customer_id)).all()


def enrollments(session: Session, customer_id: str, limit: int) -> Sequence[Enrollment]:
    """Some of a customer's enrollments, live and ended, `limit` at most; asked again until there are none."""
    return session.exec(select(Enrollment).where(Enrollment.customer_id == customer_id).limit(limit)).all()


def drop_caught(session: Session, message_ids: Sequence[str]) -> None:
    """Take away what the local outbox caught of these mails."""
    session.connection().execute(delete(OutboxMail).where(col(OutboxMail.send_id).in_(message_ids)))


def drop_rows(session: Session, table: type[SQLModel], customer_id: str, limit: int) -> int:
    """Take away a page of the rows of a table that are a customer's (its column `customer_id`); return how many.

    A table whose key has several columns holds few rows of one customer: these go all at once.
    """
    columns = SQLModel.metadata.tables[str(table.__tablename__)]
    keys = list(columns.primary_key.columns)
    here = columns.c.customer_id == customer_id
    connection = session.connection()
    if len(keys) > 1:
        return connection.execute(delete(columns).where(here)).rowcount
    page = select(keys[0]).where(here).limit(limit)
    return connection.execute(delete(columns).where(keys[0].in_(page))).rowcount


def forget_audits(session: Session, kind: str, targets: Sequence[str]) -> None:
    """Lose what was said and changed about these; that it happened stays on record."""
    here = update(Audit).where(col(Audit.kind) == kind, col(Audit.target).in_(targets))
    session.connection().execute(here.values(before=None, after=None))


def audits(session: Session, customer_id: str) -> Sequence[Audit]:
    """What was put on record about changes of a customer."""
    return session.exec(select(Audit).where(Audit.kind == "customer", Audit.target == customer_id)).all()
