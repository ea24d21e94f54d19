"""The local mail catcher's inbox."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sqlmodel import Session, col, select

from store import bulk
from store.ids import new_id
from store.queries.figures import counts
from store.queries.figures.counts import Tally
from store.tables.messages import Message, OutboxMail

OUTBOX, ONCE, TWICE = "outbox", "once", "twice"
"""The labels under which received mails are counted."""


class Caught(Protocol):
    """A mail that the outbox catches (`mail.message.Mail`, seen from here)."""

    @property
    def send_id(self) -> str: ...
    @property
    def to(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def html(self) -> str: ...
    @property
    def text(self) -> str: ...


def keep(session: Session, mails: Sequence[Caught], sender: str, now: datetime) -> Sequence[str]:
    """Store caught mails and count them; return their ids in the same order."""
    _count(session, [one.send_id for one in mails])
    rows = [
        {
            "id": new_id("box"),
            "send_id": one.send_id,
            "received_at": now,
            "to_address": one.to,
            "from_address": sender,
            "subject": one.subject,
            "headers": dict(one.headers),
            "html": one.html,
            "text": one.text,
        }
        for one in mails
    ]
    bulk.add(session, OutboxMail, rows)
    return [str(row["id"]) for row in rows]


def _count(session: Session, send_ids: Sequence[str]) -> None:
    """How many were received, and how many of them more than once."""
    query = select(OutboxMail.send_id).where(col(OutboxMail.send_id).in_(send_ids))
    known, tally = set(session.exec(query).all()), Tally()
    for send_id in send_ids:
        tally.count(send_ids[0], "", OUTBOX, TWICE if send_id in known else ONCE)
        known.add(send_id)
    tally.write(session)


def received(session: Session) -> tuple[int, int]:
    """How many mails the outbox has ever received, and how many of them it had already."""
    counted = counts.runs(session, "", OUTBOX)
    twice = counted.get(TWICE, 0)
    return counted.get(ONCE, 0) + twice, twice


def holds(session: Session, send_id: str) -> bool:
    """Whether a mail with this `send_id` was ever caught."""
    return session.exec(select(OutboxMail.id).where(OutboxMail.send_id == send_id).limit(1)).first() is not None


def of_customer(session: Session, customer_id: str) -> Sequence[OutboxMail]:
    """The caught mails that were sent to a customer from the ledger."""
    mails = select(Message.id).where(Message.customer_id == customer_id)
    return session.exec(select(OutboxMail).where(col(OutboxMail.send_id).in_(mails))).all()


def page(session: Session, limit: int, before: str | None = None) -> Sequence[OutboxMail]:
    """`limit` caught mails, the newest first; `before` is the id of the last one seen."""
    query = select(OutboxMail).order_by(col(OutboxMail.id).desc()).limit(limit)
    return session.exec(query if before is None else query.where(col(OutboxMail.id) < before)).all()
