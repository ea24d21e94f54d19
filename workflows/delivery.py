"""Keeps a lane's deliver activity running for ever; another worker takes over when its heartbeats stop."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.signatures import DELIVER

TASK_QUEUE = "delivery"
SHIFTS = 50
HEARTBEAT = timedelta(seconds=10)
SHIFT = timedelta(hours=1)
RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10))


@workflow.defn(name="DeliveryWorkflow")
class DeliveryWorkflow:
    """One per lane."""

    @workflow.run
    async def run(self, lane: str) -> None:
        """Keep the lane's activity running; after SHIFTS of them, as a new run with a fresh history."""
        for _ in range(SHIFTS):
            await workflow.execute_activity(
                DELIVER,
                lane,
                task_queue=TASK_QUEUE,
                start_to_close_timeout=SHIFT,
                heartbeat_timeout=HEARTBEAT,
                retry_policy=RETRY,
            )
        workflow.continue_as_new(lane)
