"""The gap that is usual between two times of something, by which a silence is told from a night or a weekend.

Of each of the four weeks before the last time the longest gap that lies in it, or reaches into it, is taken, and of
these the second longest: every week has its nights and its weekend, and one outage or holiday makes no silence usual.
What came for the first time less than three weeks before the last has no usual gap: of it nothing can be told.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from store.queries.audiences.rhythms import STRIDE, Gap

WEEK = timedelta(days=7)
WEEKS = 4
"""How far it is looked back."""

FEWEST = 3
"""Weeks that must be known: what is new has no habits."""

TIMES = 3
"""A silence is longer than so many usual gaps."""


def usual(gaps: Sequence[Gap], first: datetime, last: datetime) -> timedelta | None:
    """The usual gap of something that came first and last at these instants, from its gaps of the WEEKS before.

    A gap that is not among them is shorter than STRIDE. None: it cannot be told.
    """
    known: list[timedelta] = []
    for week in range(WEEKS):
        begins, ends = last - (week + 1) * WEEK, last - week * WEEK
        if first <= begins:
            known.append(max([STRIDE, *(length for over, length in gaps if over > begins and over - length < ends)]))
    return sorted(known)[-2] if len(known) >= FEWEST else None


def is_silence(last: datetime, usual_gap: timedelta, now: datetime) -> bool:
    """Whether what came last at this instant has not come for too long."""
    return now - last > TIMES * usual_gap
