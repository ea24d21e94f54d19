"""What enrollments were sent, and will be."""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from journeys.changes.outcomes import SentMail
from store import bulk
from store.statuses import MessageStatus
from store.tables.messages import Message


def of(
    session: Session, enrollment_ids: Collection[str], statuses: Collection[MessageStatus]
) -> Iterator[tuple[str, SentMail, MessageStatus]]:
    """The mails of these enrollments in these statuses: whose each is, what went when (or is due), and its status."""
    columns: Any = (
        Message.enrollment_id, Message.step, Message.template, Message.accepted_at, Message.due, Message.status,
    )  # fmt: skip
    for part in bulk.parts(sorted(enrollment_ids)):
        query = select(*columns).where(col(Message.enrollment_id).in_(part))
        rows: Any = session.connection().execute(query)
        for whose, step, template, accepted, due, status in rows:
            if status in statuses:
                yield whose, SentMail(step=step, template=template, at=accepted or due), status


def known(session: Session, ids: Collection[str]) -> set[str]:
    """Those of these ids that are in the ledger."""
    return {one for (one,) in bulk.matching(session, Message, ("id",), "id", ids)}
