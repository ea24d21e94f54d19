"""What is known of a customer by their own word: traits become attributes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from journeys.facts import customer_facts
from services.customers.attributes import email_addresses
from services.errors import InvalidInput
from services.values import Rejected
from store.tables.customers import Customer

MOST_ATTRIBUTES = 500
"""Of one customer: every event reads them all and writes those that changed, so they bound what one costs."""


def take_traits(customer: Customer, traits: Mapping[str, Any], now: datetime) -> bool:
    """Merge traits into the attributes; null removes one. Whether anything changed.

    Reserved traits are known in camelCase and snake_case. Raise Rejected where there would be more than
    MOST_ATTRIBUTES.
    """
    if not traits:
        return False
    attributes = customer_facts.merged(customer.attributes, traits)
    if len(attributes) > MOST_ATTRIBUTES:
        raise Rejected("traits", f"the customer would have {len(attributes)} attributes; at most {MOST_ATTRIBUTES}")
    customer.email = email_addresses.address(attributes.get("email"))
    customer.timezone = customer_facts.timezone_in(attributes)
    changed = attributes != customer.attributes
    if changed:
        customer.attributes = attributes
        customer.updated_at = now
    return changed


def take_group(customer: Customer, group_id: Any, traits: Mapping[str, Any], now: datetime) -> bool:
    """Whom the customer belongs to: a group's traits describe the group, and stand in the attribute `group`.

    Whether anything changed. Another group than the last one takes its place with its traits.
    """
    before = customer.attributes.get("group")
    known = cast(dict[str, Any], before) if isinstance(before, dict) and before.get("id") == group_id else {}
    return take_traits(customer, {"group": {**known, **traits, "id": group_id}}, now)


def check_address(value: Any, path: str) -> None:
    """Raise InvalidInput, with `path`, for what is given as an address and is none; null removes one, and is well."""
    if value is None:
        return
    if not email_addresses.is_address(value):
        raise InvalidInput(f"{value!r:.80} is no email address", path)
