"""Counters of a worker, beside the SDK's own, where `WAYPOST_METRICS` says. Outside an activity nothing counts."""

from temporalio import activity


def sent(lane: str, status: str, reason: str | None) -> None:
    """One attempt to send a mail came to an end: accepted, failed, unknown, or planned again for a reason."""
    if activity.in_activity():
        counter = activity.metric_meter().create_counter("waypost_sends", "Attempts to send a mail, by outcome.")
        counter.add(1, {"lane": lane, "outcome": status, "reason": reason or ""})


def unexpected(doing: str) -> None:
    """Something was raised that nobody expects, for one item: compose, send, record, look_up, call, upkeep, …"""
    if activity.in_activity():
        counter = activity.metric_meter().create_counter("waypost_unexpected", "Items that failed unexpectedly.")
        counter.add(1, {"doing": doing})
