"""What is known of a customer by their own word: traits become attributes."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from email_validator import EmailNotValidError, validate_email

from journeys.facts import customer_facts
from readers import locales
from services.errors import InvalidInput
from services.values import Rejected
from store import addresses
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
    customer.email = address(attributes.get("email"))
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


def address(value: Any) -> str | None:
    """A trait as the address that mail goes to, in its normal form (`store.addresses`), or None.

    Whether it can be written to is judged later.
    """
    return addresses.normal(value) or None if isinstance(value, str) else None


def unreadable_traits(traits: Mapping[str, Any]) -> Mapping[str, Any]:
    """What traits give as an address, a zone or a language, and is none, by name: mail goes as if it were not there."""
    zone = customer_facts.unreadable_timezone(traits)
    found = {} if zone is None else {"timezone": zone}
    for name, is_one in _READ_BY_US.items():
        value = traits.get(name)
        if not customer_facts.is_blank(value) and not is_one(value):
            found[name] = value
    return found


def check_address(value: Any, path: str) -> None:
    """Raise InvalidInput, with `path`, for what is given as an address and is none; null removes one, and is well."""
    if value is None:
        return
    if not _is_address(value):
        raise InvalidInput(f"{value!r:.80} is no email address", path)


@lru_cache(maxsize=4_096)
def is_valid_address(email: str) -> bool:
    """Whether mail can be addressed to this (syntax only; Unicode local parts and IDN are fine)."""
    try:
        validate_email(email, check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError:
        return False
    return True


def _is_address(value: Any) -> bool:
    found = address(value)
    return found is not None and is_valid_address(found)


_READ_BY_US: Mapping[str, Callable[[Any], object]] = {
    "email": _is_address,
    "locale": locales.tag,
    "language": locales.tag,
}
"""Traits that say where, and in which language, mail reaches somebody, with what tells whether they do."""
