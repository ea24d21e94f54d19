"""One run of a workflow as the SDK runs it in production, without a server: activations go in, commands come out.

The instance is the SDK's own, unsandboxed, so the product's workflow class is run as it is. A run that is replayed gets
the activations of its history again and must give the same commands.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import (
    InitializeWorkflow,
    WorkflowActivation,
    WorkflowActivationJob,
)
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.common import Priority, TypedSearchAttributes
from temporalio.converter import DefaultFailureConverter
from temporalio.worker._workflow_instance import UnsandboxedWorkflowRunner, WorkflowInstanceDetails

from workflows.claim_check import WaypostPayloadConverter
from workflows.journey import JourneyWorkflow

CONVERTER = WaypostPayloadConverter()
BEGAN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class ReplayDiffers(AssertionError):
    """A workflow that was replayed gave other commands than its history has."""


class WorkflowFailed(AssertionError):
    """The workflow raised what nobody expects."""


@cache
def _definition() -> "workflow._Definition":
    return workflow._Definition.must_from_class(JourneyWorkflow)


class WorkflowRun:
    """A run in the memory of one worker; `seen` counts the activations it has had, `last` is what the last one gave.
    Each lets the history grow by `grows` events."""

    def __init__(self, workflow_id: str, number: int, grows: int) -> None:
        self.seen, self.number, self._grows = 0, number, grows
        self.last: Sequence[WorkflowCommand] = ()
        self._instance = UnsandboxedWorkflowRunner().create_instance(
            WorkflowInstanceDetails(
                payload_converter_factory=lambda: CONVERTER,
                failure_converter_class=DefaultFailureConverter,
                interceptor_classes=[],
                defn=_definition(),
                info=_info(workflow_id, f"{workflow_id}#{number}"),
                randomness_seed=1,
                extern_functions={"__temporal_assert_local_activity_valid": lambda name: None},
                disable_eager_activity_execution=True,
                worker_level_failure_exception_types=[],
                patch_activation_callback=None,
                last_completion_result=None,  # type: ignore[arg-type]
                last_failure=None,
            )
        )

    def activate(
        self, at: datetime, jobs: Sequence[WorkflowActivationJob], *, replaying: bool = False
    ) -> Sequence[WorkflowCommand]:
        """What the workflow does about these jobs; raise WorkflowFailed where it raises."""
        activation = WorkflowActivation(jobs=jobs, is_replaying=replaying, history_length=self._grows * self.seen)
        activation.timestamp.FromDatetime(at)
        loop = asyncio.get_running_loop()
        try:
            completion = self._instance.activate(activation)
        finally:
            asyncio._set_running_loop(loop)
        self.seen += 1
        if completion.HasField("failed"):
            raise WorkflowFailed(completion.failed.failure.message)
        self.last = completion.successful.commands
        return self.last


def beginning(workflow_id: str, arguments: Sequence[Payload]) -> WorkflowActivationJob:
    """The job that begins a run."""
    begin = InitializeWorkflow(workflow_type="JourneyWorkflow", workflow_id=workflow_id, arguments=arguments)
    return WorkflowActivationJob(initialize_workflow=begin)


def _info(workflow_id: str, run_id: str) -> workflow.Info:
    return workflow.Info(
        attempt=1, continued_run_id=None, cron_schedule=None, execution_timeout=None, first_execution_run_id=run_id,
        headers={}, namespace="default", original_execution_run_id=run_id, parent=None, root=None,
        priority=Priority.default, raw_memo={}, retry_policy=None, run_id=run_id, run_timeout=None,
        search_attributes={}, start_time=BEGAN, task_queue="journeys",
        task_timeout=timedelta(seconds=10), typed_search_attributes=TypedSearchAttributes.empty,
        workflow_id=workflow_id, workflow_start_time=BEGAN, workflow_type="JourneyWorkflow",
    )  # fmt: skip
