"""What a change of a profile comes to for those who wait for it, and for those who look for the customer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from journeys.machine.ahead import ADDRESS_KNOWN, ZONE_CHANGED
from store import search_words
from store.tables.customers import Customer


@dataclass(frozen=True, slots=True)
class ProfileBefore:
    """What a profile said of where, and when, mail reaches them, and of their names, before something more was said."""

    timezone: str | None
    email: str | None
    names: tuple[str, ...]

    @staticmethod
    def of(customer: Customer) -> "ProfileBefore":
        """As it stands."""
        return ProfileBefore(customer.timezone, customer.email, search_words.names(customer.attributes))

    def signs(self, customer: Customer) -> Sequence[str]:
        """What has come of it that somebody may wait for: a zone that changed, an address where there was none."""
        zone = [ZONE_CHANGED] if customer.timezone != self.timezone else []
        return [*zone, ADDRESS_KNOWN] if self.email is None and customer.email is not None else zone

    def is_found_otherwise(self, customer: Customer) -> bool:
        """Whether the customer is found by other words now."""
        return (self.email, self.names) != (customer.email, search_words.names(customer.attributes))


def learned(before: Iterable[Mapping[str, Any]], customer: Customer) -> dict[str, Any]:
    """The attributes of a customer who was two, as far as one of these profiles did not have them so."""
    return {
        name: value
        for profile in before
        for name, value in customer.attributes.items()
        if name not in profile or profile[name] != value
    }
