"""In which languages a page speaks to whoever holds a link of a mail.

First the customer's own, as their mail does; then what their browser asks for; last the installation's.
"""

from collections.abc import Sequence

from sqlmodel import Session

from readers import locales
from services.customers.attributes import known_facts
from services.installation import installation_settings
from store.tables.customers import Customer


def languages(session: Session, customer_id: str, accepted: str) -> Sequence[str]:
    """The language tags to look for, the best first, the last the installation's.

    A customer who is gone has none of their own; `accepted` is an `Accept-Language`, perhaps empty.
    """
    customer = session.get(Customer, customer_id)
    default = installation_settings.load(session).locale
    own = locales.wanted(known_facts.attributes(customer), default)[:-1] if customer is not None else ()
    return (*own, *locales.accepted(accepted), default)
