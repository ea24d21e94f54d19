"""Keeps a lane's deliver activity running for ever; another worker takes over when its heartbeats stop."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.signatures import DELIVER
from workflows.task_queues import DELIVERY

SHIFTS = 50
"""Activities in one history, of six events each: a day of them, and far below the 51,200 that Temporal bears."""

HEARTBEAT = timedelta(seconds=12)
"""After so long without one the owner of a lane counts as dead, and another worker takes the lane over. Each heartbeat
is a write of Temporal's, and five lanes send them where nothing happens."""

SHIFT = timedelta(hours=1)
"""An activity ends by itself after half of it (`activities.delivery.shift.SHIFT`)."""

RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10))
"""A shift that failed begins anew after a second, then twice as long, for ever: nobody is mailed while a lane rests, so
it rests for ten seconds at most."""


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
                task_queue=DELIVERY,
                start_to_close_timeout=SHIFT,
                heartbeat_timeout=HEARTBEAT,
                retry_policy=RETRY,
            )
        workflow.continue_as_new(lane)
