"""The sending ledger's rows. They are made, change their status and go here alone, so that the kept counts are true.

A row is locked before its status changes (SQLite has one writer), since a count that two transactions took from the
same status would be wrong for ever. Nothing here says why a message changes; the decision that goes with it is the
caller's.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import bindparam, text, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from store import bulk
from store.queries.figures import mail_results
from store.queries.figures.message_counts import Counted, MessageKind, kind_of, tally
from store.statuses import CLAIMABLE, MessageStatus, checked_transition, predecessors
from store.tables.messages import Message

HELD: Any = text("message.status IN ('claimed', 'sending')")
"""A lane's owner has them; as text, so that the database knows which partial index fits."""

_ANEW = {"populate_existing": True}
ERASED = "erased"
"""The reason of a message that was never claimed, and whose customer was erased."""


# -- making ------------------------------------------------------------------------------------------------------------


def row(
    message_id: str,
    customer_id: str,
    *,
    template: str,
    topic: str,
    lane: str,
    due: datetime,
    now: datetime,
    template_pin: int | None = None,
    email: str | None = None,
    not_before: datetime | None = None,
    status: MessageStatus = MessageStatus.PLANNED,
    reason: str | None = None,
    enrollment_id: str | None = None,
    journey: str = "",
    digest: str = "",
    stage: str = "",
    step: str = "",
    visit: int = 0,
    broadcast: str | None = None,
    variant: str | None = None,
    trace: str | None = None,
    source: str | None = None,
) -> bulk.ColumnValues:
    """The columns of a new message.

    `email` is the address that it goes to; None where it is not known yet. `due` is the instant that was asked for,
    `now` when it is planned (both UTC); no lane claims it before `not_before`. `message_id` is the `send_id` for ever:
    the same mail always has the same. `source` is the channel by which its customer came, where that is known.
    """
    return {
        "id": message_id,
        "enrollment_id": enrollment_id,
        "customer_id": customer_id,
        "email": email,
        "journey": journey,
        "digest": digest,
        "stage": stage,
        "step": step,
        "visit": visit,
        "broadcast": broadcast,
        "trace": trace,
        "variant": variant,
        "source": source,
        "template": template,
        "template_pin": template_pin,
        "topic": topic,
        "lane": lane,
        "status": status,
        "reason": reason,
        "due": due,
        "not_before": not_before,
        "planned_at": now,
        "updated_at": now,
        "attempt": 0,
    }


