"""What of events nobody could read, collected until it is counted: amounts that are no numbers, a zone that is none."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.facts import customer_facts
from store.queries import unreadable_values
from store.queries.unreadable_values import UnreadableValue


class UnreadInEvents:
    """The values of one transaction that count as nothing."""

    def __init__(self) -> None:
        self._found: list[UnreadableValue] = []

    def look(self, customer_id: str, kind: str, name: str, properties: Mapping[str, Any]) -> None:
        """Look at a customer's event. `kind` is the type of the call; the properties of an identify are its traits."""
        for field, value in customer_facts.unreadable_amounts(properties).items():
            self._add(customer_id, f"event {name}", field, value)
        zone = customer_facts.unreadable_timezone(properties) if kind == "identify" else None
        if zone is not None:
            self._add(customer_id, "profile", "timezone", zone)

    def count(self, session: Session, now: datetime) -> None:
        """Count what was found, once."""
        unreadable_values.note(session, self._found, now)
        self._found = []

    def _add(self, customer_id: str, source: str, field: str, value: Any) -> None:
        self._found.append(UnreadableValue(customer_id=customer_id, source=source, field=field, value=value))
