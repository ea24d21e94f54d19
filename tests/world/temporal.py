"""A small model of Temporal: what the product relies on, and nothing more.

Starts and signals that were answered are kept. A workflow task is worked off by one worker at a time; what came of it
is kept when it is completed, all of it or, where the worker dies, nothing: then another worker gets the task again and
replays what was kept before. Timers go by this server's own clock. A lane is one owner's, until it misses its
heartbeats.
"""

import asyncio
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import FireTimer, SignalWorkflow, WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import WorkflowCommand

from tests.world.clock import WorldClock
from tests.world.workflow_instance import beginning

TASK_WITHIN = 10.0
"""Seconds after which a workflow task is another worker's."""

BEATS_WITHIN = 12.0
"""Seconds without a heartbeat after which a lane is another worker's (`workflows.delivery.HEARTBEAT`)."""

ENDINGS = ("complete_workflow_execution", "continue_as_new_workflow_execution", "fail_workflow_execution")


@dataclass(frozen=True, slots=True, kw_only=True)
class Activated:
    """One activation, as a history keeps it."""

    at: datetime
    jobs: Sequence[WorkflowActivationJob]
    commands: Sequence[bytes]


@dataclass(slots=True)
class Execution:
    """A workflow: what was kept of it, what it has not heard yet, and who works on it (`token`)."""

    id: str
    begins_at: datetime
    history: list[Activated] = field(default_factory=list)
    pending: list[WorkflowActivationJob] = field(default_factory=list)
    taken: list[WorkflowActivationJob] = field(default_factory=list)
    timers: dict[int, datetime] = field(default_factory=dict)
    token: int = 0
    held: bool = False
    run: int = 1
    ended: bool = False

    def copied(self) -> "Execution":
        """As a backup of the server has it: a task that is under way is not part of it."""
        other = copy(self)
        other.history, other.timers = [*self.history], {**self.timers}
        other.pending, other.taken, other.held = [*self.taken, *self.pending], [], False
        return other


