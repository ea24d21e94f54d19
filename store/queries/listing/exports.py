"""Rows in the order in which they were kept or last changed: what a warehouse reads on from where it has read to.

Triggers of the migrations give each event, decision and mail a position when it comes and whenever it changes, above
all positions of transactions that ended before. On PostgreSQL that is the number of the transaction (64 bits), and
several transactions are under way at once: a smaller number may become visible later. So nobody reads at or past
`settled`, the smallest number that is still under way (`pg_snapshot_xmin`). SQLite has one writer, who counts.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, literal_column, tuple_, update
from sqlmodel import Session, SQLModel, col, select

from store import bulk, dialect
from store.tables.customers import Customer
from store.tables.exports import ExportCounter, ExportMark

AFTER_RESTORE = 2**44
"""By how much positions jump where a copy was put in this database's place: above all that the lost time has given out.
That is ten thousand transactions a second for fifty years, and half a million restores in 63 bits."""


class ExportPlace(NamedTuple):
    """Behind which row somebody has read to."""

    position: int = 0
    id: str = ""


def settled(session: Session) -> int:
    """The first position that may still be given to a row which nobody sees yet; what lies below it stays as it is."""
    return session.exec(
        select(literal_column(dialect.of(session).settled, BigInteger())).select_from(ExportCounter)
    ).one()


def page(
    session: Session,
    table: type[SQLModel],
    columns: Sequence[str],
    after: ExportPlace,
    before: int,
    limit: int,
    since: tuple[str, datetime] | None = None,
    up_to: ExportPlace | None = None,
) -> Sequence[Mapping[str, Any]]:
    """The next rows behind a place and before a position, in their order, with `export_position` beside the columns.

    `since` is a column and the instant from which on it is wanted; `up_to` the last place that is looked at.
    """
    rows = SQLModel.metadata.tables[str(table.__tablename__)].c
    place = tuple_(rows.export_position, rows.id)
    query: Any = select(rows.export_position, *(rows[name] for name in columns))
    query = query.where(place > tuple_(*after), rows.export_position < before)
    if up_to is not None:
        query = query.where(place <= tuple_(*up_to))
    if since is not None:
        query = query.where(rows[since[0]] >= since[1])
    query = query.order_by(rows.export_position, rows.id).limit(limit)
    return [{**row} for row in session.connection().execute(query).mappings()]


def place_ahead(
    session: Session, table: type[SQLModel], after: ExportPlace, before: int, count: int
) -> ExportPlace | None:
    """The place of the row that is so many behind another; None where there are fewer. Reads the index alone."""
    rows = SQLModel.metadata.tables[str(table.__tablename__)].c
    place = tuple_(rows.export_position, rows.id)
    query: Any = select(rows.export_position, rows.id).where(place > tuple_(*after), rows.export_position < before)
    query = query.order_by(rows.export_position, rows.id).offset(count - 1).limit(1)
    found = session.connection().execute(query).first()
    return ExportPlace(*found) if found is not None else None


def external_ids(session: Session, customer_ids: Collection[str]) -> Mapping[str, str | None]:
    """What these customers are called outside, by their ids; without those who are gone."""
    return dict(bulk.matching(session, Customer, ("id", "external_id"), "id", customer_ids))


def jump(session: Session) -> None:
    """From now on positions lie above all that were ever given out, in the time too that this copy does not know."""
    session.connection().execute(update(ExportCounter).values(base=col(ExportCounter.base) + AFTER_RESTORE))


def mark(session: Session, now: datetime, at_most_every: timedelta) -> None:
    """Keep which positions have been given out by now, unless that was kept not so long ago."""
    last = session.exec(select(ExportMark.at).order_by(col(ExportMark.at).desc()).limit(1)).first()
    if last is None or last <= now - at_most_every:
        session.add(ExportMark(at=now, position=settled(session)))


def marked(session: Session, by: datetime) -> int:
    """A position below which nothing was written since an instant; 0 where none is known."""
    newest = select(ExportMark.position).where(col(ExportMark.at) <= by).order_by(col(ExportMark.at).desc()).limit(1)
    return session.exec(newest).first() or 0
