"""Who a message is about: find or make the customer, and take traits in as attributes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlmodel import Session

from journeys import calendar, facts
from services.tracking import Rejected, Tracked
from store import customers
from store.tables import Customer
from store.types import new_id

MOST_ATTRIBUTES = 500


def resolve(session: Session, message: Tracked, now: datetime) -> Customer:
    """The customer of a message, locked. An anonymous profile whose person becomes known keeps its history."""
    found = None
    if message.user_id is not None:
        found = customers.by_external_id(session, message.user_id)
    anonymous = customers.by_anonymous_id(session, message.anonymous_id) if message.anonymous_id else None
    if found is None and anonymous is not None and anonymous.external_id in (None, message.user_id):
        anonymous.external_id = anonymous.external_id or message.user_id
        found = anonymous
    if found is None:
        return create(session, message.user_id, None if anonymous else message.anonymous_id, now)
    return customers.lock(session, found.id) or found


def create(session: Session, external_id: str | None, anonymous_id: str | None, now: datetime) -> Customer:
    """A new customer of whom nothing is known yet."""
    customer = Customer(
        id=new_id("cus"), external_id=external_id, anonymous_id=anonymous_id, created_at=now, updated_at=now
    )
    session.add(customer)
    session.flush()
    return customer


def take_traits(customer: Customer, traits: Mapping[str, Any], now: datetime) -> bool:
    """Merge traits into the attributes; null removes one. Reserved traits are known in camelCase and snake_case."""
    if not traits:
        return False
    attributes = facts.merged(customer.attributes, traits)
    if len(attributes) > MOST_ATTRIBUTES:
        raise Rejected("traits", f"the customer would have {len(attributes)} attributes; at most {MOST_ATTRIBUTES}")
    customer.email = address(attributes.get("email"))
    zone = attributes.get("timezone")
    customer.timezone = zone if isinstance(zone, str) and calendar.is_zone(zone) else None
    changed = attributes != customer.attributes
    if changed:
        customer.attributes = attributes
        customer.updated_at = now
    return changed


def address(value: Any) -> str | None:
    """A trait as the address that mail goes to, or None; whether it can be written to is judged later."""
    return value.strip().lower()[:320] or None if isinstance(value, str) else None


def writable(email: str) -> bool:
    """Whether mail can be addressed to this (syntax only; Unicode local parts and IDN are fine)."""
    try:
        validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True
