"""The places of a worker in which workflows run: none is lost for ever to a busy machine.

The SDK takes a workflow that has not yielded for two seconds for a deadlock, and raises an error inside its thread. One
that merely got no time, on a machine that is busy or stopped for a while, is hit in the middle of whatever it does;
tasks that are half made can then never be ended, so the workflow is never let go: its place is lost, and its customer
stands still until the process ends. Ours wait for nothing while they run (they ask activities), so patience costs
nothing.
"""

import asyncio
from typing import Any

from temporalio.worker import Worker

PATIENCE = 60
"""Seconds without a yield until a workflow counts as a deadlock: more than any starved one needed (a worker with 6% of
its time), and six times what the server gives a task."""

LOOK_EVERY = 5.0
"""Seconds between two looks at the places that are lost."""


class PlaceLost(Exception):
    """A workflow could not be let go; only another process gets its place back."""


def patient(worker: Worker) -> Worker:
    """The same worker, which takes no starved workflow for a deadlock.

    Raise AttributeError where the SDK keeps this elsewhere (it has no option for it, sdk-python 1050).
    """
    workflows = _workflows(worker)
    if not hasattr(workflows, "_deadlock_timeout_seconds"):
        raise AttributeError("temporalio keeps the time of its deadlock detector elsewhere: see workflow_slots")
    workflows._deadlock_timeout_seconds = PATIENCE
    return worker


async def watch(worker: Worker, every: float = LOOK_EVERY, patience: float = PATIENCE) -> None:
    """Look after the places for ever. Raise PlaceLost where one has not come back for `patience` seconds."""
    lost_for = 0.0
    while lost_for < patience:
        await asyncio.sleep(every)
        lost_for = lost_for + every if _workflows(worker)._could_not_evict_count else 0.0
    raise PlaceLost(f"a workflow could not be let go for {lost_for:.0f} s")


def _workflows(worker: Worker) -> Any:
    return getattr(worker, "_workflow_worker", None)
