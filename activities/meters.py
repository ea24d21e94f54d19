"""Counters of a worker, beside the SDK's own, where `WAYPOST_METRICS` says. Outside an activity nothing counts."""

from typing import Literal, get_args

from temporalio import activity
from temporalio.common import MetricCounter

Doing = Literal[
    "compose", "freeze", "send", "record", "give_back", "look_up", "call", "record_hook", "upkeep", "wake", "operate"
]
"""What a worker was at when something was raised that nobody expects; a label of `waypost_unexpected`."""

DOINGS: tuple[Doing, ...] = get_args(Doing)
"""All of them, to be shown as zero from the start."""


def show_zeros() -> None:
    """Show every count of the unexpected from the start, as zero: an alarm asks how much one has grown."""
    if activity.in_activity():
        for doing in DOINGS:
            _unexpected().add(0, {"doing": doing})


def sent(lane: str, status: str, reason: str | None) -> None:
    """One attempt to send a mail came to an end: accepted, failed, unknown, or planned again for a reason."""
    if activity.in_activity():
        counter = activity.metric_meter().create_counter("waypost_sends", "Attempts to send a mail, by outcome.")
        counter.add(1, {"lane": lane, "outcome": status, "reason": reason or ""})


def unexpected(doing: Doing) -> None:
    """Something was raised that nobody expects, for one item."""
    if activity.in_activity():
        _unexpected().add(1, {"doing": doing})


def _unexpected() -> MetricCounter:
    return activity.metric_meter().create_counter("waypost_unexpected", "Items that failed unexpectedly.")
