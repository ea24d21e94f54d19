"""Long work that somebody asked for: one activity, which starts over where a worker died."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.signatures import OPERATE
from workflows.delivery import TASK_QUEUE


@workflow.defn(name="OperationWorkflow")
class OperationWorkflow:
    """One operation."""

    @workflow.run
    async def run(self, operation_id: str) -> str:
        """Return how it ended."""
        return await workflow.execute_activity(
            OPERATE,
            operation_id,
            result_type=str,
            task_queue=TASK_QUEUE,
            start_to_close_timeout=timedelta(hours=24),
            heartbeat_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)),
        )