class Temporal:
    """The server. `sometimes` is told what happened."""

    def __init__(self, clock: WorldClock, sometimes: Callable[[str], None]) -> None:
        self.executions: dict[str, Execution] = {}
        self._clock = clock
        self._sometimes = sometimes
        self._told = asyncio.Event()
        self._owners: dict[str, tuple[object, float]] = {}
        self.lose_signals = self.double_signals = 0
        self.away = False

    # -- what clients ask ----------------------------------------------------------------------------------------------

    def start(self, workflow_id: str, arguments: Sequence[Payload], rests: timedelta, *, signal: bool = False) -> bool:
        """Begin a workflow, once; False where its id was used."""
        if workflow_id in self.executions:
            return self.signal(workflow_id) if signal and not self.executions[workflow_id].ended else False
        made = Execution(workflow_id, self._clock.now() + rests, pending=[beginning(workflow_id, arguments)])
        self.executions[workflow_id] = made
        if signal:
            self.signal(workflow_id)
        self._tell()
        return True

    def signal(self, workflow_id: str) -> bool:
        """A poke; False where there is no such workflow, or it has ended."""
        found = self.executions.get(workflow_id)
        if found is None or found.ended:
            return False
        if self.lose_signals:
            self.lose_signals -= 1
            self._sometimes("a poke was lost")
            return True
        if self.double_signals:
            self.double_signals -= 1
            self._sometimes("a poke came twice")
            self._poke(found)
        self._poke(found)
        return True

    def _poke(self, found: Execution) -> None:
        found.pending.append(WorkflowActivationJob(signal_workflow=SignalWorkflow(signal_name="poke")))
        self._tell()

    def rouse(self, workflow_id: str, arguments: Sequence[Payload]) -> bool:
        """A poke that also ends the rest of a workflow before its first task; False where it has ended."""
        if not self.start(workflow_id, arguments, timedelta(), signal=True):
            return False
        self.executions[workflow_id].begins_at = min(self.executions[workflow_id].begins_at, self._clock.now())
        return True

    def terminate(self, workflow_id: str) -> None:
        """End it, and forget it."""
        self.executions.pop(workflow_id, None)

    # -- workflow tasks ------------------------------------------------------------------------------------------------

    async def next_task(self) -> tuple[Execution, int]:
        """The next workflow that has something to hear, held until it is completed or TASK_WITHIN is over."""
        while True:
            for one in self.executions.values():
                if one.pending and not one.held and not one.ended and one.begins_at <= self._clock.now():
                    return one, self._hold(one)
            await self._told.wait()

    def _hold(self, one: Execution) -> int:
        one.taken, one.pending, one.held = one.pending, [], True
        one.token += 1
        asyncio.get_running_loop().call_later(TASK_WITHIN, self.let_go, one, one.token)
        return one.token

    def let_go(self, one: Execution, token: int) -> None:
        """Its worker did not complete the task: another one gets it."""
        if one.held and one.token == token:
            one.pending, one.taken, one.held = [*one.taken, *one.pending], [], False
            self._sometimes("a workflow task was done again")
            self._tell()

    def complete(self, one: Execution, token: int, done: Sequence[Activated]) -> bool:
        """Keep what came of a task; False where it is not kept, since it came too late or must hear more first."""
        if one.token != token or not one.held or self.executions.get(one.id) is not one:
            self._sometimes("a workflow task came too late")
            return False
        commands = [WorkflowCommand.FromString(raw) for step in done for raw in step.commands]
        ending = next((command for command in commands if command.WhichOneof("variant") in ENDINGS), None)
        if ending is not None and one.pending:
            self._sometimes("a workflow was told more at its end")
            self.let_go(one, token)
            return False
        one.history.extend(done)
        one.taken, one.held = [], False
        for command in commands:
            self._carry_out(one, command)
        self._tell()
        return True

    def _carry_out(self, one: Execution, command: WorkflowCommand) -> None:
        match command.WhichOneof("variant"):
            case "start_timer":
                one.timers[command.start_timer.seq] = (
                    self._clock.now() + command.start_timer.start_to_fire_timeout.ToTimedelta()
                )
            case "cancel_timer":
                seq = command.cancel_timer.seq
                one.timers.pop(seq, None)
                one.pending = [
                    job for job in one.pending if not job.HasField("fire_timer") or job.fire_timer.seq != seq
                ]
            case "complete_workflow_execution":
                one.ended = True
            case "fail_workflow_execution":
                raise AssertionError(f"{one.id} failed: {command.fail_workflow_execution.failure.message}")
            case "continue_as_new_workflow_execution":
                self._sometimes("a workflow continued as new")
                arguments = command.continue_as_new_workflow_execution.arguments
                one.history, one.timers, one.run = [], {}, one.run + 1
                one.pending = [beginning(one.id, arguments)]
            case _:
                pass  # local activities are the worker's own

    # -- time ----------------------------------------------------------------------------------------------------------

    def next_instant(self) -> datetime | None:
        """When the next timer fires, or the next workflow's rest ends; None where nothing does."""
        live = [one for one in self.executions.values() if not one.ended]
        found = [at for one in live for at in one.timers.values()]
        found += [one.begins_at for one in live if one.pending and one.begins_at > self._clock.now()]
        return min(found, default=None)

    def tick(self) -> None:
        """Fire what is due."""
        now = self._clock.now()
        for one in self.executions.values():
            for seq in [seq for seq, at in one.timers.items() if at <= now and not one.ended]:
                del one.timers[seq]
                one.pending.append(WorkflowActivationJob(fire_timer=FireTimer(seq=seq)))
        self._tell()

    # -- lanes ---------------------------------------------------------------------------------------------------------

    async def next_shift(self, lane: str, owner: object) -> None:
        """Return when this owner has the lane: nobody else beats for it."""
        loop = asyncio.get_running_loop()
        while True:
            known = self._owners.get(lane)
            if known is None or loop.time() - known[1] > BEATS_WITHIN:
                if known is not None:
                    self._sometimes("an owner missed its heartbeats")
                self._owners[lane] = (owner, loop.time())
                return
            await asyncio.sleep(known[1] + BEATS_WITHIN - loop.time() + 0.01)

    def owner(self, lane: str) -> object:
        """Whose a lane is; None where it is nobody's."""
        return self._owners.get(lane, (None, 0.0))[0]

    def beat(self, lane: str, owner: object) -> None:
        """This owner lives."""
        if self.owner(lane) is owner:
            self._owners[lane] = (owner, asyncio.get_running_loop().time())

    def end_shift(self, lane: str, owner: object) -> None:
        """The owner stops by itself."""
        if self.owner(lane) is owner:
            del self._owners[lane]

    # -- backups -------------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Execution]:
        """What a backup of the server holds."""
        return {name: one.copied() for name, one in self.executions.items()}

    def restore(self, taken: dict[str, Execution]) -> None:
        """Put a backup in its place."""
        self.executions = {name: one.copied() for name, one in taken.items()}
        self._owners.clear()
        self._tell()

    def _tell(self) -> None:
        self._told.set()
        self._told = asyncio.Event()
