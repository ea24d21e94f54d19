"""Segments: named guards, with members who join and leave as they change.

Membership is worked out when a customer is new, when an event comes that the guard reads, and by the clock where it
reads `now` (`upkeep`). So who is in a segment is who a recount of everybody would find.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlmodel import Session

from journeys.facts import customer_facts, guards
from journeys.facts.guard_cost import EVENT, Purse, Purses
from journeys.facts.guards import GuardResult
from journeys.program.nodes import is_heard
from journeys.program.program import SEGMENT_JOINED
from services.customers.attributes import known_facts, unreadable
from services.errors import InvalidInput, NotFound, Refused
from store.queries.audiences import segments as segment_rows
from store.queries.identity import customers
from store.queries.upkeep import backfills
from store.queries.upkeep.backfills import BackfillsAsked
from store.session import collection_of
from store.tables.customers import Customer, Segment
from store.tables.definitions import JourneyVersion

LEFT = "Segment Left"
"""The event of a customer who is no longer in a segment; `segment` is its property."""

KIND = "segment"
"""The kind of its backfills."""

REMOVED = "segment removed"
"""The backfill that lets go of a removed segment's members."""

PutOffLook = tuple[Segment, Customer, GuardResult]
"""A guard that was not asked about a customer, since others had used up what it shares with them."""

MEMBERS = 500
"""Members of a removed segment that are let go in one transaction: some tens of milliseconds."""

_TOLD: set[str] = set()
"""Guards that cannot be read, each of which the log of this process tells once."""

log = structlog.get_logger("waypost.segments")


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipChange:
    """A customer joins or leaves a segment."""

    segment: str
    event: str


def put(session: Session, key: str, guard: str, name: str | None, now: datetime) -> Segment:
    """Store a segment; everybody is looked at in the background when its guard is new.

    Raise InvalidInput where the guard is none (`check`); Refused while the members of one that was removed are let go.
    """
    check(guard)
    if backfills.under_way(session, REMOVED, key):
        raise Refused(f"the members of the segment {key!r} that was removed are let go still; try again in a moment")
    segment = session.get(Segment, key)
    changed = segment is None or segment.guard != guard
    segment = segment or Segment(key=key, guard=guard, created_at=now, updated_at=now)
    segment.guard, segment.name, segment.updated_at = guard, name, now
    session.add(segment)
    session.flush()
    if changed:
        backfills.start(session, KIND, key, now)
    return segment


def check(guard: str) -> None:
    """Raise InvalidInput where a guard does not compile, is refused, can never hold, or reads an event."""
    try:
        guards.check(guard)
    except ValueError as error:
        raise InvalidInput(str(error), "guard") from None
    if (refusal := guards.refusal(guard)) is not None:
        raise InvalidInput(refusal[1], "guard")
    if (problem := guards.type_problem(guard)) is not None and problem[0]:
        raise InvalidInput(f"the guard can never hold: {problem[1]}", "guard")
    if guards.reads_event(guard):
        raise InvalidInput("a segment's guard reads the customer, not an event", "guard")


def get(session: Session, key: str) -> Segment:
    """A segment; raise NotFound."""
    segment = session.get(Segment, key)
    if segment is None:
        raise NotFound(f"there is no segment {key!r}")
    return segment


def readable(session: Session) -> list[Segment]:
    """Every segment whose stored guard can be read: of one that cannot, everybody stays in or out as they are."""
    return [one for one in segment_rows.listed(session) if _is_readable(one)]


def all_unreadable(session: Session) -> list[str]:
    """The keys of the others."""
    return [one.key for one in segment_rows.listed(session) if not _is_readable(one)]


def _is_readable(segment: Segment) -> bool:
    try:
        guards.reads(segment.guard)
    except ValueError as error:
        if segment.guard not in _TOLD:
            _TOLD.add(segment.guard)
            log.error("segment_unreadable", segment=segment.key, error=type(error).__name__)
        return False
    return True


def delete(session: Session, key: str, used_by: Sequence[str], now: datetime) -> None:
    """Remove a segment that no live journey names; its members are let go in the background, page by page.

    `used_by` are the journeys that do; raise Refused where there are any, NotFound where there is no such segment.
    """
    segment = get(session, key)
    if used_by:
        raise Refused(f"the segment {key!r} lets customers into {', '.join(used_by)}; publish these without it first")
    backfills.stop(session, KIND, key)
    backfills.start(session, REMOVED, key, now)
    session.delete(segment)


