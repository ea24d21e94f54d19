"""Which customers are one person by their address, where the installation says that they are.

An identify that says an address joins all who have it: the oldest known customer stays, else the oldest; of two who
came at one instant the one who had the address first. What is no address joins nobody, and neither does a customer who
has moved on to another.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from services.customers.attributes import email_addresses
from services.ingestion.segment_api import IncomingEvent
from store.tables.customers import Customer


class Inboxes:
    """The customers of one transaction, by the addresses that they have."""

    def __init__(self) -> None:
        self._profiles: defaultdict[str, dict[str, Customer]] = defaultdict(dict)

    def add(self, customer: Customer) -> None:
        """A customer has their address."""
        if customer.email is not None:
            self._profiles[customer.email][customer.id] = customer

    def forget(self, customer: Customer) -> None:
        """A customer is gone."""
        for those in self._profiles.values():
            those.pop(customer.id, None)

    def profiles(self, event: IncomingEvent) -> Sequence[Customer]:
        """Who has the address that an event says: the one who stays first."""
        email = _address_in(event)
        there = self._profiles.get(email, {}) if email is not None else {}
        return sorted((one for one in there.values() if one.email == email), key=_rank)


def said_by(events: Iterable[IncomingEvent]) -> set[str]:
    """The addresses that these events say, in their normal form."""
    return {email for event in events if (email := _address_in(event)) is not None}


def into_the_first(profiles: Sequence[Customer], customer: Customer) -> Sequence[tuple[Customer, Customer]]:
    """Each of these profiles, and the customer who says their address, with the one of them that it is to go into."""
    if not profiles:
        return ()
    first, *others = sorted({one.id: one for one in (*profiles, customer)}.values(), key=_rank)
    return [(one, first) for one in others]


def _rank(customer: Customer) -> tuple[bool, datetime]:
    return customer.external_id is None, customer.created_at


def _address_in(event: IncomingEvent) -> str | None:
    email = email_addresses.address(event.traits.get("email")) if event.type == "identify" else None
    return email if email is not None and email_addresses.is_valid_address(email) else None
