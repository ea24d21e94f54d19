"""One enrollment as a durable workflow: it wakes, follows, and sleeps until its deadline or a poke.

A wake is one local activity, which works off everything that is due and returns what it put in and was told. The
workflow runs the same core over that and arrives at the same state. The first wake is done before it is started, and
comes with its start. Nothing in here is marketing, or personal.
"""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.signatures import PROGRAM, WAKE, Wake
from journeys.machine.drive import follow
from journeys.machine.machine import MachineError
from journeys.machine.state import State
from journeys.machine.woken import Bookmark, Woken, checksum
from journeys.program.program import Program

RENEW_AFTER = 600
"""Events of a history before it is begun anew: some 100 kB, read again in some hundredths of a second."""

WAKE_WITHIN = timedelta(seconds=90)
"""Longer than a wake waits for the database's lock (60 s), so that what was committed is rarely asked for again."""

RETRY = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30))

STUCK_FOR = timedelta(minutes=10)
"""How long an enrollment that is stuck sleeps before it tries by itself; a poke wakes it at once."""


@workflow.defn(name="JourneyWorkflow")
class JourneyWorkflow:
    """Carries one customer through one journey."""

    @workflow.init
    def __init__(self, program: Program, at: Bookmark) -> None:
        self.program = program
        self.state = at.state
        self.wakes = at.wakes
        self.wakes_at: datetime | None = at.state.wakes_at
        self.reason: str | None = None
        self.astray = False
        self.poked = 0
        self.heard = 0

    @workflow.run
    async def run(self, program: Program, at: Bookmark) -> str | None:
        """Run to the end of the enrollment; return the reason why it ended."""
        if at.woken is not None:
            await self._follow(at.woken)
        if at.rests():
            await self._sleep()
        while self.reason is None:
            more = await self._wake()
            if self.reason is None and self._history_is_long() and workflow.all_handlers_finished():
                workflow.continue_as_new(args=[self.program, Bookmark(state=self.state, wakes=self.wakes)])
            if self.reason is None and not more:
                await self._sleep()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.reason

    @workflow.signal
    def poke(self) -> None:
        """Something has happened that this enrollment waits for, or was asked of it."""
        self.poked += 1

    @workflow.update
    async def hurry(self) -> None:
        """Come back when everything that was stored by now is worked off."""
        self.poked += 1
        mine = self.poked
        await workflow.wait_condition(lambda: self.heard >= mine or self.reason is not None)

    @workflow.query
    def current(self) -> State:
        """The state that the last wake led to."""
        return self.state

    async def _wake(self) -> bool:
        """Work off what is due; whether more is due than one wake does."""
        heard = self.poked
        woken = await self._work_off()
        if woken.stuck:
            self.wakes_at = workflow.now() + STUCK_FOR
        else:
            await self._follow(woken)
        if not woken.more:
            self.heard = heard
        return woken.more

    async def _work_off(self) -> Woken:
        asked = Wake(enrollment=self.state.enrollment, number=self.wakes + 1, now=workflow.now(), astray=self.astray)
        return await workflow.execute_local_activity(
            WAKE, asked, result_type=Woken, start_to_close_timeout=WAKE_WITHIN, retry_policy=RETRY
        )

    async def _follow(self, woken: Woken) -> None:
        """Arrive where the wake did.

        When to act is the wake's word, never this code's: a history that an older core made leads to the same commands.
        Where this core arrives elsewhere it says so, and the next wake brings the state.
        """
        if woken.state is not None:
            self.state, self.astray = woken.state, False
            if woken.digest not in (None, self.program.digest):
                self.program = await self._program(woken.digest)
        elif not self.astray:
            self.astray = not self._arrives(woken)
        self.wakes = woken.number or self.wakes + bool(woken.inputs)
        self.wakes_at, self.reason = woken.wakes_at, woken.reason

    async def _program(self, digest: str | None) -> Program:
        return await workflow.execute_local_activity(
            PROGRAM, digest, result_type=Program, start_to_close_timeout=WAKE_WITHIN, retry_policy=RETRY
        )

    def _arrives(self, woken: Woken) -> bool:
        try:
            self.state = follow(self.program, self.state, woken.inputs, woken.answers)
        except MachineError as error:
            workflow.logger.error("went_astray", extra={"wake": self.wakes + 1, "error": str(error)})
            return False
        arrived = checksum(self.state) == woken.checksum
        if not arrived:
            workflow.logger.error("went_astray", extra={"wake": self.wakes + 1, "error": "another state"})
        return arrived

    def _history_is_long(self) -> bool:
        info = workflow.info()
        return info.is_continue_as_new_suggested() or info.get_current_history_length() >= RENEW_AFTER

    async def _sleep(self) -> None:
        timeout = self.wakes_at - workflow.now() if self.wakes_at is not None else None
        try:
            await workflow.wait_condition(lambda: self.poked > self.heard, timeout=timeout)
        except TimeoutError:
            return
