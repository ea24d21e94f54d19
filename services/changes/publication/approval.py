"""Two pairs of eyes: a draft is published by another person than who wrote it, and as its plan has told.

A key counts as the user who made it while signed in (`services.access.keys.persons`).
Whether an installation asks for that is a setting of its own (`WAYPOST_APPROVAL`), which this module does not know. A
rollback asks for nothing: what it publishes was approved before.
"""

from sqlmodel import Session

from services.access.keys import persons
from services.definitions.journey_versions import journeys
from services.errors import InvalidInput, Refused
from store.tables.access import Operation


def check(session: Session, key: str, by: str, planned: Operation | None) -> None:
    """Whether the user or key `by` may publish the draft of a journey, whose plan was checked.

    Raise NotFound where there is no journey, Refused where the draft is their own or nobody knows whose
    (`own_draft`, `unknown_author`), InvalidInput where customers may be under way and no plan was named.
    """
    journey = journeys.get(session, key)
    if journey.drafted_by is None:
        raise Refused(f"nobody knows who wrote the draft of {key!r}; change it once more", "unknown_author")
    if journey.drafted_by == by:
        raise Refused(f"this key wrote the draft of {key!r}, and another one publishes it", "own_draft")
    if persons.same(session, journey.drafted_by, by):
        told = f"who wrote the draft of {key!r} made this key, or the same user made both; somebody else publishes it"
        raise Refused(told, "own_draft")
    if journey.live_version is not None and planned is None:
        raise InvalidInput("the plan is part of what is approved: plan first, and give its token", "token")
