"""The worker process: workflows with their local activities, the delivery lanes, the dispatcher.

One process does all of it, or one task queue alone: `journeys` (workflows, dispatcher, schedules) or `delivery` (the
lanes, long operations), so that each is scaled by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import structlog
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import PollerBehaviorAutoscaling, Worker, WorkerDeploymentConfig
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities import meters
from activities.delivery.shift import APART, BEAT, Delivery
from activities.upkeep import LANE as UPKEEP
from activities.wake import Waking
from services.enrollments import hooks
from services.reports.health import readiness
from store.queries.sending.lanes import LANES
from waypost.processes import scheduler, workflow_slots
from waypost.processes.dispatcher import Dispatcher
from waypost.processes.following import LAG
from waypost.processes.health import HealthPort
from waypost.processes.scheduler import Scheduler
from waypost.processes.supervision import supervise
from waypost.wiring import Parts
from workflows.delivery import DeliveryWorkflow
from workflows.gateway import Gateway
from workflows.journey import JourneyWorkflow
from workflows.operation import OperationWorkflow
from workflows.sweep import SweepWorkflow
from workflows.task_queues import DELIVERY, DEPLOYMENT, JOURNEYS

PUMPED = (*LANES, hooks.LANE, UPKEEP)
"""Lanes that a delivery workflow keeps going."""

QUEUES = (JOURNEYS, DELIVERY)
"""Task queues, each of which may have workers of its own."""

THREADS = 16
"""Threads that answer, and as many workflow tasks at once: more would wait in the worker until they time out."""

CACHED = 500
"""Workflows kept in memory between two wakes: 0.2 MB each (measured on the lifecycle journey), so 100 MB in all. One
that was let go is replayed from its history at its next wake."""

DRAIN = timedelta(seconds=25)
"""How long what is under way may take to end: longer than a usual call to a provider or a webhook (10 s), and shorter
than the whole process has (`supervision.ENDS_WITHIN`). A mail that is cut off all the same (a mail server may take ten
minutes over its answer) is `unknown`, and waits for evidence."""

Tasks = dict[str, Callable[[], Awaitable[None]]]
"""What runs until it is cancelled, by name."""

log = structlog.get_logger("waypost.worker")


def journey_worker(
    client: Client, parts: Parts, threads: ThreadPoolExecutor, *, strict: bool = False, lag: timedelta = timedelta()
) -> Worker:
    """Workflows and the questions they ask. With `strict` (tests) a bug fails the workflow instead of retrying.

    `lag` is how long after a deadline workflows look, where a dispatcher wakes ahead of them.
    """
    waking, restrictions = Waking(parts.database, lag), SandboxRestrictions.default.with_passthrough_all_modules()
    worker = Worker(
        client,
        task_queue=JOURNEYS,
        workflows=[JourneyWorkflow, DeliveryWorkflow, SweepWorkflow, OperationWorkflow],
        activities=[waking.wake, waking.program],
        activity_executor=threads,
        workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
        workflow_failure_exception_types=[Exception] if strict else [],
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(initial=8),
        max_cached_workflows=CACHED,
        max_concurrent_workflow_tasks=THREADS,
        max_concurrent_local_activities=THREADS,
        graceful_shutdown_timeout=DRAIN,
        deployment_config=_build(parts),
    )
    return workflow_slots.patient(worker)


def delivery_worker(client: Client, parts: Parts) -> Worker:
    """The lanes."""
    return Worker(
        client,
        task_queue=DELIVERY,
        activities=[
            Delivery(
                parts.pumped, lambda: parts.notices.listener(APART).wait, parts.pulses.beat, parts.pulses.ended
            ).deliver,
            parts.sweep().sweep,
            parts.operations().operate,
        ],
        max_concurrent_activities=len(PUMPED) * 4,
        max_heartbeat_throttle_interval=timedelta(seconds=BEAT),
        graceful_shutdown_timeout=DRAIN,
        deployment_config=_build(parts),
    )


def _build(parts: Parts) -> WorkerDeploymentConfig | None:
    """Where builds have names, journeys go over to the promoted one at their next task: they live for years."""
    if parts.settings.build_id is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=DEPLOYMENT, build_id=parts.settings.build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


async def run(parts: Parts, stop: asyncio.Event, queues: Collection[str] = QUEUES) -> None:
    """Work on these task queues until `stop` is set, then drain.

    Raises SideTaskEnded where a part of it has ended, and CutOff where the draining does not end: the SDK waits for its
    long polls to come back, and a server that is away, or that lost one, brings none for a minute.
    """
    if DELIVERY in queues:
        _ = parts.sender  # raises CannotStart before anything is claimed
    gateway = await parts.gateway(parts.settings.metrics)
    if JOURNEYS in queues:
        for lane in PUMPED:
            await gateway.keep_lane(lane)
    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="answer")
    log.info("worker_ready", queues=sorted(queues))
    await supervise(_workers(parts, gateway, queues, threads) | _beside(parts, gateway, queues), stop)
    threads.shutdown()
    log.info("worker_drained")
    await parts.close_clients()


def _workers(parts: Parts, gateway: Gateway, queues: Collection[str], threads: ThreadPoolExecutor) -> Tasks:
    """The workers of Temporal, by name; one that is cancelled drains."""
    made: Tasks = {}
    if DELIVERY in queues:
        made["delivery worker"] = delivery_worker(gateway.client, parts).run
    if JOURNEYS in queues:
        journeys = journey_worker(gateway.client, parts, threads, lag=LAG)
        made |= {"journey worker": journeys.run, "workflow places": partial(workflow_slots.watch, journeys)}
    return made


def _beside(parts: Parts, gateway: Gateway, queues: Collection[str]) -> Tasks:
    """What runs beside the workers of Temporal, by name."""
    database, beat = parts.database, parts.pulses.beat
    tasks: Tasks = {"notices": parts.notices.run, "pulses": parts.pulses.run}
    if parts.settings.health is not None:
        tasks["health"] = HealthPort(parts.settings.health, parts.pulses, database, parts.clock).run
    if JOURNEYS in queues:
        count = meters.counting(gateway.meter)
        dispatcher = Dispatcher(database, gateway, parts.clock, parts.span, parts.notices, beat, count, LAG)
        own = (*readiness.WAKERS, *readiness.DISPATCHERS, readiness.DEADLINES, readiness.FOLLOWING, scheduler.PART)
        for part in own:
            beat(part)
        tasks |= {"dispatcher": dispatcher.run, "scheduler": Scheduler(database, gateway, beat, count).run}
    return tasks
