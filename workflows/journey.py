"""One enrollment as a durable workflow: a thin shell round `journeys.machine.drive`.

It holds one state and drives the core from input to input: decisions ride along with the one question, which a local
activity answers. There is no marketing in here, and nothing personal.
"""

from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from activities.signatures import ASK, PLAN, SETTLE, CommandBatch, Reply
from journeys.machine.commands import Ask, Decide, Plan, Question, Settle
from journeys.machine.drive import drive, proceed
from journeys.machine.inputs import Begin, Control, EventArrived, Input, Interrupted, Leave, Pause, Resume, Skip, Woke
from journeys.machine.machine import refusal
from journeys.machine.state import State
from journeys.program.program import Program

RENEW_AFTER = 600
"""Events of a history after which a workflow goes on with a fresh one. A replay takes about a millisecond an event
(measured on the recorded histories, two cores), so one that was let go from memory is back in well under a second, of
the ten that a workflow task has. Temporal itself suggests it from 4,096 on."""

ANSWER_WITHIN = timedelta(seconds=90)
"""For one attempt to answer: longer than a transaction may wait for SQLite's write lock, a minute
(`store.dialects.sqlite.BUSY_MS`)."""

RETRY = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30))
"""An attempt that failed is made again, for ever: after 0.2 s, then twice as long each time, up to half a minute while
the database is away. An enrollment never ends for it."""


@dataclass(slots=True)
class _Waiting:
    """A control that a person waits for; `outcome` is None until it was worked off, then "" or the refusal."""

    control: Control
    outcome: str | None = None


@workflow.defn(name="JourneyWorkflow")
class JourneyWorkflow:
    """Carries one customer through one journey.

    Its arguments are the program, which travels as its digest, and the state that it begins from.
    """

    @workflow.init
    def __init__(self, program: Program, state: State) -> None:
        self.program = program
        self.state = state
        self.inbox: deque[Input | _Waiting] = deque()

    @workflow.run
    async def run(self, program: Program, state: State) -> str | None:
        """Run to the end of the enrollment; return the reason why it ended."""
        if self.state.phase == "new":
            await self._take(Begin(at=self.state.entered_at or workflow.now()))
        while not self.state.ended:
            await self._turn()
        while self.inbox:
            await self._work_off(self.inbox.popleft())
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.state.reason

    @workflow.signal
    def event(self, event: EventArrived) -> None:
        """An event that this enrollment waits for; they come in the order of their numbers, each at least once."""
        self.inbox.append(event)

    @workflow.signal
    def leave(self, reason: str) -> None:
        """End the enrollment, whatever it is doing; `reason` is kept as the reason why it ended."""
        self.inbox.append(Leave(at=workflow.now(), reason=reason))

    @workflow.signal
    def resume(self) -> None:
        """The journey, which had been paused, goes on."""
        self.inbox.append(Resume(at=workflow.now()))

    @workflow.update
    async def control(self, verb: str, reason: str) -> None:
        """Pause, resume, skip or exit, for a person who waits for the answer; returns once it was worked off.

        Raises ApplicationError `Refused`, with the reason, where it cannot be done: before it is written to the
        history, where that is certain already.
        """
        waiting = _Waiting(_control(verb, reason))
        self.inbox.append(waiting)
        await workflow.wait_condition(lambda: waiting.outcome is not None)
        if waiting.outcome:
            raise ApplicationError(waiting.outcome, type="Refused", non_retryable=True)

    @control.validator
    def _control_is_possible(self, verb: str, reason: str) -> None:
        refused = refusal(self.state, _control(verb, reason))
        if refused:
            raise ApplicationError(refused, type="Refused", non_retryable=True)

    @workflow.query
    def current(self) -> State:
        """The state behind the last input that was worked off whole: no question is open in it."""
        return self.state

    async def _turn(self) -> None:
        """Do one thing: the next input, a deadline, a fresh history, or sleep."""
        if self.inbox:
            await self._work_off(self.inbox.popleft())
        elif self._due():
            await self._take(Woke(at=workflow.now()), fence=self.state.cursor)
        elif self._history_is_long():
            await workflow.wait_condition(workflow.all_handlers_finished)
            if not self.inbox:
                workflow.continue_as_new(args=[self.program, self.state])
        else:
            await self._sleep()

    def _due(self) -> bool:
        return self.state.wakes_at is not None and self.state.wakes_at <= workflow.now()

    def _history_is_long(self) -> bool:
        info = workflow.info()
        return info.is_continue_as_new_suggested() or info.get_current_history_length() >= RENEW_AFTER

    async def _sleep(self) -> None:
        timeout = self.state.wakes_at - workflow.now() if self.state.wakes_at is not None else None
        try:
            await workflow.wait_condition(lambda: bool(self.inbox), timeout=timeout)
        except TimeoutError:
            return

    async def _work_off(self, given: Input | _Waiting) -> None:
        if not isinstance(given, _Waiting):
            return await self._take(given)
        refused = refusal(self.state, given.control)
        if refused is None:
            await self._take(given.control)
        given.outcome = refused or ""

    async def _take(self, given: Input, fence: int | None = None) -> None:
        """Work off one input, with every question it leads to.

        A deadline is fenced: where an event has come that is not worked off yet, the attempt is abandoned (the state
        is as it was, so that is all it takes) and the events go first. While the journey is paused, an enrollment that
        would wake is paused instead; events are left for the resume to bring.
        """
        driving, gate = drive(self.program, self.state, [given]), isinstance(given, EventArrived | Woke)
        reached = proceed(driving)
        while not isinstance(reached, State):
            reply = await self._call(*reached, fence, gate)
            if isinstance(reply, Interrupted):
                return await self._abandon(reply)
            reached, fence, gate = proceed(driving, reply), None, False
        self.state = reached

    async def _abandon(self, interrupted: Interrupted) -> None:
        self.inbox.extendleft(reversed(interrupted.events))
        if interrupted.parked:
            await self._take(Pause(at=workflow.now(), by="journey"))

    async def _call(self, records: tuple[Decide, ...], question: Question, fence: int | None, gate: bool) -> Reply:
        call = CommandBatch(
            enrollment=self.state.enrollment,
            now=workflow.now(),
            records=records,
            question=question,
            fence=fence,
            gate=gate,
        )
        return await workflow.execute_local_activity(
            _activity(question),
            call,
            result_type=Reply,  # type: ignore[arg-type]
            start_to_close_timeout=ANSWER_WITHIN,
            retry_policy=RETRY,
        )


def _activity(question: Question) -> str:
    match question:
        case Ask():
            return ASK
        case Plan():
            return PLAN
        case Settle():
            return SETTLE
        case _:
            assert_never(question)


def _control(verb: str, reason: str) -> Control:
    now = workflow.now()
    match verb:
        case "pause":
            return Pause(at=now)
        case "resume":
            return Resume(at=now)
        case "skip":
            return Skip(at=now)
        case "exit":
            return Leave(at=now, reason=reason or "exited")
        case _:
            raise ApplicationError(f"there is no control {verb!r}", type="Refused", non_retryable=True)
