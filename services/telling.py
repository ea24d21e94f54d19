"""What support sees: where a customer is, what was decided and why, every message."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from services import reports
from services.errors import NotFound
from store import customers
from store.tables import Customer, Decision, Enrollment, Event, Message, Rejection, SegmentMember

MOST = 500


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


def timeline(session: Session, customer_id: str, limit: int = 100) -> list[dict[str, Any]]:
    """Events, decisions and mails, the newest first: what happened, when, and why."""
    events = session.exec(
        select(Event).where(Event.customer_id == customer_id).order_by(col(Event.at).desc()).limit(limit)
    ).all()
    decisions = session.exec(
        select(Decision)
        .where(Decision.customer_id == customer_id)
        .order_by(col(Decision.at).desc(), col(Decision.number).desc())
        .limit(limit)
    ).all()
    entries = [_event(one) for one in events] + [_decision(one) for one in decisions]
    entries.sort(key=lambda entry: (entry["at"], entry["order"]), reverse=True)
    return [{name: value for name, value in entry.items() if name != "order"} for entry in entries[:limit]]


def _event(event: Event) -> dict[str, Any]:
    return {
        "at": event.at,
        "order": (0, event.seq),
        "kind": "event",
        "what": event.name,
        "journey": None,
        "stage": None,
        "step": None,
        "detail": {"seq": event.seq, "properties": event.properties, "received_at": event.received_at.isoformat()},
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "at": decision.at,
        "order": (1 if decision.number is not None else 2, decision.number or 0),
        "kind": "decision",
        "what": decision.what,
        "journey": decision.journey or None,
        "stage": decision.stage,
        "step": decision.step,
        "detail": decision.detail,
    }


def messages(
    session: Session,
    *,
    customer_id: str | None = None,
    journey: str | None = None,
    step: str | None = None,
    status: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Sequence[Message]:
    """Mails by planning time, the newest first; `before` is the cursor of the last one seen."""
    query = select(Message)
    wanted = ((Message.customer_id, customer_id), (Message.journey, journey), (Message.step, step))
    for column, value in (*wanted, (Message.status, status)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        at, _, last = before.partition("~")
        instant = datetime.fromisoformat(at)
        query = query.where(
            (col(Message.planned_at) < instant) | ((col(Message.planned_at) == instant) & (col(Message.id) < last))
        )
    return session.exec(query.order_by(col(Message.planned_at).desc(), col(Message.id).desc()).limit(limit)).all()


def message_cursor(message: Message) -> str:
    return f"{message.planned_at.isoformat()}~{message.id}"


def message(session: Session, send_id: str) -> Message:
    found = session.get(Message, send_id)
    if found is None:
        raise NotFound(f"there is no message {send_id!r}")
    return found


def enrollment(session: Session, enrollment_id: str) -> Enrollment:
    found = session.get(Enrollment, enrollment_id)
    if found is None:
        raise NotFound(f"there is no enrollment {enrollment_id!r}")
    return found


def enrollments(
    session: Session,
    *,
    journey: str | None = None,
    stage: str | None = None,
    step: str | None = None,
    status: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Sequence[Enrollment]:
    """Enrollments by id, which sorts by the time they were made."""
    query = select(Enrollment)
    wanted = ((Enrollment.journey, journey), (Enrollment.stage, stage), (Enrollment.step, step))
    for column, value in (*wanted, (Enrollment.status, status)):
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        query = query.where(col(Enrollment.id) > after)
    return session.exec(query.order_by(col(Enrollment.id)).limit(limit)).all()


def customers_page(
    session: Session,
    *,
    query_text: str | None,
    stage: str | None,
    segment: str | None,
    after: str | None,
    limit: int,
) -> Sequence[Customer]:
    """Customers by id; `query_text` starts an address or the customer's own id, `stage` is that of their lifecycle."""
    query = select(Customer)
    if query_text:
        start = query_text.strip()
        query = query.where(
            col(Customer.email).startswith(start.lower(), autoescape=True)
            | col(Customer.external_id).startswith(start, autoescape=True)
        )
    if stage:
        there = select(Enrollment.customer_id).where(
            col(Enrollment.journey).in_(reports.lifecycle_journeys(session)),
            Enrollment.status == "live",
            Enrollment.stage == stage,
        )
        query = query.where(col(Customer.id).in_(there))
    if segment:
        members = select(SegmentMember.customer_id).where(SegmentMember.segment == segment)
        query = query.where(col(Customer.id).in_(members))
    if after is not None:
        query = query.where(col(Customer.id) > after)
    return session.exec(query.order_by(col(Customer.id)).limit(limit)).all()


def rejections(session: Session, before: str | None, limit: int) -> Sequence[Rejection]:
    """Events that were not accepted, the newest first."""
    query = select(Rejection).order_by(col(Rejection.id).desc()).limit(limit)
    return session.exec(query if before is None else query.where(col(Rejection.id) < before)).all()
