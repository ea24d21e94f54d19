"""Which export positions had been given out by when, kept once an hour, so that a first run since a day begins there.

An export is in the order of positions, and no index has the instants in that order. What was written after a mark has
its position or a larger one, so whoever asks for what came since then need not look at anything below it.
"""

from datetime import datetime, timedelta

from sqlmodel import Session

from store.queries.listing import exports

EVERY = timedelta(hours=1)
"""How far apart marks are: an hour's rows are looked at in vain at most. They are 9,000 short rows a year."""


def run_due(session: Session, now: datetime) -> int:
    """Make a mark, where the last one is an hour old; return 0, since one is enough."""
    exports.mark(session, now, EVERY)
    return 0
