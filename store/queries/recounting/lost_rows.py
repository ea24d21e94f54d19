"""Rows that have lost what belongs to them: enrollments their interests and decisions, mails what they said."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy
from sqlmodel import Session, case, col, func, select

from store import bulk
from store.statuses import EnrollmentStatus, MessageStatus
from store.tables.enrollments import Decision, Enrollment, Interest
from store.tables.messages import Message, MessageBody

IMPORT = "import, "
"""How the source of runs begins that an import placed in the past."""


class KeptRun(NamedTuple):
    """An enrollment, and the state that it stands in."""

    id: str
    workflow_id: str
    customer_id: str
    journey: str
    digest: str
    status: EnrollmentStatus
    state: Mapping[str, Any]


_RUNS: Any = sqlalchemy.select(*(getattr(Enrollment, name) for name in KeptRun._fields)).order_by(col(Enrollment.id))


def live_page(session: Session, after: str, limit: int) -> Sequence[KeptRun]:
    """Live enrollments behind the id `after`, in the order of their ids."""
    here = _RUNS.where(col(Enrollment.status) == EnrollmentStatus.LIVE, col(Enrollment.id) > after)
    return [KeptRun(*one) for one in session.connection().execute(here.limit(limit)).all()]


def interests(session: Session, ids: Collection[str]) -> Mapping[str, set[str]]:
    """The names of events that these enrollments are registered for."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for one, name in bulk.matching(session, Interest, ("enrollment_id", "name"), "enrollment_id", sorted(ids)):
        found[one].add(name)
    return found


SPLITS = ("assigned", "held_out", "variant_gone")
"""Decisions before which there is a question that is not on record: they say all about it."""

_NUMBER: Any = col(Decision.number)
_ASKED: Any = case((col(Decision.what).in_(SPLITS), 1), else_=0)


def decided_page(session: Session, after: str, limit: int) -> Sequence[KeptRun]:
    """Enrollments of whatever status behind the id `after`, in the order of their ids.

    What an import tells of the past has not all its questions on record, and is left out.
    """
    here = _RUNS.where(col(Enrollment.id) > after, ~col(Enrollment.source).startswith(IMPORT))
    return [KeptRun(*one) for one in session.connection().execute(here.limit(limit)).all()]


def of_ids(session: Session, ids: Collection[str]) -> Sequence[KeptRun]:
    """These enrollments, held until the transaction ends, in the order of their ids."""
    here = _RUNS.where(col(Enrollment.id).in_(sorted(ids))).with_for_update()
    return [KeptRun(*one) for one in session.connection().execute(here).all()]


def numbered(session: Session, ids: Collection[str]) -> Mapping[str, int]:
    """How many numbers of these enrollments their decisions account for; of one without any there is nothing."""
    found = dict[str, int]()
    columns: Any = (Decision.enrollment_id, func.count() + func.sum(_ASKED))
    for part in bulk.parts(sorted(ids)):
        query = sqlalchemy.select(*columns).where(col(Decision.enrollment_id).in_(part), _NUMBER.is_not(None))
        rows: Any = session.connection().execute(query.group_by(col(Decision.enrollment_id)))
        found |= {one: int(count) for one, count in rows}
    return found


def numbers(session: Session, enrollment_id: str) -> Mapping[int, str]:
    """The numbers that an enrollment's decisions have, and what was decided by each."""
    query = select(Decision.number, Decision.what).where(Decision.enrollment_id == enrollment_id)
    rows: Any = session.exec(query.where(_NUMBER.is_not(None)))
    return {int(number): str(what) for number, what in rows}


class LedgerMail(NamedTuple):
    """A mail and its journey (empty for a broadcast's), and whether it was given to a provider, who took it."""

    id: str
    journey: str
    went: bool


_WENT = (col(Message.status) == MessageStatus.ACCEPTED) & (col(Message.attempt) > 0) & col(Message.fence).is_not(None)
_MAILS: Any = sqlalchemy.select(col(Message.id), col(Message.journey), _WENT).order_by(col(Message.id))


def mail_page(session: Session, after: str, limit: int) -> Sequence[LedgerMail]:
    """The next mails of whatever status behind the id `after`, in the order of their ids."""
    query = _MAILS.where(col(Message.id) > after).limit(limit)
    rows: Any = session.connection().execute(query).all()
    return [LedgerMail(id, journey, bool(went)) for id, journey, went in rows]


def without_body(session: Session, message_ids: Collection[str]) -> Collection[str]:
    """Those of these mails of which nothing is kept."""
    kept = {one for (one,) in bulk.matching(session, MessageBody, ("message_id",), "message_id", sorted(message_ids))}
    return set(message_ids) - kept
