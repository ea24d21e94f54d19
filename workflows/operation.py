"""Long work that somebody asked for: one activity, which starts over where a worker died."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.signatures import OPERATE
from workflows.task_queues import DELIVERY

LONGEST = timedelta(hours=24)
"""One attempt; what is left then is the next one's, which goes on behind the last page."""

HEARTBEAT = timedelta(seconds=30)
"""A page of customers takes some seconds; after so long without one the worker counts as dead."""

RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
"""A worker that died is no failure of the work: the next attempt comes soon. How many there are is for the activity to
say."""


@workflow.defn(name="OperationWorkflow")
class OperationWorkflow:
    """One operation."""

    @workflow.run
    async def run(self, operation_id: str) -> str:
        """Return how it ended: a status of the operation, or that there was nothing to do."""
        return await workflow.execute_activity(
            OPERATE,
            operation_id,
            result_type=str,
            task_queue=DELIVERY,
            start_to_close_timeout=LONGEST,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=RETRY,
        )
