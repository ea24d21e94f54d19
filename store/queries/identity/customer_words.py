"""The words by which customers are found, kept beside them (`store.search_words`)."""

from collections.abc import Sequence

from sqlmodel import Session, col, delete

from store import bulk, search_words
from store.tables.customers import Customer, CustomerWord


def rows(customer: Customer) -> list[bulk.ColumnValues]:
    """The rows of a customer, as their address and their names stand."""
    found = search_words.words(customer.email, search_words.names(customer.attributes))
    email = customer.email or ""
    return [{"word": word, "email": email, "customer_id": customer.id} for word in sorted(found)]


def add(session: Session, new: Sequence[Customer]) -> None:
    """Keep the words of customers who have none yet."""
    bulk.add(session, CustomerWord, [row for one in new for row in rows(one)])


def renew(session: Session, changed: Sequence[Customer]) -> None:
    """Keep the words of customers whose address or names are others now."""
    for part in bulk.parts([one.id for one in changed]):
        session.connection().execute(delete(CustomerWord).where(col(CustomerWord.customer_id).in_(part)))
    add(session, changed)
