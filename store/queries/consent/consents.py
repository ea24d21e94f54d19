"""Consents: what customers said about topics, and what was said at their addresses."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import false, literal, union_all
from sqlmodel import Session, col, select

from store import bulk
from store.tables.customers import AddressConsent, Consent


class Said(NamedTuple):
    """What a customer said about a topic; with an `email` it is what was said last at that address, by them."""

    customer_id: str
    email: str
    topic: str
    granted: bool
    source: str
    at: datetime
    pending: bool


def of_customer(session: Session, customer_id: str) -> Sequence[Consent]:
    """Everything a customer said, by topic."""
    return session.exec(select(Consent).where(Consent.customer_id == customer_id).order_by(col(Consent.topic))).all()


def of_customers(session: Session, customer_ids: Collection[str]) -> Sequence[Consent]:
    """Everything that these customers said, in no order."""
    return session.exec(select(Consent).where(col(Consent.customer_id).in_(customer_ids))).all()


def _saying() -> Any:
    own: Any = (
        Consent.customer_id, literal(""), Consent.topic, Consent.granted, Consent.source, Consent.at, Consent.pending
    )  # fmt: skip
    there: Any = (
        AddressConsent.customer_id, AddressConsent.email, AddressConsent.topic, AddressConsent.granted,
        AddressConsent.source, AddressConsent.at, false(),
    )  # fmt: skip
    theirs: Any = select(*own).where(bulk.among(Consent.customer_id, "customers"))
    at_addresses: Any = select(*there).where(bulk.among(AddressConsent.email, "emails"))
    return union_all(theirs, at_addresses)


_SAID = _saying()
"""Made once, since each mail that is planned asks it."""


def said(session: Session, customer_ids: Collection[str], emails: Collection[str]) -> Sequence[Said]:
    """What these customers said, and what was said at these addresses (in their normal form), by one statement."""
    session.flush()
    asked = {"customers": list(customer_ids), "emails": list(emails)}
    return [Said(*one) for one in session.connection().execute(_SAID, asked)]
