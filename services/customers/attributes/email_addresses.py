"""What somebody gives as their email address: its normal form, and whether mail can be addressed to it.

It must not know whose it is, nor whether it may be written to.
"""

from functools import lru_cache
from typing import Any

from email_validator import EmailNotValidError, validate_email

from store import addresses


def address(value: Any) -> str | None:
    """A trait as the address that mail goes to, in its normal form (`store.addresses`), or None.

    Whether it can be written to is judged later.
    """
    return addresses.normal(value) or None if isinstance(value, str) else None


@lru_cache(maxsize=4_096)
def is_valid_address(email: str) -> bool:
    """Whether mail can be addressed to this (syntax only; Unicode local parts and IDN are fine)."""
    try:
        validate_email(email, check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError:
        return False
    return True


def is_address(value: Any) -> bool:
    """Whether a trait is an address that mail can go to."""
    found = address(value)
    return found is not None and is_valid_address(found)