def add(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Put new messages into the ledger, and count them. Raises IntegrityError where one of the ids is there already."""
    bulk.add(session, Message, rows)
    counts = tally(session)
    for one in rows:
        counts.add(_kind_of_row(one), one["planned_at"])


def _kind_of_row(one: bulk.ColumnValues) -> MessageKind:
    return MessageKind(*(str(one.get(name) or "") for name in MessageKind._fields))


# -- changing ----------------------------------------------------------------------------------------------------------


def owners(session: Session, ids: Collection[str]) -> dict[str, str]:
    """The customer to whom each of these messages belongs now, by the id of the message; what is gone is left out."""
    found: dict[str, str] = {}
    for part in bulk.parts(sorted(ids)):
        query = select(Message.id, Message.customer_id).where(col(Message.id).in_(part))
        found |= dict(session.exec(query).all())
    return found


def _of(query: Any, *where: Any) -> Any:
    """Locked in the order of their ids, so that nobody waits crosswise."""
    return query.where(*where).order_by(col(Message.id)).with_for_update()


_AMONG = bulk.among(Message.id, "ids")
_ALL: Any = _of(select(Message), _AMONG)
_PLANNED: Any = _ALL.where(Message.status == MessageStatus.PLANNED)
_CLAIMABLE = col(Message.status).in_(CLAIMABLE)
_UNCLAIMED_AMONG: Any = _ALL.where(_CLAIMABLE)
_UNCLAIMED: Any = _of(select(Message), Message.enrollment_id == bindparam("enrollment"), _CLAIMABLE)
_UNCLAIMED_OF_VISIT: Any = _UNCLAIMED.where(Message.visit == bindparam("visit"))
_OF_CUSTOMER: Any = _of(select(Message), Message.customer_id == bindparam("customer")).limit(bindparam("most"))
_OF_OTHERS: Any = _of(select(Message), Message.lane == bindparam("lane"), HELD, Message.fence != bindparam("fence"))


def _locked(session: Session, query: Any, **asked: Any) -> Sequence[Message]:
    """Read anew, whatever the session knew of them."""
    return session.exec(query, params=asked, execution_options=_ANEW).all()


def all_locked(session: Session, ids: Collection[str]) -> dict[str, Message]:
    """Messages by id that nobody else changes until the transaction ends, read anew."""
    return {one.id: one for part in bulk.parts(sorted(ids)) for one in _locked(session, _ALL, ids=part)}


def locked(session: Session, message_id: str) -> Message | None:
    """A message that nobody else changes until the transaction ends, read anew; None where it is gone."""
    return all_locked(session, [message_id]).get(message_id)


def planned(session: Session, ids: Sequence[str]) -> Mapping[str, Message]:
    """Those of the messages that are planned still, by id, locked and read anew."""
    return {one.id: one for one in _locked(session, _PLANNED, ids=ids)}


def unclaimed(session: Session, enrollment_id: str, visit: int | None = None) -> Sequence[Message]:
    """The messages of an enrollment (of one visit of a stage) that no lane has claimed, locked, by their ids."""
    query = _UNCLAIMED if visit is None else _UNCLAIMED_OF_VISIT
    return _locked(session, query, enrollment=enrollment_id, visit=visit)


def unclaimed_of_broadcast(session: Session, broadcast: str, but: Collection[str], limit: int) -> Sequence[str]:
    """The ids of a broadcast's messages that no lane has claimed, in no order, without these; `limit` at most."""
    where = (Message.broadcast == broadcast, _CLAIMABLE, col(Message.id).not_in(but))
    return session.exec(select(Message.id).where(*where).limit(limit)).all()


def unclaimed_among(session: Session, ids: Collection[str]) -> Sequence[Message]:
    """Those of these messages that no lane has claimed, locked."""
    return _locked(session, _UNCLAIMED_AMONG, ids=list(ids))


def of_customer(session: Session, customer_id: str, limit: int) -> Sequence[Message]:
    """The first of a customer's messages, by their ids, `limit` at most, locked."""
    return _locked(session, _OF_CUSTOMER, customer=customer_id, most=limit)


def claimed_by_others(session: Session, lane: str, fence: str) -> Sequence[Message]:
    """What another owner of a lane than this one has claimed and not recorded, locked, by their ids."""
    return _locked(session, _OF_OTHERS, lane=lane, fence=fence)


def change(
    session: Session,
    message: Message,
    status: MessageStatus,
    now: datetime,
    *,
    reason: str | None = None,
    lane: str | None = None,
) -> None:
    """Another status (and reason, and lane) for a message that the caller has locked.

    Raises ImpossibleTransition where it may not follow.
    """
    was = kind_of(message)
    message.status, message.reason, message.lane, message.updated_at = status, reason, lane or message.lane, now
    session.add(message)
    tally(session).move(was, kind_of(message), message.planned_at)
    mail_results.count_sent(session, message, was.status, status, message.accepted_at or now)


def claim(session: Session, ids: Sequence[str], fence: str, now: datetime) -> set[str]:
    """Make those of the messages that are planned still this owner's; return which they are."""
    mine = locked_in_status(session, ids, predecessors(MessageStatus.CLAIMED))
    return _step(session, mine, MessageStatus.CLAIMED, now, fence)


def freeze(
    session: Session,
    attempts: Mapping[str, int],
    fence: str,
    now: datetime,
    rendered: Mapping[str, bulk.ColumnValues] | None = None,
) -> Mapping[str, str]:
    """Those of the messages that this owner claimed for just this attempt, `sending` from now on; return whose each is.

    `rendered` is what else is kept of each, the same columns of all. Asked again of what is frozen already and not
    handed over, it says whether it is this owner's still.
    """
    found = locked_in_status(session, list(attempts), (MessageStatus.CLAIMED, MessageStatus.SENDING), fence)
    mine = {one.id: one for one in found.values() if one.attempt == attempts[one.id]}
    fresh = [one for one in mine.values() if one.status == MessageStatus.CLAIMED]
    to, also = {"status": MessageStatus.SENDING, "updated_at": now}, rendered or {}
    bulk.change(session, Message, [{"id": one.id, **to, **also.get(one.id, {})} for one in fresh])
    _count_step(session, fresh, MessageStatus.SENDING)
    return {name: one.customer_id for name, one in mine.items()}


def give_back(session: Session, ids: Sequence[str], fence: str, now: datetime) -> Sequence[str | None]:
    """Those of the messages that this owner has claimed and not frozen, planned again; return the broadcast of each."""
    mine = locked_in_status(session, ids, (MessageStatus.CLAIMED,), fence)
    _step(session, mine, MessageStatus.PLANNED, now)
    return [one.broadcast for one in mine.values()]


_STEP = update(Message).where(_AMONG).values(status=bindparam("to"), updated_at=bindparam("now"))
_ANOTHER_ATTEMPT = _STEP.values(reason=None, attempt=col(Message.attempt) + 1, fence=bindparam("owner"))


def _step(
    session: Session, mine: Mapping[str, Any], to: MessageStatus, now: datetime, owner: str | None = None
) -> set[str]:
    """One status for many messages that are locked, with their counts; where `owner` is given, their next attempt."""
    if not mine:
        return set()
    statement, given = (_STEP, {}) if owner is None else (_ANOTHER_ATTEMPT, {"owner": owner})
    session.connection().execute(statement, {"ids": list(mine), "to": to, "now": now, **given})
    _count_step(session, mine.values(), to, no_reason=owner is not None)
    return set(mine)


def _count_step(session: Session, mine: Collection[Any], to: MessageStatus, no_reason: bool = False) -> None:
    for one in mine:
        was = kind_of(one)
        after = was._replace(status=checked_transition(one.status, to), reason="" if no_reason else was.reason)
        tally(session).move(was, after, one.planned_at)


class AttemptedMessage(Counted, mail_results.CountedMail, Protocol):
    """What is read of a message whose attempt is recorded: a row without the unit of work."""

    id: str
    customer_id: str
    planned_at: datetime
    not_before: datetime | None
    accepted_at: datetime | None
    provider_id: str | None
    delivery: str | None
    attempt: int


_ATTEMPTED: Any = tuple(
    getattr(Message, name)
    for name in (
        "id", "customer_id", "journey", "enrollment_id", "stage", "step", "visit", "broadcast", "variant", "template",
        "lane", "status", "reason", "planned_at", "not_before", "accepted_at", "provider", "provider_id", "delivery",
        "attempt", "locale", "source",
    )
)  # fmt: skip

_IN_STATUS: Any = _of(select_columns(*_ATTEMPTED), _AMONG, bulk.among(Message.status, "statuses"))
_IN_STATUS_UNDER: Any = _IN_STATUS.where(col(Message.fence) == bindparam("fence"))


def locked_in_status(
    session: Session, ids: Sequence[str], statuses: Sequence[MessageStatus], fence: str | None = None
) -> Mapping[str, AttemptedMessage]:
    """Messages by id that have one of these statuses (and were claimed under this fence), locked."""
    asked = {"ids": ids, "statuses": list(statuses), "fence": fence}
    session.flush()
    rows: Any = session.connection().execute(_IN_STATUS if fence is None else _IN_STATUS_UNDER, asked)
    return {one.id: one for one in rows}


def record(session: Session, changes: Sequence[tuple[AttemptedMessage, bulk.ColumnValues]]) -> None:
    """What became of attempts: each `locked_in_status` message with its new columns, `status` among them.

    The columns are the same for all. Raises ImpossibleTransition where a status may not follow.
    """
    counts = tally(session)
    for one, columns in changes:
        checked_transition(one.status, columns["status"])
        was = kind_of(one)
        after = was._replace(
            status=str(columns["status"]), reason=columns["reason"] or "", provider=columns["provider"] or ""
        )
        counts.move(was, after, one.planned_at)
        mail_results.count_sent(session, one, was.status, columns["status"], columns["accepted_at"])
    bulk.change(session, Message, [{"id": one.id, **columns} for one, columns in changes])


def erase(session: Session, messages: Sequence[Message]) -> None:
    """Take an erased customer's messages away; they stay in the counts. What no lane has claimed never goes."""
    counts = tally(session)
    for one in messages:
        kind = kind_of(one)
        if one.status in CLAIMABLE:
            never = kind._replace(status=MessageStatus.SKIPPED, reason=ERASED)
            counts.move(kind, never, one.planned_at)
            kind = never
        counts.leave(kind)
        mail_results.leave_sent(session, one)
        session.delete(one)
