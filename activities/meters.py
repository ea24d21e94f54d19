"""Counters of a worker, beside the SDK's own, where `WAYPOST_METRICS` says.

Within an activity its own meter counts; what runs beside the activities is given one (`counting`). Else nothing counts.
"""

from collections.abc import Callable
from typing import Literal, get_args

from temporalio import activity
from temporalio.common import MetricCounter, MetricMeter

Doing = Literal[
    "claim",
    "compose",
    "freeze",
    "send",
    "record",
    "give_back",
    "look_up",
    "claim_hook",
    "call",
    "record_hook",
    "upkeep",
    "wake",
    "operate",
]
"""What an activity was at when something was raised that nobody expects; a label of `waypost_unexpected`."""

Beside = Literal["dispatch", "schedule"]
"""What runs beside the activities: the same label."""

CountBeside = Callable[[Beside], None]
"""Counts something unexpected."""

DOINGS: tuple[Doing, ...] = get_args(Doing)
"""All of them, to be shown as zero from the start."""


def show_zeros() -> None:
    """Show every count of the unexpected from the start, as zero: an alarm asks how much one has grown."""
    if activity.in_activity():
        for doing in DOINGS:
            _unexpected(activity.metric_meter()).add(0, {"doing": doing})


def sent(lane: str, status: str, reason: str | None) -> None:
    """One attempt to send a mail came to an end: accepted, failed, unknown, or planned again for a reason."""
    if activity.in_activity():
        counter = activity.metric_meter().create_counter("waypost_sends", "Attempts to send a mail, by outcome.")
        counter.add(1, {"lane": lane, "outcome": status, "reason": reason or ""})


def unexpected(doing: Doing) -> None:
    """Something was raised that nobody expects, for one item."""
    if activity.in_activity():
        _unexpected(activity.metric_meter()).add(1, {"doing": doing})


def counting(meter: MetricMeter) -> CountBeside:
    """What counts on this meter, with every count shown as zero from the start."""
    counter = _unexpected(meter)
    for beside in get_args(Beside):
        counter.add(0, {"doing": beside})
    return lambda beside: counter.add(1, {"doing": beside})


def uncounted(beside: Beside) -> None:
    """Where there is no meter."""


def _unexpected(meter: MetricMeter) -> MetricCounter:
    return meter.create_counter("waypost_unexpected", "Items that failed unexpectedly.")
