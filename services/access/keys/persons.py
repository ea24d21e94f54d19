"""Which person stands behind a user or a key: a key counts as the user who made it while signed in.

Who made a key is read from the audit log, which is kept for ever. A key whose makers are keys alone, as those of the
command line are, counts by itself: nobody knows whom it was given to.
"""

from collections.abc import Mapping

from sqlmodel import Session

from store.queries.access import audits
from store.tables.users import User


def same(session: Session, one: str | None, other: str | None) -> bool:
    """Whether the same person may have acted as both, which are ids of users or keys; nobody is no person."""
    if one is None or other is None:
        return False
    if one == other:
        return True
    makers = audits.makers_of_keys(session)
    ends = {_end(makers, one), _end(makers, other)}
    return len(ends) == 1 and session.get(User, ends.pop()) is not None


def _end(makers: Mapping[str, str], actor: str) -> str:
    """Who made this key, and the key that made it, and so on; the actor itself where no call did."""
    seen = set[str]()
    while actor in makers and actor not in seen:
        seen.add(actor)
        actor = makers[actor]
    return actor
