"""A schedule has come round: one activity lets the members of its segment in, and goes on where it was cut off."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.signatures import SWEEP, Occasion
from workflows.task_queues import DELIVERY

LONGEST = timedelta(hours=6)
"""One attempt; what is left then is the next one's, which goes on behind the last page."""

HEARTBEAT = timedelta(minutes=1)
"""A page of members takes some seconds; after so long without one the worker counts as dead."""

RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
"""A page that failed is tried again, for ever, once a minute at the latest: whoever is in the segment gets in."""


@workflow.defn(name="SweepWorkflow")
class SweepWorkflow:
    """One occasion of one schedule."""

    @workflow.run
    async def run(self, digest: str, trigger: str) -> int:
        """Return how many the last attempt enrolled.

        The occasion is named by the workflow's id, which Temporal's schedule ends with its time.
        """
        name = workflow.info().workflow_id.removeprefix("sweep/")
        return await workflow.execute_activity(
            SWEEP,
            Occasion(digest=digest, trigger=trigger, name=name),
            result_type=int,
            task_queue=DELIVERY,
            start_to_close_timeout=LONGEST,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=RETRY,
        )
