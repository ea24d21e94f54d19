"""All that the API, the command line and the dispatcher know of Temporal: start, poke, ask.

TemporalUnavailable     Temporal cannot be reached; what was asked was not done
TemporalRefused         the workflow refused, and says why
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import (
    DeleteWorkflowExecutionRequest,
    DescribeNamespaceRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client, Interceptor, WorkflowUpdateFailedError
from temporalio.common import MetricMeter, Priority, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode

from workflows.claim_check import ProgramRef, ResolveProgram, data_converter
from workflows.cluster import Cluster
from workflows.task_queues import DEPLOYMENT, JOURNEYS

HURRY_WITHIN = timedelta(seconds=20)
"""How long a person waits for a control: shorter than the client's time-out (30 s), so that they get an answer."""


EXAMINED_WITHIN = timedelta(seconds=15)
"""A namespace of Temporal Cloud answers within one; whoever waits sits before a terminal."""

ONCE = WorkflowIDReusePolicy.REJECT_DUPLICATE
"""An id that was ever used begins nothing."""

ONCE_MORE = WorkflowIDReusePolicy.ALLOW_DUPLICATE
"""An id begins again once its last run is over, however it ended."""


class TemporalUnavailable(Exception):
    """Temporal did not answer."""


class TemporalRefused(Exception):
    """Something that Temporal, or the workflow, did not accept."""


async def connect(
    cluster: Cluster,
    resolve: ResolveProgram,
    identity: str | None = None,
    metrics: str | None = None,
    interceptors: Sequence[Interceptor] = (),
    within: timedelta = EXAMINED_WITHIN,
) -> "Gateway":
    """Connect to Temporal as `identity`; raise TemporalUnavailable where it cannot be reached `within` this time.

    `resolve` finds the programs that histories name. Where `metrics` is set (host:port), the SDK and its activities
    show theirs there.
    """
    runtime = _runtime(metrics) if metrics else None
    try:
        async with asyncio.timeout(within.total_seconds()):
            client = await Client.connect(
                cluster.address,
                namespace=cluster.namespace,
                api_key=cluster.api_key,
                tls=cluster.tls,
                data_converter=data_converter(resolve, cluster.codec),
                identity=identity,
                runtime=runtime,
                interceptors=interceptors,
            )
    except TimeoutError:
        raise TemporalUnavailable(f"{_silent(within)} at {cluster.address}") from None
    except (RuntimeError, ValueError) as error:
        told = str(error).splitlines()[0]
        raise TemporalUnavailable(f"Temporal cannot be reached at {cluster.address}: {told}") from None
    return Gateway(client, runtime.metric_meter if runtime is not None else MetricMeter.noop)


def _silent(within: timedelta) -> str:
    return f"Temporal takes the call and answers nothing within {within.total_seconds():g} seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """Where a workflow begins: the digest of its program, and a `Bookmark` with the state as it is kept."""

    digest: str
    state: Mapping[str, Any]
    wakes: int = 0

    def arguments(self) -> list[Any]:
        """Those of the workflow, as a history keeps them; what is left out has its default."""
        wakes = {"wakes": self.wakes} if self.wakes else {}
        return [ProgramRef(self.digest), {"state": dict(self.state), **wakes}]


@cache
def _runtime(metrics: str) -> Runtime:
    """The SDK's own, with an exporter; a process has one."""
    exporter = PrometheusConfig(
        bind_address=metrics, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
    )
    return Runtime(telemetry=TelemetryConfig(metrics=exporter))


