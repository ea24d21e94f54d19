"""Clicks that are not judged yet."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from store import bulk
from store.tables.messages import PendingClick


def first_by(session: Session, at: datetime, limit: int) -> Sequence[PendingClick]:
    """The clicks of this instant or before, the oldest first, at most `limit`."""
    query = select(PendingClick).where(col(PendingClick.at) <= at)
    return session.exec(query.order_by(col(PendingClick.at), col(PendingClick.id)).limit(limit)).all()


def of_messages(session: Session, message_ids: Collection[str]) -> Mapping[str, Sequence[PendingClick]]:
    """Every click on a link of these mails that is not judged yet, by mail."""
    found: defaultdict[str, list[PendingClick]] = defaultdict(list)
    for part in bulk.parts(sorted(message_ids)):
        for one in session.exec(select(PendingClick).where(col(PendingClick.message_id).in_(part))).all():
            found[one.message_id].append(one)
    return found
