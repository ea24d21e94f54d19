"""Whose turn it is in a lane: each campaign's oldest due mail goes before anybody's second.

Nothing is locked here: whoever claims what is found locks it, and reads it again.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, zip_longest

from sqlmodel import Session

from services.definitions import broadcasts
from services.definitions.broadcast_definition import BroadcastIn
from services.installation import rates
from store.queries.consent import topics
from store.queries.definitions import broadcasts as broadcast_rows
from store.queries.definitions import journeys
from store.queries.sending import lanes
from store.queries.sending.lanes import BROADCAST, DueMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The mails whose turn it is; the broadcast of each, by its id, and what was taken of the rates of these."""

    mails: Sequence[DueMessage]
    broadcasts: Mapping[str, str] = field(default_factory=dict[str, str])
    taken: Mapping[str, int] = field(default_factory=dict[str, int])


NOBODYS = Turn(mails=())
"""The channel bears nothing now."""


def due(session: Session, lane: str, limit: int, now: datetime) -> Turn:
    """The oldest due mail of each campaign, then the second of each, and so on; `limit` at most."""
    if lane == BROADCAST:
        return _broadcasts(session, limit, now)
    return Turn(mails=_in_turns(_journeys(session, lane, limit, now), limit))


def _in_turns(queues: Iterable[Sequence[DueMessage]], limit: int) -> list[DueMessage]:
    in_turns = chain.from_iterable(zip_longest(*queues))
    return [one for one in in_turns if one is not None][:limit]


def give_back(session: Session, turn: Turn, claimed: Collection[str]) -> None:
    """What a broadcast's rate let go and is not among the `claimed`: others had the turns, or a policy stopped it."""
    gone = Counter(turn.broadcasts[one] for one in claimed if one in turn.broadcasts)
    rates.give_back(session, {_bucket(key): taken - gone[key] for key, taken in turn.taken.items()})


def return_tokens(session: Session, channel: str | None, campaigns: Sequence[str | None]) -> None:
    """Mails that were claimed and did not go, by the broadcast of each: they are taken off no rate."""
    unsent = Counter(_bucket(key) for key in campaigns if key is not None)
    if channel is not None:
        unsent[channel] = len(campaigns)
    rates.give_back(session, unsent)


def _journeys(session: Session, lane: str, limit: int, now: datetime) -> Sequence[Sequence[DueMessage]]:
    keys = lanes.journeys_with_planned(session, lane)
    paused = journeys.paused_among(session, keys)
    going = {one: paused.get(one, ()) for one in keys}
    going = {one: stages for one, stages in going.items() if stages is not None}
    found = lanes.due_of_journeys(session, lane, going, topics.paused_keys(session), limit, now)
    return [found[one] for one in going]


def _broadcasts(session: Session, limit: int, now: datetime) -> Turn:
    stopped = topics.paused_keys(session)
    bodies = {row.key: broadcasts.body_of(row) for row in broadcast_rows.under_way(session)}
    going = [key for key, body in bodies.items() if body.topic not in stopped]
    found = lanes.due_of_broadcasts(session, going, limit, now)
    allowed = _allowed(session, bodies, {key: len(those) for key, those in found.items() if those}, now)
    queues = {key: found[key][: allowed.get(key, limit)] for key in going}
    owners = {one.id: key for key, queue in queues.items() for one in queue}
    return Turn(mails=_in_turns(queues.values(), limit), broadcasts=owners, taken=allowed)


def _allowed(
    session: Session, bodies: Mapping[str, BroadcastIn], wanted: Mapping[str, int], now: datetime
) -> Mapping[str, int]:
    """How many mails of each broadcast its own rate lets go now; those without a rate are left out."""
    limited = {key: rate for key in wanted if (rate := bodies[key].rate) is not None}
    draws = {_bucket(key): (rates.parse(rate), wanted[key]) for key, rate in limited.items()}
    taken = rates.take_all(session, draws, now)
    return {key: taken[_bucket(key)] for key in limited}


def _bucket(broadcast: str) -> str:
    return f"broadcast {broadcast}"
