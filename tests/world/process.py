"""A worker process of the product in the world: workflows with their wakes, lanes, the dispatcher, as production wires
them. It can die at any point that it passes, and then nothing of it reaches anybody.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

import detangle
from sqlmodel import Session
from temporalio.bridge.proto.activity_result import ActivityResolution, Success
from temporalio.bridge.proto.workflow_activation import ResolveActivity, WorkflowActivationJob
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment

from activities.delivery.lane import MailLane
from activities.delivery.shift import Delivery
from activities.signatures import WAKE, Wake
from activities.wake import Waking
from store.session import Database
from tests.world.faults import ProcessKilled, database_is_away
from tests.world.temporal import Activated, Execution
from tests.world.workflow_instance import CONVERTER, ReplayDiffers, WorkflowRun
from waypost.processes.dispatcher import Dispatcher
from waypost.processes.following import LAG
from workflows.claim_check import ProgramCodec
from workflows.gateway import Beginning

if TYPE_CHECKING:
    from tests.world.world import World

LANES = ("journey",)

OUTSIDE = ("provider", "temporal")
"""Points beside a call to somebody else than the database."""


class ProcessDatabase(Database):
    """The world's database as one process has it: each transaction passes a point before it begins, and behind it."""

    def __init__(self, shared: Database, process: "Process") -> None:
        self.__dict__.update(shared.__dict__)
        self._process = process

    def write(self, work: Callable[[Session], Any]) -> Any:
        """As in production."""
        point = self._process.world.named(_asked_by(sys._getframe(1)))
        self._process.passes(f"before {point}")
        result = super().write(work)
        self._process.world.committed(point)
        self._process.passes(f"after {point}")
        return result

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """As in production."""
        self._process.lives()
        with super().reading() as session:
            yield session


def _asked_by(frame: FrameType) -> str:
    """The function that asks for a transaction; of wakes ahead, which one it is that is done together."""
    name = frame.f_code.co_name
    return frame.f_locals["work"].__name__ if name == "_together" else name


class HearingDispatcher(Dispatcher):
    """A dispatcher each of whose loops hears of its own work alone: a loop that looks in vain proves nothing."""

    def __init__(self, process: "Process") -> None:
        gateway: Any = SimulatedGateway(process)
        super().__init__(process.database, gateway, process.world.clock.host, lag=LAG)
        self._told: Any = process.world.on_their_way

    async def _keep(self, name: str, work: Any, rest: Any, apart: float) -> None:
        self._notices = self._told[name]  # which is listened to at once
        await super()._keep(name, work, rest, apart)


