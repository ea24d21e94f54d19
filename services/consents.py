"""What a customer says about a topic; "*" is all of them. Of two statements the later one holds."""

import re
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from services.errors import InvalidInput, NotFound
from store import customers
from store.tables import Consent, Decision
from store.types import new_id

EVERYTHING = "*"
TOPIC = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}|\*")


def say(
    session: Session, customer_id: str, topic: str, granted: bool, source: str, at: datetime, now: datetime
) -> bool:
    """Keep a statement, on the customer's timeline too; False where it changes nothing."""
    if not TOPIC.fullmatch(topic):
        raise InvalidInput("a topic is a letter and letters, digits, - or _; or * for all", "topic")
    if customers.lock(session, customer_id) is None:
        raise NotFound("this customer no longer exists")
    known = session.get(Consent, (customer_id, topic))
    if known is not None and (known.granted == granted or known.at > at):
        return False
    session.merge(Consent(customer_id=customer_id, topic=topic, granted=granted, source=source, at=at))
    session.add(
        Decision(
            id=new_id("dec"),
            customer_id=customer_id,
            journey="",
            at=now,
            what="consented" if granted else "unsubscribed",
            detail={"topic": topic, "source": source},
        )
    )
    session.flush()
    return True


def of(session: Session, customer_id: str) -> Sequence[Consent]:
    """Everything a customer said, by topic."""
    return session.exec(select(Consent).where(Consent.customer_id == customer_id).order_by(col(Consent.topic))).all()
