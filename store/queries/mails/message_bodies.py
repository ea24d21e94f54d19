"""The bodies of mails: kept when a mail is frozen, read one at a time, let go of page by page."""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy
from sqlmodel import Session, col, select

from store import bulk
from store.tables.messages import MessageBody


def keep(session: Session, bodies: Sequence[bulk.ColumnValues], now: datetime) -> None:
    """Keep what was rendered (`message_id`, `customer_id`, `subject`, `html`, `text`, `urls`) in place of what was.

    The caller has locked the mails' rows, and read there whose they are: a body of a mail that is gone meanwhile (its
    customer was erased) would never be erased.
    """
    bulk.put(session, MessageBody, [{**one, "frozen_at": now} for one in bodies])


def urls(session: Session, message_id: str) -> Sequence[str]:
    """Where the tracked links of a mail lead; none where it has none, or is not here."""
    return session.exec(select(MessageBody.urls).where(MessageBody.message_id == message_id)).first() or ()


def link_counts(session: Session, message_ids: Collection[str]) -> dict[str, int]:
    """How many tracked links each of these mails has; what is not here is left out."""
    found: dict[str, int] = {}
    for part in bulk.parts(sorted(message_ids)):
        query = select(MessageBody.message_id, MessageBody.urls).where(col(MessageBody.message_id).in_(part))
        found |= {name: len(urls) for name, urls in session.exec(query).all()}
    return found


def forget(session: Session, before: datetime, limit: int) -> int:
    """Let go of what mails said that were frozen before an instant, a page of them; return how many.

    Their links stay.
    """
    old = select(MessageBody.message_id).where(col(MessageBody.html).is_not(None), col(MessageBody.frozen_at) < before)
    ids = session.exec(old.order_by(col(MessageBody.frozen_at)).limit(limit)).all()
    if ids:
        here = sqlalchemy.update(MessageBody).where(col(MessageBody.message_id).in_(ids))
        session.connection().execute(here.values(html=None, text=None, subject=None))
    return len(ids)
