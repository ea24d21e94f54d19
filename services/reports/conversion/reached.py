"""Milestones as they are asked for, and who reached them: each customer once, by the first time in a span of days.

Whoever counts them walks along the times at which the first milestone was reached (`WalkedReport`), page by page.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from journeys.language.problems import nearest
from services.definitions.journey_versions import journeys as definitions
from services.errors import InvalidInput
from store.queries.definitions import journeys
from store.queries.history import milestones
from store.queries.history.milestones import Milestone, PlaceInTime, TimeSpan

PAGE = 400
"""Times that are read together, with all that their customers did: some megabytes, a tenth of a second."""

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


class WalkedReport(ABC):
    """A report that walks along a milestone, page by page."""

    walk: MilestoneWalk
    _after: PlaceInTime | None = None

    @abstractmethod
    def add(self, session: Session, those: Sequence[Reached]) -> None:
        """Count some more customers."""

    def total(self, session: Session, most: int | None = None) -> int:
        """How often the milestone was reached; with `most` it counts no further."""
        return milestones.count(session, self.walk.first, self.walk.span, most)

    def too_many(self, most: int) -> str:
        """That it was reached more often."""
        return f"{self.walk.first} was reached more than {most:,} times in this span (a shorter one has fewer)"

    def next_page(self, session: Session) -> int:
        """Count those of the next times who come for the first time."""
        walk = self.walk
        rows = milestones.page(session, walk.first, walk.span, self._after, PAGE)
        self.add(session, _new(session, walk, rows))
        self._after = rows[-1] if rows else self._after
        return len(rows)


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
