"""Runs a journey on the simulator, and reads from the trace what a test asks of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from journeys.machine.state import State
from journeys.program.program import Program
from journeys.simulation.simulator import PastFacts, RecordedEvent, Trace, simulate

Compile = Callable[[str], Program]

HEAD = "journey: j\nenter: [{on: Signed Up}]\nstart: a\n"


def run(
    program: Program, begin: datetime, days: float, *events: tuple[float, str], attributes: dict[str, Any] | None = None
) -> Trace:
    """Simulate `days` from `begin`, with events given as (day, name)."""
    recorded = [
        RecordedEvent(seq=seq, name=name, at=begin + timedelta(days=day))
        for seq, (day, name) in enumerate(events, start=1)
    ]
    state = State(customer="cus_1", enrollment="enr_1")
    return simulate(program, state, PastFacts(recorded, attributes or {}), begin, begin + timedelta(days=days))


def mails(trace: Trace) -> list[tuple[str, float]]:
    """Each mail's step with the day on which it was planned."""
    start = trace.state.entered_at
    assert start is not None
    return [(one.step, (one.at - start).total_seconds() / 86_400) for one in trace.planned]


def moves(trace: Trace) -> list[str]:
    return [
        f"{one.stage}->{one.detail['to']} by {one.detail['cause']}" for one in trace.decisions if one.what == "moved"
    ]
