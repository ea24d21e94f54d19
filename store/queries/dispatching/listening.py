"""Listening: what lets customers in, makes them members, or one of two: as far as tells whether it has changed."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session

_STATE = """
SELECT version.journey, version.digest || '/' || CAST(version.number AS TEXT) || '/' || CAST(version.share AS TEXT)
FROM journey_version AS version
JOIN journey ON journey.key = version.journey AND journey.live_version = version.number
WHERE journey.archived_at IS NULL
UNION ALL SELECT segment.key, segment.guard FROM segment
UNION ALL SELECT 'settings', CAST(setting.body AS TEXT) FROM setting
"""


def state(session: Session) -> Sequence[tuple[Any, ...]]:
    """What listens now: journeys that let customers in with their versions and its share, segments with their guards.

    The settings of the installation are among it, since they say who is one person.

    Two answers that are alike, in whatever order, are the same rules; every event asks, past the compiler.
    """
    session.flush()
    return sorted(tuple(one) for one in session.connection().exec_driver_sql(_STATE))
