"""What the workflow does, without Temporal: it wakes in a transaction, follows, and knows when to wake again."""

from datetime import datetime

from journeys.machine.drive import follow
from journeys.machine.woken import Woken, checksum, restored
from journeys.program.program import Program
from services.definitions.journey_versions import journeys
from services.enrollments.waking import wake
from store.session import Database
from store.tables.enrollments import Enrollment


class Shell:
    """One enrollment. `lose` wakes as a worker does that dies before anybody hears of it."""

    def __init__(self, database: Database, enrollment: Enrollment) -> None:
        self.database, self.enrollment, self.wakes = database, enrollment.id, 0
        self.state = restored(enrollment.state)
        self.program = self._program(enrollment.digest)

    def _program(self, digest: str) -> Program:
        with self.database.reading() as session:
            return journeys.compiled(session, digest)

    def wake(self, now: datetime) -> Woken:
        """Work off what is due, and arrive at the same state, as often as more is due."""
        woken = self.follow(now)
        return self.wake(now) if woken.more else woken

    def follow(self, now: datetime) -> Woken:
        """Wake once, and arrive at the same state."""
        woken = self.lose(now)
        self.state = woken.state or follow(self.program, self.state, woken.inputs, woken.answers)
        if woken.digest is not None:
            self.program = self._program(woken.digest)
        assert checksum(self.state) == woken.checksum, "the workflow arrives where the wake did"
        self.wakes = woken.number or self.wakes + bool(woken.inputs)
        return woken

    def lose(self, now: datetime, *, astray: bool = False) -> Woken:
        """Wake, and forget what came of it."""
        return self.database.write(
            lambda session: wake.wake(session, self.enrollment, self.wakes + 1, now, astray=astray)
        )
