"""Milestones as they are asked for, and who reached them: each customer once, by the first time in a span of days.

What is asked of some thousands is answered at once. Of more it is an operation, which walks along the same pages and
tells how far it is. Nothing is kept between two questions, and no page grows with the crowd.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlmodel import Session

from journeys.language.problems import nearest
from services.definitions import journeys as definitions
from services.errors import InvalidInput, Refused
from services.operations.operations import Done, PageOfWork
from store.queries import journeys, milestones
from store.queries.milestones import Milestone, PlaceInTime, TimeSpan
from store.session import Database
from store.tables.access import Operation

PAGE = 400
"""Times that are read together, with all that their customers did: some megabytes, a tenth of a second."""

AT_ONCE = 20_000
"""Times that are counted while somebody waits: one to two seconds. More are an operation."""

KINDS = ("event", "stage")
"""What a milestone can be: `event:NAME`, `stage:KEY`; `entry` is the stage in which a journey begins."""

ENTRY = "entry"

_INSTANT = timedelta(microseconds=1)
"""The least that two instants are apart: what happens just now is in a span that ends now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A customer, the first time at which they reached the milestone that is walked along, and what else they reached.

    `instants` has by milestone when they did, in order.
    """

    customer_id: str
    at: datetime
    instants: Mapping[Milestone, Sequence[datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneWalk:
    """Along which milestone to walk, over which span, and what to read beside it, until `now`.

    With `ever` those alone come who reached it in the span for the first time at all.
    """

    first: Milestone
    others: Sequence[Milestone]
    span: TimeSpan
    now: datetime
    ever: bool = False


class Counting(Protocol):
    """What a report counts on the way."""

    walk: MilestoneWalk

    def add(self, session: Session, those: Sequence[Reached]) -> None:
        """Count some more customers."""
        ...

    def told(self) -> dict[str, Any]:
        """The report, as JSON."""
        ...


def at_once(session: Session, counting: Counting) -> dict[str, Any]:
    """The report while somebody waits; raise Refused (`too_many`) where it takes too long."""
    walk = counting.walk
    if milestones.count(session, walk.first, walk.span, AT_ONCE + 1) > AT_ONCE:
        raise Refused(
            f"{walk.first} was reached more than {AT_ONCE:,} times in this span; ask for a shorter one, or POST the "
            "same question and watch the operation",
            "too_many",
        )
    after: PlaceInTime | None = None
    while rows := _page(session, walk, after):
        counting.add(session, _new(session, walk, rows))
        after = rows[-1]
    return counting.told()


def as_operation(database: Database, operation: Operation, counting: Counting) -> Iterator[PageOfWork]:
    """The same as an operation; its result is the report. What was counted before a crash is counted anew."""
    walk, after = counting.walk, None
    with database.reading() as session:
        total = milestones.count(session, walk.first, walk.span)
    yield _done(-operation.done, total)
    while True:
        with database.reading() as session:
            rows = _page(session, walk, after)
            counting.add(session, _new(session, walk, rows))
        if not rows:
            break
        after = rows[-1]
        yield _done(len(rows), total)
    yield lambda session: Done(count=0, result=counting.told())


def _done(count: int, total: int) -> PageOfWork:
    return lambda session: Done(count=count, total=total)


def _page(session: Session, walk: MilestoneWalk, after: PlaceInTime | None) -> Sequence[PlaceInTime]:
    return milestones.page(session, walk.first, walk.span, after, PAGE)


def _new(session: Session, walk: MilestoneWalk, rows: Sequence[PlaceInTime]) -> list[Reached]:
    """Those of a page who come for the first time, with all that they reached."""
    came: dict[str, datetime] = {}
    for at, customer_id in rows:
        came.setdefault(customer_id, at)
    if not came:
        return []
    known: dict[str, dict[Milestone, list[datetime]]] = {one: {} for one in came}
    since = None if walk.ever else walk.span.since
    wanted = {walk.first, *walk.others}
    for customer_id, one, at in milestones.reached(session, wanted, list(came), since, walk.now + _INSTANT):
        known[customer_id].setdefault(one, []).append(at)
    return [
        Reached(customer_id=one, at=came[one], instants={name: sorted(each) for name, each in found.items()})
        for one, found in known.items()
        if min(found.get(walk.first, [came[one]])) >= came[one]
    ]


# -- what is asked -----------------------------------------------------------------------------------------------------


def journey_of(session: Session, asked: str | None) -> str:
    """The journey whose stages are meant: this one, or the lifecycle; "" where there is none. Raise NotFound."""
    if asked is not None:
        return definitions.get(session, asked).key
    return next(iter(journeys.lifecycle_keys(session)), "")


def milestone(session: Session, text: str, journey: str, field: str) -> Milestone:
    """A milestone as it is written, `event:Order Completed`, `stage:core` or `entry`; raise InvalidInput."""
    kind, _, name = text.partition(":")
    if text != ENTRY and (kind not in KINDS or not name.strip()):
        raise InvalidInput(f"write event:NAME, stage:KEY or {ENTRY}, found {text!r:.60}", field)
    if kind == "event":
        return Milestone(kind="event", name=name.strip())
    if not journey:
        raise InvalidInput("there is no lifecycle journey; name the journey whose stages are meant", "journey")
    current = definitions.definition(session, journey)
    if text == ENTRY:
        return Milestone(kind="stage", name=current.start, journey=journey)
    if name.strip() not in current.stages:
        _expect_in_another_version(session, name.strip(), journey, field)
    return Milestone(kind="stage", name=name.strip(), journey=journey)


def _expect_in_another_version(session: Session, stage: str, journey: str, field: str) -> None:
    """A stage that is no more had its customers; of one that never was nobody can be counted."""
    known = definitions.stages_of_all_versions(session, journey)
    if stage not in known:
        advice = nearest(stage, sorted(known))
        raise InvalidInput(f"no version of the journey {journey!r} has a stage {stage!r:.60}; {advice}", field)


def span_of(since: date, until: date, zone: ZoneInfo, now: datetime) -> TimeSpan:
    """From the beginning of one day to the end of another (now, at the latest), in the installation's zone."""
    if since > until:
        raise InvalidInput(f"`since` ({since}) is after `until` ({until})", "since")
    begins, ends = (datetime.combine(day, time(), zone) for day in (since, until + timedelta(days=1)))
    return TimeSpan(since=begins, until=min(ends, now + _INSTANT))
