"""The local mail catcher's inbox."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from store.tables import OutboxMail
from store.types import new_id


def keep(
    session: Session,
    *,
    send_id: str,
    to: str,
    sender: str,
    subject: str,
    headers: dict[str, str],
    html: str,
    text: str,
    now: datetime,
) -> str:
    """Store one caught mail; return its id."""
    mail = OutboxMail(
        id=new_id("box"),
        send_id=send_id,
        received_at=now,
        to_address=to,
        from_address=sender,
        subject=subject,
        headers=headers,
        html=html,
        text=text,
    )
    session.add(mail)
    return mail.id


def holds(session: Session, send_id: str) -> bool:
    return session.exec(select(OutboxMail.id).where(OutboxMail.send_id == send_id).limit(1)).first() is not None


def page(session: Session, limit: int, before: str | None = None) -> Sequence[OutboxMail]:
    """The newest mails first; `before` is the id of the last one seen."""
    query = select(OutboxMail).order_by(col(OutboxMail.id).desc()).limit(limit)
    return session.exec(query if before is None else query.where(col(OutboxMail.id) < before)).all()
