"""Consents: what customers said about topics."""

from collections.abc import Collection, Sequence

from sqlmodel import Session, col, select

from store.tables.customers import Consent


def of_customer(session: Session, customer_id: str) -> Sequence[Consent]:
    """Everything a customer said, by topic."""
    return session.exec(select(Consent).where(Consent.customer_id == customer_id).order_by(col(Consent.topic))).all()


def of_customers(session: Session, customer_ids: Collection[str]) -> Sequence[Consent]:
    """Everything that these customers said, in no order."""
    return session.exec(select(Consent).where(col(Consent.customer_id).in_(customer_ids))).all()
