"""An erased customer's orders leave the ledger; what their mails were credited with stays in the counts."""

from sqlmodel import Session

from store.queries.figures import credits, mail_results
from store.queries.figures.mail_results import REVENUE
from store.tables.attribution import CreditedOrder, MailCredit
from value import attribution


def erase(session: Session, customer_id: str) -> None:
    """Take a customer's orders out of the ledger; asked again, there is nothing left."""
    counts = mail_results.tally(session)
    _, credited = credits.of_customer(session, customer_id)
    for one in credited:
        for model in attribution.MODELS:
            counts.leave(one.kind, one.accepted_at, f"{REVENUE}{model}", getattr(one, model), one.currency)
    for table in (MailCredit, CreditedOrder):
        credits.drop(session, table, customer_id)
