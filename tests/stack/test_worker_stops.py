"""A worker that is asked to stop stops in time, whatever Temporal does meanwhile."""

import signal

import psutil
import pytest

from tests.stacks import Stack

GRACE = 30
"""Seconds that a supervisor waits before it kills (`waypost up`; docker-compose.yml gives 40)."""


def process_of(stack: Stack, name: str) -> psutil.Process:
    """The worker of a stack, or its Temporal."""
    (found,) = [one for one in stack.tree()[1:] if name in (one.cmdline()[-1:] + [one.name()])]
    return found


@pytest.mark.timeout(300)
def test_a_worker_stops_in_time_while_temporal_answers_nothing(stack: Stack) -> None:
    """The SDK waits for its long polls to come back, and a server that is away (or lost one) brings none."""
    stack.start()
    worker, temporal = process_of(stack, "worker"), process_of(stack, "temporal")
    temporal.suspend()
    try:
        worker.send_signal(signal.SIGTERM)
        worker.wait(GRACE)
    finally:
        temporal.resume()
    log = stack.home / "logs" / "worker.log"
    stack.until(lambda: "worker_cut_off" in log.read_text())  # the supervisor copies what it said
