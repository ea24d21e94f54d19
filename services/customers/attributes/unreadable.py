"""What nobody could read, collected until it is counted: amounts, what profiles say, what guards asked for."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.facts import customer_facts
from journeys.facts.guards import GuardResult
from readers import locales
from services.customers.attributes import email_addresses
from store.queries.history import unreadable_values
from store.queries.history.unreadable_values import UnreadableValue
from value import orders

GUARD = "(guard)"
"""Stands for the field where a guard was not asked at all: no value has such a name."""

LATER = "(guard, later)"
"""Stands for it where a segment's guard was put off, since others had used up what one event's guards may take."""


def note_asked(session: Session, asked: Iterable[tuple[str, str, GuardResult]], now: datetime) -> None:
    """Count what guards could not read: each with the customer's id, and what asked ("journey KEY", "segment KEY").

    A guard that was not asked, since it would have taken too long, counts as one value: GUARD, with why.
    """
    unreadable_values.note(
        session,
        [
            UnreadableValue(customer_id=customer_id, source=source, field=name, value=value)
            for customer_id, source, one in asked
            for name, value in (one.unread if one.asked else {GUARD: one.error}).items()
        ],
        now,
    )


def note_put_off(session: Session, put_off: Iterable[tuple[str, str, GuardResult]], now: datetime) -> None:
    """Count guards that are asked later, when everybody is gone through: each as `note_asked` takes it."""
    found = [
        UnreadableValue(customer_id=customer_id, source=source, field=LATER, value=one.error)
        for customer_id, source, one in put_off
    ]
    unreadable_values.note(session, found, now)


_READ_BY_US: Mapping[str, Callable[[Any], object]] = {
    "email": email_addresses.is_address,
    "locale": locales.tag,
    "language": locales.tag,
}
"""Traits that say where, and in which language, mail reaches somebody, with what tells whether they do."""


def unreadable_traits(traits: Mapping[str, Any]) -> Mapping[str, Any]:
    """What traits give as an address, a zone or a language, and is none, by name: mail goes as if it were not there."""
    zone = customer_facts.unreadable_timezone(traits)
    found = {} if zone is None else {"timezone": zone}
    for name, is_one in _READ_BY_US.items():
        value = traits.get(name)
        if not customer_facts.is_blank(value) and not is_one(value):
            found[name] = value
    return found


def unread_in(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of traits, or of an event's properties, would be counted as not understood, by name."""
    return {**customer_facts.unreadable_amounts(properties), **unreadable_traits(properties)}


class UnreadInEvents:
    """The values of one transaction that count as nothing."""

    def __init__(self) -> None:
        self._found: list[UnreadableValue] = []

    def look(self, customer_id: str, kind: str, name: str, properties: Mapping[str, Any]) -> None:
        """Look at a customer's event. `kind` is the type of the call; the properties of an identify are its traits."""
        for field, value in customer_facts.unreadable_amounts(properties).items():
            self._add(customer_id, f"event {name}", field, value)
        if name in orders.ORDER_EVENTS:
            for field, value in orders.unreadable(name, properties):
                self._add(customer_id, f"event {name}", field, value)
        if kind == "identify":
            for field, value in unreadable_traits(properties).items():
                self._add(customer_id, "profile", field, value)

    def count(self, session: Session, now: datetime) -> None:
        """Count what was found, once."""
        unreadable_values.note(session, self._found, now)
        self._found = []

    def _add(self, customer_id: str, source: str, field: str, value: Any) -> None:
        self._found.append(UnreadableValue(customer_id=customer_id, source=source, field=field, value=value))
