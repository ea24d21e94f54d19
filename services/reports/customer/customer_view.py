"""What support sees: where a customer is, what was decided and why, every message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from services.customers.history.event_log import STALE
from services.errors import NotFound
from services.reports.customer import experienced_versions
from store import addresses
from store.queries.definitions import journeys
from store.queries.enrollment import enrollments
from store.queries.identity import customers
from store.queries.listing import timeline as timeline_rows
from store.tables.customers import Customer, Event
from store.tables.enrollments import Decision, Enrollment
from store.tables.messages import Message, MessageBody

MOST_PROFILES = 20
"""Customers with one address that are told at once: what a person reads. The list of customers finds the others."""


def customer(session: Session, name: str) -> Customer:
    """Whoever is meant by your id, an address or an internal id; raise NotFound."""
    found = customers.find(session, name)
    if found is None:
        raise NotFound(f"there is no customer {name!r}")
    return found


def profiles(session: Session, name: str) -> Sequence[Customer]:
    """Everybody who is meant by a name: of an address each who has it, the oldest first; raise NotFound.

    MOST_PROFILES of them; of your id, or an internal id, the one whose it is.
    """
    found = customer(session, name)
    if found.email is None or found.email != addresses.normal(name):
        return [found]
    return customers.of_address(session, found.email, MOST_PROFILES)


def owner(session: Session, profiles: Sequence[Customer], send_id: str) -> Customer:
    """Whose of these customers a mail is; the first where it is nobody's of them."""
    mail = session.get(Message, send_id)
    return next((one for one in profiles if mail is not None and one.id == mail.customer_id), profiles[0])


def owner_of(session: Session, id: str) -> Customer | None:
    """Whose a mail or an enrollment is, by its id, or a customer by an id of theirs; None where nobody has it."""
    found: Message | Enrollment | None = session.get(Message, id) or session.get(Enrollment, id)
    if found is not None:
        return session.get(Customer, found.customer_id)
    named = customers.find(session, id)
    return named if named is not None and addresses.normal(id) != named.email else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerStanding:
    """Where a customer is: every profile that is meant, the first of them, their stages, their runs."""

    profiles: Sequence[Customer]
    customer: Customer
    stages: Mapping[str, str]
    enrollments: Sequence[Enrollment]


def standing(session: Session, name: str) -> CustomerStanding:
    """Where whoever is meant by a name stands; raise NotFound."""
    meant, those = customer(session, name), profiles(session, name)
    stages = enrollments.newest_stages(session, [one.id for one in those], journeys.lifecycle_keys(session))
    runs = enrollments.of_customer(session, meant.id)
    return CustomerStanding(profiles=those, customer=meant, stages=stages, enrollments=runs)


def timeline(
    session: Session, customer_id: str, cursor: str | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], str | None]:
    """Events and decisions, the newest first: what happened, when, and why; and the cursor behind them.

    `limit` of both together. Raise BadCursor where the cursor is not of a timeline.
    """
    rows, behind = timeline_rows.page(session, customer_id, cursor, limit)
    made = experienced_versions.of(session, [one for one in rows if isinstance(one, Decision)])
    return [_event(one) if isinstance(one, Event) else shown(one, made.get(one.id)) for one in rows], behind


def _event(event: Event) -> dict[str, Any]:
    """An event as an entry of the timeline, marked where its sender's clock was off or it was too old to fire."""
    said = {"said_at": event.said_at.isoformat()} if event.said_at else {}
    late = {"late": True} if event.at <= event.received_at - STALE else {}
    return {
        "at": event.at,
        "kind": "event",
        "what": event.name,
        "journey": None,
        "version": None,
        "stage": None,
        "step": None,
        "detail": {"seq": event.seq, "properties": event.properties, "received_at": event.received_at.isoformat()}
        | said
        | late,
    }


def shown(decision: Decision, version: int | None) -> dict[str, Any]:
    """A decision as an entry of the timeline, with the version of its journey that made it."""
    return {
        "at": decision.at,
        "kind": "decision",
        "what": decision.what,
        "journey": decision.journey or None,
        "version": version,
        "stage": decision.stage,
        "step": decision.step,
        "detail": decision.detail,
    }


def message(session: Session, send_id: str) -> tuple[Message, MessageBody]:
    """A mail and what it said; raise NotFound.

    The body is empty where it was not rendered yet, or its time has passed.
    """
    found = session.get(Message, send_id)
    if found is None:
        raise NotFound(f"there is no message {send_id!r}")
    body = session.get(MessageBody, send_id)
    return found, body or MessageBody(message_id=send_id, customer_id=found.customer_id, frozen_at=found.updated_at)


def enrollment(session: Session, enrollment_id: str) -> Enrollment:
    """A run by its id; raise NotFound."""
    found = session.get(Enrollment, enrollment_id)
    if found is None:
        raise NotFound(f"there is no enrollment {enrollment_id!r}")
    return found
