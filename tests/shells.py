"""What the workflow does, without Temporal: the core is driven, and the database answers, a transaction each."""

from collections.abc import Sequence
from datetime import datetime

from journeys.machine.commands import Decide, Question
from journeys.machine.drive import drive, proceed
from journeys.machine.inputs import Answer, Input, Interrupted
from journeys.machine.state import State
from services.definitions import journeys
from services.enrollments import wake
from store.session import Database
from store.tables.enrollments import Enrollment


class Shell:
    """One enrollment. To set `state` back forgets everything since a point, as a worker does that dies."""

    def __init__(self, database: Database, digest: str, state: State) -> None:
        self.database, self.state = database, state
        with database.reading() as session:
            self.program = journeys.compiled(session, digest)

    @staticmethod
    def of(database: Database, enrollment: Enrollment) -> "Shell":
        state = State(customer=enrollment.customer_id, enrollment=enrollment.id, cursor=enrollment.cursor)
        return Shell(database, enrollment.digest, state)

    def take(self, given: Input, now: datetime, fence: bool = False) -> Interrupted | None:
        """Work off one input; with `fence` only where no event waits above the cursor."""
        driving, cursor = drive(self.program, self.state, [given]), self.state.cursor if fence else None
        reached = proceed(driving)
        while not isinstance(reached, State):
            reply = self.perform(*reached, now, cursor)
            if isinstance(reply, Interrupted):
                return reply
            reached, cursor = proceed(driving, reply), None
        self.state = reached
        return None

    def lose(self, given: Input, now: datetime) -> None:
        """Get the first question of an input answered, and die before anybody hears of it."""
        self.perform(*next(drive(self.program, self.state, [given])), now)

    def perform(
        self, decisions: Sequence[Decide], question: Question, now: datetime, fence: int | None = None
    ) -> Answer | Interrupted:
        """Record and answer, as the activities do."""
        with self.database.writing() as session:
            return wake.perform(session, self.state.enrollment, decisions, question, now=now, fence=fence)
