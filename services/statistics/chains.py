"""How far somebody came along a chain of milestones, in order, within a time that begins with the first of them.

Each step is the first of its kind at or after the step before. The same milestone again is another time of it, later
than the one that was counted; and an event behind a stage is later than coming to it, since the event that brought
somebody there is none that they did afterwards.
"""

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

Link = TypeVar("Link", bound=Hashable)


def walked(
    begun: datetime,
    chain: Sequence[Link],
    instants: Mapping[Link, Sequence[datetime]],
    within: timedelta,
    later: Sequence[bool],
) -> list[datetime]:
    """When each step of a chain was reached, the first at `begun`, up to the one that was not.

    `instants` has when each was reached at all, in order. `later` says of each step whether it must be later than the
    one before it.
    """
    ends, reached = begun + within, [begun]
    used: dict[Link, datetime] = {chain[0]: begun}
    for one, must_be_later in zip(chain[1:], later[1:], strict=True):
        last, same = reached[-1], used.get(one)
        found = next(
            (
                at
                for at in instants.get(one, ())
                if last <= at <= ends and not (must_be_later and at == last) and (same is None or at > same)
            ),
            None,
        )
        if found is None:
            break
        reached.append(found)
        used[one] = found
    return reached
