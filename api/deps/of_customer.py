"""Whose rows a list is to have."""

from typing import Annotated

from fastapi import Depends

from api.deps.transactions import Reading
from services.reports.customer import customer_view


def of_customer(session: Reading, customer: str | None = None) -> str | None:
    """The internal id of the customer that a list is asked about, by any name of theirs; None: everybody's.

    Raise NotFound where nobody has it.
    """
    return customer_view.customer(session, customer).id if customer else None


OfCustomer = Annotated[str | None, Depends(of_customer)]
