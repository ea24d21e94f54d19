"""Listening: what lets customers in or makes them members, as far as it takes to know whether it has changed."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session

_STATE = """
SELECT version.journey, version.digest FROM journey_version AS version
JOIN journey ON journey.key = version.journey AND journey.live_version = version.number
WHERE journey.archived_at IS NULL
UNION ALL SELECT segment.key, segment.guard FROM segment
"""


def state(session: Session) -> Sequence[tuple[Any, ...]]:
    """What listens now: journeys that let customers in with the digests of their versions, segments with their guards.

    Two answers that are alike, in whatever order, are the same rules; every event asks, past the compiler.
    """
    session.flush()
    return sorted(tuple(one) for one in session.connection().exec_driver_sql(_STATE))
