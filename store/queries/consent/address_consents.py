"""Consents of addresses: what was said last about a topic at an inbox, by whichever of its profiles."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, select

from store import bulk
from store.tables.customers import AddressConsent, Customer


def at_addresses(session: Session, addresses: Collection[str]) -> Sequence[AddressConsent]:
    """Everything that was said at these addresses (in their normal form), in no order."""
    if not addresses:
        return []
    return session.exec(select(AddressConsent).where(col(AddressConsent.email).in_(addresses))).all()


def row(email: str, topic: str, customer_id: str, *, granted: bool, source: str, at: datetime) -> bulk.ColumnValues:
    """The columns of what a customer said at an address (in its normal form)."""
    return {
        "email": email,
        "topic": topic,
        "customer_id": customer_id,
        "granted": granted,
        "source": source,
        "at": at,
    }


def keep_later(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Keep what is said, one row of each address and topic, but for what was said before what is known."""
    known = {(one.email, one.topic): one.at for one in at_addresses(session, {one["email"] for one in rows})}
    later = [one for one in rows if (at := known.get((one["email"], one["topic"]))) is None or at <= one["at"]]
    later.sort(key=lambda one: (one["email"], one["topic"]))
    bulk.put(session, AddressConsent, later)


def erase(session: Session, customer_id: str) -> int:
    """Let go of what an erased customer said, unless the inbox is another's too: then it is theirs. Return how many."""
    said = session.exec(select(AddressConsent).where(AddressConsent.customer_id == customer_id)).all()
    addresses = {one.email for one in said}
    query = select(col(Customer.email), Customer.id).where(
        col(Customer.email).in_(addresses), Customer.id != customer_id
    )
    others = dict(session.exec(query.order_by(col(Customer.id).desc())).all()) if said else {}
    for one in said:
        if one.email in others:
            one.customer_id = others[one.email]
            one.source = "by another customer with this address, who was erased"
            session.add(one)
    session.flush()
    here = delete(AddressConsent).where(col(AddressConsent.customer_id) == customer_id)
    return session.connection().execute(here).rowcount
