"""What enrollments were sent, and will be."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from journeys.changes.outcomes import SentMail
from journeys.machine.commands import SendVisit
from store import bulk, dialect
from store.queries.mails.messages import HELD
from store.queries.sending.lanes import PLANNED
from store.statuses import MessageStatus
from store.tables.messages import Message


def of(
    session: Session, enrollment_ids: Collection[str], templates: Collection[str], statuses: Collection[MessageStatus]
) -> Iterator[tuple[str, SentMail]]:
    """The mails of these enrollments of these templates in these statuses: whose each is, what went when, or is due."""
    if not templates:
        return
    columns: Any = (
        Message.enrollment_id, Message.step, Message.template, Message.accepted_at, Message.due,
    )  # fmt: skip
    here = dialect.of(session).beside  # of a template there may be as many mails as customers
    which = (here(col(Message.template)).in_(sorted(templates)), here(col(Message.status)).in_(sorted(statuses)))
    for part in bulk.parts(sorted(enrollment_ids)):
        query = sql_select(*columns).where(col(Message.enrollment_id).in_(part), *which)
        rows: Any = session.connection().execute(query).all()
        for whose, step, template, accepted, due in rows:
            yield whose, SentMail(step=step, template=template, at=accepted or due)


def decided(session: Session, enrollment_ids: Collection[str]) -> Iterator[tuple[str, SendVisit]]:
    """The sends of these enrollments that are in the ledger for good, whose each is: all but the deferred ones."""
    columns = ("enrollment_id", "step", "visit", "status")
    for whose, step, visit, status in bulk.matching(session, Message, columns, "enrollment_id", enrollment_ids):
        if status != MessageStatus.DEFERRED:
            yield whose, (step, visit)


def with_a_held_one(session: Session) -> set[str]:
    """The enrollments with a mail that a lane holds: few, and found in an index of their own."""
    query = select(Message.enrollment_id).where(HELD)
    return {one for one in session.exec(query) if one is not None}


def changed_since(session: Session, journey: str, templates: Collection[str], since: datetime) -> set[str]:
    """The enrollments of a journey of whose mails of these templates one has changed since, whatever it was."""
    if not templates:
        return set()
    which = (Message.journey == journey, col(Message.template).in_(sorted(templates)))
    found = session.exec(select(Message.enrollment_id).where(*which, col(Message.updated_at) >= since).distinct())
    return {one for one in found if one is not None}


def held_by_a_pause(session: Session, journey: str, now: datetime, after: str, limit: int) -> Sequence[Message]:
    """A page of a journey's planned mails whose time has come, in the order of their ids, behind the id `after`."""
    query = select(Message).where(
        Message.journey == journey, PLANNED, col(Message.not_before) <= now, col(Message.id) > after
    )
    return session.exec(query.order_by(col(Message.id)).limit(limit)).all()


def known(session: Session, ids: Collection[str]) -> set[str]:
    """Those of these ids that are in the ledger."""
    return {one for (one,) in bulk.matching(session, Message, ("id",), "id", ids)}


def last_accepted(session: Session, enrollment_id: str, since: datetime, until: datetime) -> Message | None:
    """The last mail of an enrollment that the provider accepted between two instants (both included), or None."""
    query = select(Message).where(
        Message.enrollment_id == enrollment_id, col(Message.accepted_at) >= since, col(Message.accepted_at) <= until
    )
    return session.exec(query.order_by(col(Message.accepted_at).desc()).limit(1)).first()


def last_of_step(session: Session, enrollment_id: str, step: str) -> Message | None:
    """The mail of the last visit of a step that was planned; None where none was."""
    query = select(Message).where(Message.enrollment_id == enrollment_id, Message.step == step)
    return session.exec(query.order_by(col(Message.visit).desc(), col(Message.planned_at).desc()).limit(1)).first()