class Gateway:
    """One connection to Temporal.

    Where a call says nothing else, it raises the SDK's RPCError when Temporal does not answer. `meter` is for whoever
    counts beside the activities.
    """

    def __init__(self, client: Client, meter: MetricMeter = MetricMeter.noop) -> None:
        self.client = client
        self.meter = meter

    async def start(
        self,
        workflow_id: str,
        begins: Beginning,
        priority: int,
        rests: timedelta | None = None,
    ) -> None:
        """Start an enrollment's workflow; one that runs or has run already is left as it is.

        `priority` is Temporal's, 1 to 5, the lowest number first. For as long as it `rests` no worker hears of it,
        unless somebody rouses it.
        """
        with suppress(WorkflowAlreadyStartedError):
            await self.client.start_workflow(
                "JourneyWorkflow",
                args=begins.arguments(),
                id=workflow_id,
                task_queue=JOURNEYS,
                id_reuse_policy=ONCE,
                priority=Priority(priority_key=priority),
                start_delay=rests,
            )

    async def promote(self, build_id: str) -> None:
        """From now on workers of this build get the work; raise TemporalRefused as long as none of them has come."""
        service, namespace = self.client.workflow_service, self.client.namespace
        try:
            await service.set_worker_deployment_current_version(
                SetWorkerDeploymentCurrentVersionRequest(
                    namespace=namespace, deployment_name=DEPLOYMENT, build_id=build_id
                )
            )
        except RPCError as error:
            if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION):
                raise TemporalRefused(f"the build {build_id!r} cannot be promoted: {error.message}") from None
            raise

    async def operate(self, workflow_id: str, operation_id: str, *, again: bool = False) -> None:
        """Start the work of an operation, once: an id that was used is left as it is, unless it is to begin `again`."""
        try:
            await self.client.start_workflow(
                "OperationWorkflow",
                operation_id,
                id=workflow_id,
                task_queue=JOURNEYS,
                id_reuse_policy=ONCE_MORE if again else ONCE,
            )
        except WorkflowAlreadyStartedError:
            return

    async def rouse(self, workflow_id: str, stands: Beginning) -> bool:
        """`poke` an enrollment that may rest since its start, which a signal by itself would not end.

        Where Temporal knows nothing of it, it begins where it `stands`. False where the workflow has ended.
        """
        try:
            await self.client.start_workflow(
                "JourneyWorkflow",
                args=stands.arguments(),
                id=workflow_id,
                task_queue=JOURNEYS,
                id_reuse_policy=ONCE,
                start_signal="poke",
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def restart(self, workflow_id: str, stands: Beginning) -> None:
        """Begin a workflow where its enrollment `stands`, whatever became of the one before; one that runs stays."""
        with suppress(WorkflowAlreadyStartedError):
            await self.client.start_workflow(
                "JourneyWorkflow",
                args=stands.arguments(),
                id=workflow_id,
                task_queue=JOURNEYS,
                id_reuse_policy=ONCE_MORE,
                start_signal="poke",
            )

    async def end(self, workflow_id: str) -> None:
        """End a workflow whose customer is gone, and have Temporal forget it."""
        handle = self.client.get_workflow_handle(workflow_id)
        try:
            await handle.terminate(reason="erased")
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
        try:
            execution = WorkflowExecution(workflow_id=workflow_id)
            request = DeleteWorkflowExecutionRequest(namespace=self.client.namespace, workflow_execution=execution)
            await self.client.workflow_service.delete_workflow_execution(request)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise

    async def hurry(self, workflow_id: str, within: timedelta = HURRY_WITHIN) -> None:
        """Come back when an enrollment has worked off everything that was stored by now, or has ended.

        Raises TemporalUnavailable where Temporal cannot be had, or no worker has done it `within` this time.
        """
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self.client.get_workflow_handle(workflow_id).execute_update("hurry")
        except TimeoutError:
            raise TemporalUnavailable(
                f"no worker has done it within {within.total_seconds():.0f} seconds; none may be running"
            ) from None
        except WorkflowUpdateFailedError:
            return  # it ended while it was asked
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise TemporalUnavailable(f"Temporal did not answer: {error.message}") from None

    async def keep_lane(self, lane: str) -> None:
        """See to it that a lane's delivery workflow runs; one that runs already is left as it is."""
        try:
            await self.client.start_workflow("DeliveryWorkflow", lane, id=f"delivery/{lane}", task_queue=JOURNEYS)
        except WorkflowAlreadyStartedError:
            return

    async def examine(self, within: timedelta = EXAMINED_WITHIN) -> None:
        """Ask for our namespace; raise TemporalUnavailable with what is wrong: the key, the namespace, the cluster.

        One that takes the call and does not answer `within` this time is wrong too.
        """
        request = DescribeNamespaceRequest(namespace=self.client.namespace)
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self.client.workflow_service.describe_namespace(request)
        except TimeoutError:
            raise TemporalUnavailable(_silent(within)) from None
        except RPCError as error:
            told = error.message or error.status.name
            raise TemporalUnavailable(f"Temporal refuses the namespace {self.client.namespace!r}: {told}") from None

    async def healthy(self) -> bool:
        """Whether Temporal says that it serves; False too where it does not answer."""
        try:
            return await self.client.service_client.check_health()
        except RPCError:
            return False
