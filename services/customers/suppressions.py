"""Addresses that are never written to, whatever anybody plans."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from services.customers.attributes import email_addresses
from services.errors import InvalidInput, NotFound
from store.queries.consent import suppressions as suppression_rows
from store.tables.customers import Suppression


def address(value: str) -> str:
    """An address as suppressions keep it, in lower case; raise InvalidInput where it is none."""
    found = email_addresses.address(value)
    if found is None or not email_addresses.is_valid_address(found):
        raise InvalidInput("this is no email address", "email")
    return found


def find(session: Session, email: str) -> Suppression | None:
    """Why an address is never written to; None where it is. Raise InvalidInput where it is none."""
    return session.get(Suppression, address(email))


def put(session: Session, email: str, reason: str, source: str, now: datetime) -> Suppression:
    """Suppress an address, from the next claim on; the first reason stays. Raise InvalidInput where it is none."""
    found = find(session, email)
    if found is None:
        found = Suppression(email=address(email), reason=reason, source=source, created_at=now)
        session.add(found)
        session.flush()
    return found


def put_all(session: Session, wanted: Sequence[tuple[str, str, str]], now: datetime) -> None:
    """`put` many: addresses, each with reason and source. What is no address is never written to anyway."""
    rows = {
        email_addresses.address(email): {
            "email": email_addresses.address(email),
            "reason": reason,
            "source": source,
            "created_at": now,
        }
        for email, reason, source in reversed(wanted)
        if email_addresses.is_valid_address(email_addresses.address(email) or "")
    }
    suppression_rows.add_missing(session, [rows[one] for one in sorted(rows, key=str)])


def delete(session: Session, email: str) -> Suppression:
    """Let an address be written to again; return what kept it. Raise NotFound where nothing did."""
    found = find(session, email)
    if found is None:
        raise NotFound("this address is not suppressed")
    session.delete(found)
    return found
