"""The timeline of a customer: their events and the decisions about them as one list, the newest first, page by page.

At one instant the decisions that carry no number come first, then those about numbered commands, the last command
first, then the events, the last one first.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, true
from sqlmodel import Session, col, func, select

from store import keyset
from store.queries.enrollment.decisions import NEWEST_FIRST
from store.tables.customers import Event
from store.tables.enrollments import Decision

Place = tuple[datetime, int, int, str]
"""Where an entry stands: its instant, its rank among those of one instant, its number there, and its id."""

EVENT, NUMBERED, UNNUMBERED = range(3)
"""The ranks; the highest comes first."""

ORDER = ("at", "kind", "place", "id")
"""The names of what a cursor holds."""


def page(
    session: Session, customer_id: str, cursor: str | None, limit: int
) -> tuple[Sequence[Event | Decision], str | None]:
    """At most `limit` entries behind the cursor, and the cursor behind them where more follow: two statements.

    Raise `keyset.BadCursor` for a cursor that was given for another list.
    """
    behind = keyset.read(cursor, ORDER, (datetime, int, int, str), True) if cursor else None
    found = [*_events(session, customer_id, behind, limit + 1), *_decisions(session, customer_id, behind, limit + 1)]
    found.sort(key=_place, reverse=True)
    rows = found[:limit]
    return rows, keyset.write(_place(rows[-1]), ORDER, True) if len(found) > limit else None


def _place(one: Event | Decision) -> Place:
    if isinstance(one, Event):
        return one.at, EVENT, one.seq, ""
    return one.at, UNNUMBERED if one.number is None else NUMBERED, one.number or 0, one.id


def _events(session: Session, customer_id: str, behind: Sequence[Any] | None, limit: int) -> Sequence[Event]:
    query = select(Event).where(Event.customer_id == customer_id)
    if behind is not None:
        at, rank, seq, _ = behind
        same = col(Event.seq) < seq if rank == EVENT else true()
        query = query.where((col(Event.at) < at) | ((col(Event.at) == at) & same))
    return session.exec(query.order_by(col(Event.at).desc(), col(Event.seq).desc()).limit(limit)).all()


def _decisions(session: Session, customer_id: str, behind: Sequence[Any] | None, limit: int) -> Sequence[Decision]:
    ranked: Any = case((col(Decision.number).is_(None), UNNUMBERED), else_=NUMBERED)
    numbered: Any = func.coalesce(Decision.number, 0)
    query = select(Decision).where(Decision.customer_id == customer_id)
    if behind is not None:
        at, rank, number, last = behind
        later = (numbered < number) | ((numbered == number) & (col(Decision.id) < last))
        same = (ranked < rank) | ((ranked == rank) & later)
        query = query.where((col(Decision.at) < at) | ((col(Decision.at) == at) & same))
    return session.exec(query.order_by(*NEWEST_FIRST).limit(limit)).all()
