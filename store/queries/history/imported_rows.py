"""Rows of an imported past, written table by table."""

from collections.abc import Mapping, Sequence

from sqlmodel import Session

from store import bulk


def add(session: Session, rows: Mapping[type, Sequence[bulk.ColumnValues]]) -> None:
    """Insert the rows of each table, in the order of the tables: each after those that its rows refer to."""
    for table, values in rows.items():
        bulk.add(session, table, values)
