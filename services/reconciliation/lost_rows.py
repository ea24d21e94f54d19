"""Enrollments and mails against the rows that belong to each: what wakes one, what it has decided, what a mail said.

Each check gives a page behind an id; what is repaired is looked at again first, where nobody else can change it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from journeys.machine.ahead import pokes_for
from journeys.machine.state import State
from journeys.machine.woken import restored
from services.definitions.journey_versions import journeys
from services.enrollments.controls import poking
from store.queries.enrollment import decisions, interests
from store.queries.identity import customers
from store.queries.mails import message_bodies, messages
from store.queries.recounting import lost_rows
from store.queries.recounting.lost_rows import KeptRun
from store.statuses import EnrollmentStatus

PAGE = 500
"""Enrollments, or mails, that are compared in one state of the database."""

LOST = "lost"
"""What a decision is called of which nobody knows any more what it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowThatLost:
    """An enrollment or a mail, its journey (empty for a broadcast's), and of how many rows something is amiss."""

    id: str
    journey: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedPage:
    """The last id of a page (None: there was none), how many there were, and what was found."""

    last: str | None
    count: int
    found: Sequence[RowThatLost]


# -- interests: the names that wake an enrollment ----------------------------------------------------------------------


def wrong_interests(session: Session, after: str) -> ComparedPage:
    """Live enrollments that are not registered for the events that they wait for, or for others."""
    page = lost_rows.live_page(session, after, PAGE)
    known = lost_rows.interests(session, [one.id for one in page])
    found = [
        RowThatLost(id=one.id, journey=one.journey, count=len(wanted ^ known.get(one.id, set())))
        for one, wanted in _wanted(session, page)
        if wanted != known.get(one.id, set())
    ]
    return ComparedPage(last=page[-1].id if page else None, count=len(page), found=found)


def register_anew(session: Session, ids: Collection[str], now: datetime) -> int:
    """Register them for what they wait for, and have them look at what has come meanwhile; return how many names."""
    count, late = 0, dict[str, str]()
    customers.lock_owners(session, ids)
    page = [one for one in lost_rows.of_ids(session, ids) if one.status == EnrollmentStatus.LIVE]
    known = lost_rows.interests(session, [one.id for one in page])
    for one, wanted in _wanted(session, page):
        had = known.get(one.id, set())
        interests.register(session, one.id, one.customer_id, had, wanted)
        count += len(had ^ wanted)
        late |= {one.id: one.workflow_id} if wanted - had else {}
    if late:
        poking.poke(session, late, now)
    return count


def _wanted(session: Session, page: Sequence[KeptRun]) -> Iterator[tuple[KeptRun, set[str]]]:
    """What each waits for. One that has not begun waits for its start, one that cannot be read is told elsewhere."""
    for one in page:
        state = _state(one)
        if state is None or state.phase != "live":
            continue
        try:
            program = journeys.compiled(session, one.digest)
            yield one, set(pokes_for(program, state))
        except (LookupError, ValueError):
            continue


def _state(run: KeptRun) -> State | None:
    try:
        return restored(run.state)
    except ValueError:
        return None


# -- decisions: each number once ---------------------------------------------------------------------------------------


def lost_decisions(session: Session, after: str) -> ComparedPage:
    """Enrollments whose decisions do not account for every number that was given."""
    page = lost_rows.decided_page(session, after, PAGE)
    there = lost_rows.numbered(session, [one.id for one in page])
    missing = ((one, _given(one) - there.get(one.id, 0)) for one in page)
    found = [RowThatLost(id=one.id, journey=one.journey, count=by) for one, by in missing if by > 0]
    return ComparedPage(last=page[-1].id if page else None, count=len(page), found=found)


def _given(run: KeptRun) -> int:
    state = _state(run)
    return state.number if state is not None and state.asking is None else 0


def put_lost_on_record(session: Session, found: Collection[str], now: datetime) -> int:
    """Put a decision in the place of each that is lost, which says so; return how many."""
    count = 0
    customers.lock_owners(session, found)
    for run in lost_rows.of_ids(session, found):
        there = lost_rows.numbers(session, run.id)
        gaps = [
            number
            for number in range(1, _given(run) + 1)
            if number not in there and there.get(number + 1) not in lost_rows.SPLITS
        ]
        rows = [
            decisions.row(
                run.customer_id, LOST, {}, now, journey=run.journey, enrollment_id=run.id, number=number,
            )
            for number in gaps
        ]  # fmt: skip
        decisions.add(session, rows)
        count += len(rows)
    return count


# -- bodies: what a mail said, and where its links lead ----------------------------------------------------------------


def mails_without_body(session: Session, after: str) -> ComparedPage:
    """Mails that a provider has taken, and of which nothing is kept."""
    page = lost_rows.mail_page(session, after, PAGE)
    gone = lost_rows.without_body(session, [one.id for one in page if one.went])
    found = [RowThatLost(id=one.id, journey=one.journey, count=1) for one in page if one.id in gone]
    return ComparedPage(last=page[-1].id if page else None, count=len(page), found=found)


def put_nothing_kept_on_record(session: Session, ids: Collection[str], now: datetime) -> int:
    """Keep of these mails that nothing is kept of them, as retention does; return of how many."""
    gone = messages.all_locked(session, sorted(lost_rows.without_body(session, ids))).values()
    nothing = {"subject": None, "html": None, "text": None, "urls": []}
    rows = [{"message_id": one.id, "customer_id": one.customer_id, **nothing} for one in gone]
    message_bodies.keep(session, rows, now)
    return len(rows)
