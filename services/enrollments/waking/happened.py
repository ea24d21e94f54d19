"""What has happened to a customer and is not worked off yet by one enrollment, from the database.

Read under the customer's lock, so nothing falls between: what is stored later is there for the next wake. What a person
asked for by a clock that runs ahead was asked now, so that nobody's deadline comes before its time.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import get_args

from pydantic import TypeAdapter
from sqlmodel import Session

from journeys.facts.guards import PROFILE_EVENTS
from journeys.language.words import Late
from journeys.machine.inputs import Control, EventArrived, Halting, Input, Leave, Move, Pause, Resume, Skip
from store.queries.enrollment import controls
from store.queries.enrollment.enrollments import EnrollmentToWake
from store.queries.history import events
from store.statuses import ControlStatus
from store.tables.customers import Customer
from store.tables.enrollments import ControlRequest

AHEAD = 200
"""Events read at a time: a few wakes' worth."""

_LATE: TypeAdapter[Late | None] = TypeAdapter(Late | None)


class Happened:
    """`journeys.machine.ahead.Ahead`, as of now."""

    def __init__(self, session: Session, customer: Customer, waking: EnrollmentToWake, now: datetime) -> None:
        enrollment = waking.enrollment
        self._session, self._customer, self._enrollment, self._now = session, customer, enrollment, now
        self._paused_stages = waking.paused_stages
        self._asked = deque(controls.asked(session, enrollment.id)) if waking.asked else deque[ControlRequest]()
        self._events: deque[EventArrived] = deque()
        self._names: Sequence[str] | None = None
        self.settled: list[ControlRequest] = []

    def halted(self, stage: str) -> Halting | None:
        """Whether the whole journey, or this stage, is paused."""
        if self._paused_stages is None:
            return "journey"
        return "stage" if stage in self._paused_stages else None

    def event(self, above: int, names: Sequence[str]) -> EventArrived | None:
        """The first event above this number that one of the names tells, and that fires something."""
        if self._customer.seq <= above:
            return None
        while self._events and self._events[0].seq <= above:
            self._events.popleft()
        if names != self._names or not self._events:
            self._names = names
            found = events.ahead(self._session, self._customer.id, above, names, AHEAD)
            self._events = deque(EventArrived(at=at, seq=seq, name=name) for at, seq, name in found)
        return self._events[0] if self._events else None

    def control(self) -> Control | None:
        """What was asked for first; or the end of the journey's or the stage's pause, which paused this enrollment."""
        if self._enrollment.paused_by in get_args(Halting) and self.halted(self._enrollment.stage) is None:
            return Resume(at=self._now)
        return self._first_asked()

    def taken(self, given: Input, refused: str | None) -> None:
        """Settle the control that is this input; `refused` is why it is not."""
        first = self._first_asked()
        if first is None or (given.kind, given.at) != (first.kind, first.at):
            return
        self._settle(ControlStatus.REFUSED if refused else ControlStatus.DONE, refused)

    def refuse_the_rest(self, why: str) -> None:
        """Whatever else was asked of it comes too late."""
        while self._asked:
            self._settle(ControlStatus.REFUSED, why)

    def _settle(self, status: ControlStatus, refusal: str | None) -> None:
        first = self._asked.popleft()
        controls.settle(self._session, first, status, self._now, refusal)
        self.settled.append(first)

    def _first_asked(self) -> Control | None:
        return _control(self._asked[0], self._now) if self._asked else None

    def addressed(self, above: int) -> datetime | None:
        """The receipt of the first word about the profile behind `above`; now, where the address came by a merge."""
        if self._customer.email is None:
            return None
        said = events.ahead(self._session, self._customer.id, above, PROFILE_EVENTS, 1)
        return min((at for at, _, _ in said), default=self._now)

    def seq_by(self, above: int, at: datetime) -> int:
        """The number up to which all events had come by this instant."""
        if self._customer.seq <= above:
            return above
        later = events.first_after(self._session, self._customer.id, above, at)
        return later - 1 if later is not None else self._customer.seq


def _control(asked: ControlRequest, now: datetime) -> Control:
    at = min(asked.asked_at, now)
    match asked.verb:
        case "pause":
            return Pause(at=at)
        case "resume":
            return Resume(at=at, late=_LATE.validate_python(asked.late))
        case "skip":
            return Skip(at=at)
        case "move":
            return Move(at=at, stage=asked.stage or "", step=asked.step)
        case _:
            return Leave(at=at, reason=asked.reason or "exited")