class Process:
    """One process, by name."""

    def __init__(self, world: "World", name: str) -> None:
        self.world, self.name, self.alive, self.cut_off = world, name, True, False
        self.database = ProcessDatabase(world.database, self)
        self.waking = Waking(self.database, LAG)
        self.codec = ProgramCodec(self._program)
        self._runs: dict[str, WorkflowRun] = {}

    def start(self) -> None:
        """Begin to work."""
        parts = [self._dispatch, self._workflows, *(partial(self._deliver, lane) for lane in LANES)]
        for part in parts:
            detangle.spawn(self._until_killed(part), host=self.name)

    async def _until_killed(self, part: Callable[[], Awaitable[None]]) -> None:
        try:
            await part()
        except ProcessKilled:
            return
        except Exception as error:
            self.world.failed = error
            raise

    def lives(self) -> None:
        """Raise ProcessKilled where it is dead."""
        if not self.alive:
            raise ProcessKilled(self.name)

    def passes(self, point: str) -> None:
        """It comes to a point, where it may die, or find that the database cannot be had."""
        self.lives()
        if self.world.faults.dies(point):
            self.kill()
            raise ProcessKilled(point)
        if not point.endswith(OUTSIDE) and self.world.faults.is_away(point):
            raise database_is_away()

    def kill(self) -> None:
        """kill -9."""
        if self.alive:
            self.alive = False
            self.world.buried(self)

    # -- the dispatcher ------------------------------------------------------------------------------------------------

    async def _dispatch(self) -> None:
        await HearingDispatcher(self).run()

    # -- lanes ---------------------------------------------------------------------------------------------------------

    async def _deliver(self, name: str) -> None:
        world, temporal = self.world, self.world.temporal
        while True:
            await self._reachable()
            await temporal.next_shift(name, self)
            here = ActivityEnvironment()
            here.on_heartbeat = lambda *_: None if self.cut_off or not self.alive else temporal.beat(name, self)
            delivery = Delivery(self._lane, lambda: world.planned.listener().wait)
            try:
                await here.run(delivery.deliver, name)
            except Exception as error:
                world.shift_failed(error)
            temporal.end_shift(name, self)
            await asyncio.sleep(1.0)

    def _lane(self, name: str) -> MailLane:
        self.lives()
        world = self.world
        return MailLane(name, self.database, world.composer, world.receiver.of(self), world.clock.host)

    # -- workflows -----------------------------------------------------------------------------------------------------

    async def _workflows(self) -> None:
        tasks = set[asyncio.Task[None]]()
        while True:
            await self._reachable()
            execution, token = await self.world.temporal.next_task()
            task = asyncio.create_task(self._until_killed(partial(self._work_off, execution, token)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _reachable(self) -> None:
        while self.cut_off:  # noqa: ASYNC110 - it polls, as a worker does
            await asyncio.sleep(1.0)

    async def _work_off(self, execution: Execution, token: int) -> None:
        """A workflow task: activations, with the local activities between them, until nothing is left to do."""
        world = self.world
        run = await self._caught_up(execution)
        done: list[Activated] = []
        jobs: Sequence[WorkflowActivationJob] = execution.taken
        while jobs:
            self.lives()
            done.append(await self._activate(run, world.clock.now(), jobs))
            scheduled = [one for one in run.last if one.HasField("schedule_local_activity")]
            jobs = [await self._answered(one.schedule_local_activity) for one in scheduled]
        await self._reachable()
        self.lives()
        kept = world.temporal.complete(execution, token, done)
        if kept and not execution.ended and execution.history:
            self._runs[execution.id] = run
        else:
            self._runs.pop(execution.id, None)
        world.followed(execution)

    async def _caught_up(self, execution: Execution) -> WorkflowRun:
        """The run in memory, or one that has replayed what was kept."""
        known = self._runs.pop(execution.id, None)
        if known is not None and known.seen == len(execution.history) and known.number == execution.run:
            return known
        run = WorkflowRun(execution.id, execution.run, self.world.grows)
        for step in list(execution.history):
            again = await self._activate(run, step.at, step.jobs, replaying=True)
            if again.commands != step.commands:
                raise ReplayDiffers(execution.id)
        if execution.history:
            self.world.faults.sometimes("a workflow was replayed")
        return run

    async def _activate(
        self, run: WorkflowRun, at: datetime, jobs: Sequence[WorkflowActivationJob], *, replaying: bool = False
    ) -> Activated:
        for job in jobs:
            if job.HasField("initialize_workflow"):
                await self.codec.decode(list(job.initialize_workflow.arguments))
            elif job.HasField("resolve_activity"):
                await self.codec.decode([job.resolve_activity.result.completed.result])
        commands = run.activate(at, jobs, replaying=replaying)
        return Activated(at=at, jobs=jobs, commands=[one.SerializeToString() for one in commands])

    async def _answered(self, asked: Any) -> WorkflowActivationJob:
        """A local activity, tried until it answers, as the SDK does."""
        attempt, arguments = 0, self._arguments(asked)
        self.world.asked(arguments[0])
        while True:
            attempt += 1
            here = ActivityEnvironment()
            here.info = replace(here.info, attempt=attempt, is_local=True)
            try:
                answer = await asyncio.to_thread(here.run, self._activity(asked), *arguments)
                break
            except ApplicationError as error:
                if error.type == "NotFound":  # its customer was erased; the workflow is ended from without
                    raise ProcessKilled(asked.activity_type) from None
            await asyncio.sleep(min(0.2 * 2 ** (attempt - 1), 30.0))
        (payload,) = CONVERTER.to_payloads([answer])
        result = ActivityResolution(completed=Success(result=payload))
        return WorkflowActivationJob(resolve_activity=ResolveActivity(seq=asked.seq, result=result, is_local=True))

    def _activity(self, asked: Any) -> Callable[..., Any]:
        return self.waking.wake if asked.activity_type == WAKE else self.waking.program

    def _arguments(self, asked: Any) -> Sequence[Any]:
        return CONVERTER.from_payloads(list(asked.arguments), [Wake if asked.activity_type == WAKE else str])

    async def _program(self, digest: str) -> Any:
        return await asyncio.to_thread(self.waking.program, digest)


class SimulatedGateway:
    """`workflows.gateway.Gateway`, as the dispatcher uses it."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._temporal = process.world.temporal

    async def start(self, workflow_id: str, begins: Beginning, priority: int, rests: timedelta | None = None) -> None:
        arguments = CONVERTER.to_payloads(begins.arguments())
        await self._call(lambda: self._temporal.start(workflow_id, arguments, rests or timedelta()))

    async def rouse(self, workflow_id: str, stands: Beginning) -> bool:
        arguments = CONVERTER.to_payloads(stands.arguments())
        return await self._call(lambda: self._temporal.rouse(workflow_id, arguments))

    async def end(self, workflow_id: str) -> None:
        await self._call(lambda: self._temporal.terminate(workflow_id))

    async def _call(self, ask: Callable[[], Any]) -> Any:
        """There and back; one who is cut off gets no answer."""
        process, faults = self._process, self._process.world.faults
        process.passes("before temporal")
        await asyncio.sleep(0.001)
        process.lives()
        if process.cut_off or self._temporal.away or faults.is_away("before temporal"):
            raise RPCError("cut off", RPCStatusCode.UNAVAILABLE, b"")
        answer = ask()
        process.passes("after temporal")
        if faults.is_away("after temporal"):
            raise RPCError("timed out", RPCStatusCode.DEADLINE_EXCEEDED, b"")
        return answer
