"""A run that is stuck and was asked to end is given up: it ends where it stands, and its journey is not asked.

Each of its wakes ends in an error, so that none would come to what was asked: by a person, by a merge, by a run that
takes its place, or by whoever archives its journey. The workflow takes the end over as it takes over any state.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from journeys.machine.state import State
from journeys.machine.woken import WOKEN, Woken, checksum, kept, restored
from services.enrollments.controls import asking, standing
from services.messages.deciding import withdrawing
from store.queries.enrollment import controls, decisions, interests
from store.queries.mails import messages
from store.statuses import ControlStatus
from store.tables.enrollments import ControlRequest, Enrollment

EXIT = "exit"
"""The control that ends a run."""


def give_up(session: Session, own: Enrollment, error: str, now: datetime) -> Woken | None:
    """End it for the reason that was asked first; None where nobody has asked. Its customer is locked.

    Mail that no lane has claimed is taken back. The state that its workflow is handed has ended; `error` is what its
    wakes end in, and stands beside the reason on the timeline.
    """
    asked = controls.asked(session, own.id)
    leaving = next((one for one in asked if one.verb == EXIT), None)
    if leaving is None:
        return None
    before, reached = asking.standing(own), _ended(own, leaving.reason or "exited", now)
    withdrawing.withdraw_all(session, messages.unclaimed(session, own.id, None), "exited", now)
    interests.drop(session, own.id)
    standing.show(session, own, reached, now)
    _settle(session, asked, reached.reason, now)
    standing.put_on_record(session, own, asked, before)
    detail = {"reason": reached.reason, "cause": "person", "stuck": error}
    row = decisions.row(
        own.customer_id, "ended", detail, now, journey=own.journey, enrollment_id=own.id,
        stage=own.stage, step=own.step, visit=own.visit,
    )  # fmt: skip
    decisions.add(session, [row])
    return _handed_over(session, own, reached)


def _ended(own: Enrollment, reason: str, now: datetime) -> State:
    begun = restored(own.state)
    return begun.changed(
        phase="ended", reason=reason, stage=begun.stage or own.stage, mode="rest", until=None, deadlines=(), due=None,
        awaits=None, asking=None, paused=False, clock=max(now, begun.clock or now), entered_at=own.entered_at,
    )  # fmt: skip


def _settle(session: Session, asked: Sequence[ControlRequest], reason: str | None, now: datetime) -> None:
    for one in asked:
        if one.verb == EXIT:
            controls.settle(session, one, ControlStatus.DONE, now)
        else:
            controls.settle(session, one, ControlStatus.REFUSED, now, f"the enrollment has ended ({reason})")


def _handed_over(session: Session, own: Enrollment, reached: State) -> Woken:
    own.wakes += 1
    woken = Woken(number=own.wakes, reason=reached.reason, checksum=checksum(reached), state=reached)
    own.stuck = own.due_at = own.follow_at = own.poked_at = own.nudged_at = None
    own.migrating = False
    own.last_wakes = [WOKEN.dump_python(woken, mode="json", exclude_none=True)]
    own.state = kept(reached)
    session.add(own)
    return woken
