"""What came of a mail that is counted once of it, however often it comes: a conversion, and leaving a topic.

A mail has converted while a goal of its journey or an order is credited to it. The caller has locked the customer.
"""

from datetime import datetime

from sqlmodel import Session

from store.queries.feedback import delivery_events
from store.queries.figures import mail_results
from store.tables.attribution import MailOutcome
from store.tables.messages import Message


def reached_goal(session: Session, mail: Message, at: datetime) -> None:
    """A goal of its journey is credited to a mail."""
    accepted_at = mail.accepted_at or at
    kind = mail_results.tally(session).know(mail)
    credit(session, mail.id, mail.customer_id, kind, accepted_at, goals=1)


def credit(
    session: Session,
    message_id: str,
    customer_id: str,
    kind: str,
    accepted_at: datetime,
    *,
    goals: int = 0,
    orders: int = 0,
) -> None:
    """So many more goals and orders are credited to a mail (fewer where that is taken back)."""
    row = _row(session, message_id, customer_id)
    before = row.goals + row.orders > 0
    row.goals, row.orders = row.goals + goals, row.orders + orders
    session.add(row)
    by = (row.goals + row.orders > 0) - before
    mail_results.tally(session).add(kind, accepted_at, mail_results.CONVERTED, by)


def unsubscribed(session: Session, mail: Message, at: datetime) -> None:
    """Whoever got a mail left its topic by one of its links; one of which a provider has reported it is counted."""
    row = _row(session, mail.id, mail.customer_id)
    reported = any(one.kind == "unsubscribed" for one in delivery_events.told(session, [mail.id])[mail.id])
    if not row.unsubscribed and not reported:
        mail_results.tally(session).happened(mail, mail.accepted_at or at, mail_results.UNSUBSCRIBED)
    row.unsubscribed += 1
    session.add(row)


def _row(session: Session, message_id: str, customer_id: str) -> MailOutcome:
    row = session.get(MailOutcome, message_id)
    if row is None:
        row = MailOutcome(message_id=message_id, customer_id=customer_id)
        session.add(row)
        session.flush()
    return row
