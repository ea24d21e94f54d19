"""How much waits, and for how long: what an operator looks at first when mail is late."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from services.customers.audiences import segments
from services.definitions.journey_versions import journeys
from services.enrollments.controls import poking
from services.reconciliation import reconciling
from services.reconciliation.differences import DifferenceKind
from services.reports.health import silence_report
from store.queries.dispatching import dispatches, wakes_ahead
from store.queries.enrollment import enrollments
from store.queries.figures import counts, message_counts
from store.queries.history import unreadable_values
from store.queries.sending import channels, lanes
from store.queries.sending import hooks as hook_rows
from store.queries.sending.lanes import LANES
from store.statuses import ON_THE_WAY, UNSURE

OPEN = (*ON_THE_WAY, *UNSURE)
"""What a mail is as long as its fate is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Counts, and ages in seconds; zero where nothing is overdue.

    `messages` by lane and status, `lag` by lane, `enrollments` by journey and stage, `closed` the channels that rest,
    `wake_lag` the age of the longest due wake, `behind` the workflows that have not followed what was done ahead,
    `stuck` what was set aside for a person, `overdue` the enrollments that should have acted minutes ago,
    `unreadable` the values that could not be read by source and field, `differences` what the last check has left
    open, `silences` what has stopped happening by kind and journey. A journey or a segment is stuck that is stored and
    cannot be read.
    """

    messages: Mapping[tuple[str, str], int]
    lag: Mapping[str, float]
    dispatches: int
    dispatch_lag: float
    wake_lag: float
    behind: int
    hooks: int
    hook_lag: float
    enrollments: Mapping[tuple[str, str], int]
    closed: Mapping[str, bool]
    stuck: Mapping[str, int]
    overdue: int
    unreadable: Mapping[tuple[str, str], int]
    differences: Mapping[str, int]
    silences: Mapping[tuple[str, str], int]


def standing_still(session: Session, now: datetime) -> dict[str, Any]:
    """How many enrollments should have acted minutes ago, how many end each wake in an error, and what is unreadable.

    A journey or a segment is unreadable whose stored text this build does not understand.
    """
    return {
        "overdue": poking.count_overdue(session, now),
        "stuck": enrollments.count_stuck(session),
        "unreadable_journeys": sorted(journeys.all_unreadable(session)),
        "unreadable_segments": sorted(segments.all_unreadable(session)),
    }


def measure(session: Session, now: datetime) -> Backlog:
    """Everything from kept counts, or by its index."""
    standing = message_counts.by_lane_and_status(session, OPEN)
    waiting, first = dispatches.waiting(session)
    hooks, due = hook_rows.overdue(session, now)
    return Backlog(
        messages={(lane, status): standing.get((lane, status), 0) for lane in LANES for status in OPEN},
        lag={lane: _age(lanes.oldest_due(session, lane, now), now) for lane in LANES},
        dispatches=waiting,
        dispatch_lag=_age(first, now),
        wake_lag=_age(wakes_ahead.next_due(session), now),
        behind=wakes_ahead.count_behind(session),
        hooks=hooks,
        hook_lag=_age(due, now),
        enrollments=counts.all_stages(session),
        closed={one.name: one.closed_until is not None and now < one.closed_until for one in channels.listed(session)},
        stuck={
            "dispatch": dispatches.stuck(session),
            "hook": hook_rows.stuck(session),
            "enrollment": enrollments.count_stuck(session),
            "journey": len(journeys.all_unreadable(session)),
            "segment": len(segments.all_unreadable(session)),
        },
        overdue=poking.count_overdue(session, now),
        unreadable={(one.source, one.field): one.count for one in unreadable_values.listed(session)},
        differences=dict.fromkeys(map(str, DifferenceKind), 0) | reconciling.left_open(reconciling.last_check(session)),
        silences=silence_report.counted(session),
    )


def _age(at: datetime | None, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds()) if at is not None else 0.0
