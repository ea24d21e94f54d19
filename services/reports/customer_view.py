"""What support sees: where a customer is, what was decided and why, every message."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, true
from sqlmodel import Session, col, func, select

from services.errors import InvalidInput, NotFound
from store import keyset
from store.queries import customers
from store.tables.customers import Customer, Event
from store.tables.enrollments import Decision, Enrollment
from store.tables.messages import Message, MessageBody


def customer(session: Session, name: str) -> Customer:
    found = customers.find(session, name)
    if found is None:
        raise NotFound(f"there is no customer {name!r}")
    return found


def enrollments_of(session: Session, customer_id: str) -> Sequence[Enrollment]:
    query = select(Enrollment).where(Enrollment.customer_id == customer_id)
    return session.exec(query.order_by(col(Enrollment.status).desc(), col(Enrollment.id).desc())).all()


def lifecycle_stage(session: Session, customer_id: str, lifecycle_journeys: Sequence[str]) -> str | None:
    """The stage of the customer's lifecycle: that of the newest run of a lifecycle journey."""
    query = select(Enrollment.stage).where(
        Enrollment.customer_id == customer_id, col(Enrollment.journey).in_(lifecycle_journeys)
    )
    return session.exec(query.order_by(col(Enrollment.id).desc()).limit(1)).first()


def timeline(
    session: Session, customer_id: str, cursor: str | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], str | None]:
    """Events and decisions, the newest first: what happened, when, and why; and the cursor behind them."""
    rank = case((col(Decision.number).is_(None), 2), else_=1)
    number = func.coalesce(Decision.number, 0)
    events = select(Event).where(Event.customer_id == customer_id)
    decisions = select(Decision).where(Decision.customer_id == customer_id)
    if cursor:
        at, kind, place, last = _read(cursor)
        behind = col(Event.seq) < place if kind == 0 else true()
        events = events.where((col(Event.at) < at) | ((col(Event.at) == at) & behind))
        same = (rank < kind) | ((rank == kind) & ((number < place) | ((number == place) & (col(Decision.id) < last))))
        decisions = decisions.where((col(Decision.at) < at) | ((col(Decision.at) == at) & same))
    happened = session.exec(events.order_by(col(Event.at).desc(), col(Event.seq).desc()).limit(limit + 1)).all()
    order = (col(Decision.at).desc(), rank.desc(), number.desc(), col(Decision.id).desc())
    decided = session.exec(decisions.order_by(*order).limit(limit + 1)).all()
    entries = [(_event(one), _place(one)) for one in happened] + [(shown(one), _place(one)) for one in decided]
    entries.sort(key=lambda entry: entry[1], reverse=True)
    page = entries[:limit]
    more = len(entries) > limit
    return [entry for entry, _ in page], keyset.write(page[-1][1], ORDER, True) if more else None


ORDER = ("at", "kind", "place", "id")


def _place(one: Event | Decision) -> tuple[datetime, int, int, str]:
    if isinstance(one, Event):
        return one.at, 0, one.seq, ""
    return one.at, 1 if one.number is not None else 2, one.number or 0, one.id


def _read(cursor: str) -> list[Any]:
    try:
        return keyset.read(cursor, ORDER, (datetime, int, int, str), True)
    except keyset.BadCursor as bad:
        raise InvalidInput(str(bad), "cursor") from None


def _event(event: Event) -> dict[str, Any]:
    return {
        "at": event.at,
        "kind": "event",
        "what": event.name,
        "journey": None,
        "stage": None,
        "step": None,
        "detail": {"seq": event.seq, "properties": event.properties, "received_at": event.received_at.isoformat()},
    }


def shown(decision: Decision) -> dict[str, Any]:
    """A decision as an entry of the timeline."""
    return {
        "at": decision.at,
        "kind": "decision",
        "what": decision.what,
        "journey": decision.journey or None,
        "stage": decision.stage,
        "step": decision.step,
        "detail": decision.detail,
    }


def message(session: Session, send_id: str) -> tuple[Message, MessageBody]:
    """A mail and what it said; an empty body where it was not rendered yet, or its time has passed."""
    found = session.get(Message, send_id)
    if found is None:
        raise NotFound(f"there is no message {send_id!r}")
    body = session.get(MessageBody, send_id)
    return found, body or MessageBody(message_id=send_id, customer_id=found.customer_id, frozen_at=found.updated_at)


def enrollment(session: Session, enrollment_id: str) -> Enrollment:
    found = session.get(Enrollment, enrollment_id)
    if found is None:
        raise NotFound(f"there is no enrollment {enrollment_id!r}")
    return found
