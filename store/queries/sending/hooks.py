"""Hooks: webhooks and notes to colleagues that are to be made."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from store.queries.sending.holds import NOTHING_HELD
from store.statuses import HookStatus
from store.tables.enrollments import Hook

HookSource = tuple[str, str]
"""Where hooks come from: the digest of a definition, and a step of it. All of one source go to one receiver."""


def next_due(session: Session) -> datetime | None:
    """When the next hook is due (or was); None where none is planned, or all is held.

    Asked often, so that an idle lane takes no lock.
    """
    here = (Hook.status == HookStatus.PLANNED, NOTHING_HELD)
    first = select(Hook.not_before).where(*here).order_by(col(Hook.not_before))
    return session.exec(first.limit(1)).first()


def due(session: Session, now: datetime, limit: int, without: Collection[HookSource] = ()) -> Sequence[Hook]:
    """Hooks that are due, the oldest first, `limit` at most, locked; none of the steps in `without`.

    Those that another transaction holds are left out.
    """
    query = select(Hook).where(Hook.status == HookStatus.PLANNED, col(Hook.not_before) <= now, NOTHING_HELD)
    for digest, step in without:
        query = query.where((col(Hook.digest) != digest) | (col(Hook.step) != step))
    return session.exec(query.order_by(col(Hook.not_before)).limit(limit).with_for_update(skip_locked=True)).all()


def claimed_by_others(session: Session, fence: str, limit: int) -> Sequence[Hook]:
    """What another owner than this one has claimed and not recorded, locked, in the order of their ids."""
    query = select(Hook).where(Hook.status == HookStatus.CALLING, col(Hook.fence) != fence)
    return session.exec(query.order_by(col(Hook.id)).limit(limit).with_for_update()).all()


def locked(session: Session, hook_id: str) -> Hook | None:
    """A hook that nobody else changes until the transaction ends, read anew; None where it is gone."""
    query = select(Hook).where(Hook.id == hook_id).with_for_update()
    return session.exec(query, execution_options={"populate_existing": True}).first()


def cancel_of_journey(session: Session, journey: str, now: datetime) -> int:
    """Withdraw what a journey still has to call; return how many."""
    waiting = (HookStatus.PLANNED, HookStatus.FAILED, HookStatus.STUCK)
    here = update(Hook).where(col(Hook.journey) == journey, col(Hook.status).in_(waiting))
    return session.connection().execute(here.values(status=HookStatus.CANCELLED, updated_at=now)).rowcount


def overdue(session: Session, now: datetime) -> tuple[int, datetime | None]:
    """How many hooks could be called by now, and since when the first of them could (None: none could)."""
    due = (Hook.status == HookStatus.PLANNED, col(Hook.not_before) <= now)
    return session.exec(select(func.count(), func.min(Hook.not_before)).where(*due)).one()


def stuck(session: Session) -> int:
    """How many hooks are set aside for a person."""
    return session.exec(select(func.count(col(Hook.id))).where(Hook.status == HookStatus.STUCK)).one()


def stuck_by_step(session: Session, journey: str | None = None) -> dict[str, int]:
    """How many hooks are set aside for a person: by `journey/step`, of one journey or of all."""
    query = select(Hook.journey, Hook.step).where(Hook.status == HookStatus.STUCK)
    if journey is not None:
        query = query.where(Hook.journey == journey)
    found = Counter(f"{key}/{step}" for key, step in session.exec(query))
    return dict(sorted(found.items()))


def last_of_step(session: Session, enrollment_id: str, step: str) -> Hook | None:
    """The newest call of a step of an enrollment: that of its last visit."""
    query = select(Hook).where(Hook.enrollment_id == enrollment_id, Hook.step == step)
    return session.exec(query.order_by(col(Hook.visit).desc(), col(Hook.created_at).desc()).limit(1)).first()


def last_failing(session: Session, enrollment_id: str) -> Hook | None:
    """The newest call of an enrollment that no receiver has taken after a try of it; None where there is none."""
    failing = (HookStatus.PLANNED, HookStatus.CALLING, HookStatus.FAILED, HookStatus.STUCK)
    query = select(Hook).where(
        Hook.enrollment_id == enrollment_id, col(Hook.status).in_(failing), col(Hook.attempts) > 0
    )
    return session.exec(query.order_by(col(Hook.created_at).desc()).limit(1)).first()


def not_delivered(session: Session, journey: str) -> Sequence[tuple[str, HookStatus, int | None, int]]:
    """The calls of a journey that no receiver has taken: step, status, last answer, and how many share these.

    What was taken is not looked at, however much there is.
    """
    left = [status for status in HookStatus if status != HookStatus.DELIVERED]
    shared = (col(Hook.step), col(Hook.status), col(Hook.answer))
    query = select(*shared, func.count()).where(Hook.journey == journey, col(Hook.status).in_(left)).group_by(*shared)
    found = session.exec(query).all()
    return sorted(
        ((step, HookStatus(status), answer, count) for step, status, answer, count in found),
        key=lambda one: (one[0], one[1], one[2] or 0),
    )
