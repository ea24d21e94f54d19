"""Controls: what was asked of enrollments, and what came of it."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from store import bulk
from store.ids import new_id
from store.statuses import ControlStatus
from store.tables.enrollments import ControlRequest, Enrollment

Destination = tuple[str, str | None]
"""A stage, and a step of it; None where it is the first."""


def row(
    enrollment: Enrollment,
    verb: str,
    now: datetime,
    *,
    reason: str = "",
    control_id: str | None = None,
    to: Destination | None = None,
    late: str | None = None,
) -> bulk.ColumnValues:
    """The columns of a control that is asked of an enrollment now: pause, resume, skip, move (`to` a place) or exit.

    `late` is what a resume makes of overdue mails.
    """
    stage, step = to or (None, None)
    return {
        "id": control_id or new_id("ctl"),
        "enrollment_id": enrollment.id,
        "customer_id": enrollment.customer_id,
        "verb": verb,
        "reason": reason,
        "stage": stage,
        "step": step,
        "late": late,
        "status": ControlStatus.ASKED,
        "refusal": None,
        "asked_at": now,
        "done_at": None,
    }


def add(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Ask for them."""
    bulk.add(session, ControlRequest, rows)


def asked(session: Session, enrollment_id: str) -> Sequence[ControlRequest]:
    """What is asked of an enrollment and not done yet, in the order of asking; held until the transaction ends."""
    query = select(ControlRequest).where(
        ControlRequest.enrollment_id == enrollment_id, ControlRequest.status == ControlStatus.ASKED
    )
    return session.exec(query.order_by(col(ControlRequest.asked_at), col(ControlRequest.id)).with_for_update()).all()


def as_stored(session: Session, control_id: str) -> tuple[ControlRequest, Enrollment] | None:
    """A control and its enrollment as their rows stand, whatever statements have changed them in this transaction."""
    session.flush()
    control = session.get(ControlRequest, control_id, populate_existing=True)
    run = session.get(Enrollment, control.enrollment_id, populate_existing=True) if control is not None else None
    return (control, run) if control is not None and run is not None else None


def locked(session: Session, control_id: str) -> ControlRequest | None:
    """One of them, held until the transaction ends."""
    return session.get(ControlRequest, control_id, with_for_update=True)


def ask_again(session: Session, control: ControlRequest, now: datetime) -> None:
    """Ask for one anew that was withdrawn."""
    control.status, control.asked_at, control.done_at = ControlStatus.ASKED, now, None
    session.add(control)


def settle(
    session: Session, control: ControlRequest, status: ControlStatus, now: datetime, refusal: str | None = None
) -> None:
    """Say what came of one."""
    control.status, control.refusal, control.done_at = status, refusal, now
    session.add(control)