def let_go(session: Session, key: str) -> int:
    """Let go of a page of a removed segment's members, who hear nothing of it; return how many. 0 ends it."""
    ids = segment_rows.member_ids(session, key, "", MEMBERS)
    for customer in customers.lock_all(session, ids):
        customer.segments = [one for one in customer.segments if one != key]
        session.add(customer)
    segment_rows.drop_members(session, key, ids)
    return len(ids)


def changes(
    session: Session,
    happened: Sequence[tuple[Customer, str]],
    known: Sequence[Segment],
    now: datetime,
    purses: Purses,
) -> Sequence[tuple[Customer, MembershipChange]]:
    """`evaluate` the segments whose guards read what happened to each customer, an event by its name."""
    looks = [
        (one, customer) for customer, event in happened for one in known if is_heard(guards.reads(one.guard), event)
    ]
    return evaluate(session, looks, now, purses)


def evaluate(
    session: Session, looks: Sequence[tuple[Segment, Customer]], now: datetime, purses: Purses
) -> Sequence[tuple[Customer, MembershipChange]]:
    """Whether each customer is in the segment now, one look after the other; what changed is stored and returned.

    Where a guard would take too long over a customer it is not asked: they stay in or out as they are, which is told
    (`unreadable`). Where others have used up what these guards share, everybody is looked at again in the background.
    """
    changed, put_off = _look(session, looks, now, purses.of)
    if put_off:
        again = collection_of(session, BackfillsAsked)
        for segment, _, _ in put_off:
            again.ask(KIND, segment.key, now)
        unreadable.note_put_off(session, [(one.id, _source(segment), why) for segment, one, why in put_off], now)
    return changed


def recount(
    session: Session, segment: Segment, page: Sequence[Customer], now: datetime
) -> tuple[Sequence[tuple[Customer, MembershipChange]], int]:
    """Look at a page of everybody, as far as what one event's guards may cost goes, and at the first in any case.

    Return what changed, and how many of the page were looked at.
    """
    purse = Purse(EVENT)
    changed, put_off = _look(session, [(segment, customer) for customer in page], now, lambda _: purse)
    looked = page.index(put_off[0][1]) if put_off else len(page)
    return changed, looked


def _look(
    session: Session,
    looks: Sequence[tuple[Segment, Customer]],
    now: datetime,
    purse_of: Callable[[str], Purse],
) -> tuple[list[tuple[Customer, MembershipChange]], list[PutOffLook]]:
    if not looks:
        return [], []
    known = known_facts.of_all(session, [(customer, None) for _, customer in looks])
    found: list[tuple[Customer, MembershipChange]] = []
    asked, put_off = list[tuple[str, str, GuardResult]](), list[PutOffLook]()
    for segment, customer in looks:
        facts = replace(known[customer.id], segments=tuple(customer.segments))
        context = customer_facts.context(facts, None, {}, now)
        verdict = guards.evaluate(segment.guard, context, purse_of(customer.id))
        if verdict.put_off:
            put_off.append((segment, customer, verdict))
            continue
        asked.append((customer.id, _source(segment), verdict))
        belongs = verdict.holds if verdict.asked else segment.key in customer.segments
        if belongs != (segment.key in customer.segments):
            others = [one for one in customer.segments if one != segment.key]
            customer.segments = sorted([*others, segment.key]) if belongs else others
            session.add(customer)
            found.append((customer, MembershipChange(segment=segment.key, event=SEGMENT_JOINED if belongs else LEFT)))
    names = {
        word: [(one.segment, who.id) for who, one in found if one.event == word] for word in (SEGMENT_JOINED, LEFT)
    }
    segment_rows.join(session, names[SEGMENT_JOINED], now)
    segment_rows.leave(session, names[LEFT])
    unreadable.note_asked(session, asked, now)
    return found, put_off


def _source(segment: Segment) -> str:
    return f"segment {segment.key}"


def used_by(live: Sequence[tuple[JourneyVersion, object]], key: str) -> list[str]:
    """The live journeys that this segment lets customers into."""
    return [version.journey for version, _ in live if f'"segment":"{key}"' in version.canonical]
