"""The funnel: of those who reached one milestone, how many reached the next ones within a time, how fast, and who not.

A milestone is an event or coming to a stage. Each customer counts once, by the first time at which they reached the
first milestone in the span; the time within which the others must follow begins there. Who has still time left is told
apart, since nobody can say of them yet that they did not.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlmodel import Session

from journeys.facts import calendar, touches
from services.definitions.journey_versions import journeys as definitions
from services.errors import InvalidInput
from services.experiments import looks
from services.reports.conversion import reached
from services.reports.conversion.reached import MilestoneWalk, Reached, WalkedReport
from services.reports.measures.shown_rates import rate
from services.statistics import chains, quartiles
from services.statistics.proportions import Proportion
from store.queries.definitions import journeys
from store.queries.figures import series
from store.queries.history import milestones
from store.queries.history.milestones import LastRun, Milestone

FunnelGroup = Literal["month", "source", "segment", "variant", "version"]
"""By what a funnel is broken down."""

DAYS = 90
"""Of a funnel that does not say since when: a quarter."""

WITHIN = "30 days"
"""Of a funnel that does not say within which time."""

MOST_STEPS = 8
"""Of one chain: more than anybody draws."""

NONE = "none"
"""The group of those who have no source, segment, variant or version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelQuestion:
    """What is asked: a chain of milestones as they are written, and of whom."""

    chain: Sequence[str]
    within: str = WITHIN
    journey: str | None = None
    since: date | None = None
    until: date | None = None
    by: FunnelGroup | None = None
    split: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As an operation keeps it; nothing of it is personal."""
        days = {name: str(day) if day else None for name, day in (("since", self.since), ("until", self.until))}
        names = ("within", "journey", "by", "split")
        return {"chain": list(self.chain), **{name: getattr(self, name) for name in names}, **days}

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> "FunnelQuestion":
        """What `as_json` has made."""
        days: dict[str, Any] = {
            name: date.fromisoformat(kept[name]) if kept[name] else None for name in ("since", "until")
        }
        return FunnelQuestion(**{**kept, **days})


@dataclass(slots=True)
class _Steps:
    """What was counted of a group: by step how many reached it, who of the rest has time left, and how long it took."""

    reached: Counter[int] = field(default_factory=Counter[int])
    open: Counter[int] = field(default_factory=Counter[int])
    took: defaultdict[int, list[float]] = field(default_factory=lambda: defaultdict[int, list[float]](list))
    stand: defaultdict[int, Counter[tuple[str, str]]] = field(
        default_factory=lambda: defaultdict[int, Counter[tuple[str, str]]](Counter)
    )


class Funnel(WalkedReport):
    """A funnel that is being counted."""

    def __init__(self, session: Session, asked: FunnelQuestion, now: datetime) -> None:
        """Read the question; raise NotFound, InvalidInput."""
        if not 2 <= len(asked.chain) <= MOST_STEPS:
            raise InvalidInput(f"a funnel has 2 to {MOST_STEPS} steps", "via")
        self._asked, self._now, self._zone = asked, now, series.zone_of(session)
        self._journey = reached.journey_of(session, asked.journey)
        self._within = _within(asked.within)
        fields = ("from", *["via"] * (len(asked.chain) - 2), "to")
        self.chain = [
            reached.milestone(session, text, self._journey, name)
            for text, name in zip(asked.chain, fields, strict=True)
        ]
        self._later = [_must_be_later(*pair) for pair in zip([self.chain[0], *self.chain], self.chain, strict=False)]
        self._split = _split(session, asked, self._journey)
        today = now.astimezone(self._zone).date()
        self._until = min(asked.until or today, today)
        self._since = asked.since or self._until - timedelta(days=DAYS - 1)
        span = reached.span_of(self._since, self._until, self._zone, now)
        self.walk = MilestoneWalk(first=self.chain[0], others=self.chain[1:], span=span, now=now)
        self._groups: defaultdict[str, _Steps] = defaultdict(_Steps)
        self._all = _Steps()

    def add(self, session: Session, those: Sequence[Reached]) -> None:
        """Count some more customers."""
        ids = [one.customer_id for one in those]
        runs = milestones.last_runs(session, self._journey, ids) if self._journey and ids else {}
        named = _GROUPS[self._asked.by](self, session, those, runs) if self._asked.by and ids else {}
        for one in those:
            came = chains.walked(one.at, self.chain, one.instants, self._within, self._later)
            run = runs.get(one.customer_id)
            self._count(self._all, one, came, run)
            for name in named.get(one.customer_id, [NONE] if self._asked.by else []):
                self._count(self._groups[name], one, came, run)

    def _count(self, steps: _Steps, one: Reached, came: Sequence[datetime], run: LastRun | None) -> None:
        for number, at in enumerate(came):
            steps.reached[number] += 1
            if number:
                steps.took[number].append((at - came[number - 1]).total_seconds())
        last = len(came) - 1
        if last < len(self.chain) - 1:
            steps.open[last] += one.at + self._within > self._now
            steps.stand[last][_place(run)] += 1

    # -- the report ----------------------------------------------------------------------------------------------------

    def told(self) -> dict[str, Any]:
        """The report, as JSON; empty, with a sentence, where nobody began."""
        return {
            "journey": self._journey or None,
            "zone": self._zone.key,
            "since": self._since.isoformat(),
            "until": self._until.isoformat(),
            "within": self._asked.within,
            "by": self._asked.by,
            "customers": self._all.reached[0],
            "steps": list(self._steps(self._all, stand=True)),
            "groups": [
                {"group": name, "customers": steps.reached[0], "steps": list(self._steps(steps, stand=False))}
                for name, steps in sorted(self._groups.items(), key=lambda one: (one[0] == NONE, _order(one[0])))
            ],
            "told": self._sentence(),
        }

    def _steps(self, steps: _Steps, *, stand: bool) -> Iterator[dict[str, Any]]:
        begun = steps.reached[0]
        for number, one in enumerate(self.chain):
            count, before = steps.reached[number], steps.reached[max(0, number - 1)]
            took = quartiles.exactly(steps.took[number])
            told: dict[str, Any] = {
                "step": str(one),
                "customers": count,
                "of_all": rate(Proportion(count=count, n=begun)),
                "of_previous": rate(Proportion(count=count, n=before)),
                "took": took.in_days() if took else None,
                "rest": count - steps.reached[number + 1] if number < len(self.chain) - 1 else 0,
                "open": steps.open[number],
            }
            yield told | ({"stand": _standing(steps.stand[number])} if stand else {})

    def _sentence(self) -> str:
        begun, end = self._all.reached[0], len(self.chain) - 1
        between = f"from {self._since} to {self._until}"
        if not begun:
            return f"Nobody reached {self.chain[0]} {between}, so there is nothing to compare."
        came = self._all.reached[end]
        told = rate(Proportion(count=came, n=begun))
        took = quartiles.exactly(self._all.took[end])
        half = f", half of them within {took.in_days()['median_days']:,} days of the step before" if took else ""
        still = sum(self._all.open.values())
        left = f" {still:,} have time left." if still else ""
        return (
            f"Of {begun:,} who reached {self.chain[0]} {between}, {came:,} ({told['rate']:.1%}, between "
            f"{told['low']:.1%} and {told['high']:.1%}) reached {self.chain[end]} within {self._asked.within}{half}."
            f"{left}"
        )

    # -- groups --------------------------------------------------------------------------------------------------------

    def by_month(self, _session: Session, those: Sequence[Reached], _runs: Any) -> Mapping[str, list[str]]:
        """The month in which they began, in the zone of the settings."""
        return {one.customer_id: [_month(one.at, self._zone)] for one in those}

    def by_source(self, session: Session, those: Sequence[Reached], _runs: Any) -> Mapping[str, list[str]]:
        """The channel of their first touch, or what the trait `source` says."""
        profiles = milestones.profiles(session, [one.customer_id for one in those])
        found = {name: touches.seen(source, attributes)["first"] for name, source, attributes, _ in profiles}
        return {name: [first["channel"] or first["source"] or NONE] for name, first in found.items()}

    def by_segment(self, session: Session, those: Sequence[Reached], _runs: Any) -> Mapping[str, list[str]]:
        """Every segment in which they are now: who is in several counts in each."""
        profiles = milestones.profiles(session, [one.customer_id for one in those])
        return {name: sorted(segments) or [NONE] for name, _, _, segments in profiles}

    def by_variant(self, session: Session, those: Sequence[Reached], _runs: Any) -> Mapping[str, list[str]]:
        """The variant of the split that they have."""
        ids = [one.customer_id for one in those]
        found = milestones.variants(session, self._journey, self._split or "", ids)
        return {name: [variant] for name, variant in found.items()}

    def by_version(
        self, _session: Session, those: Sequence[Reached], runs: Mapping[str, LastRun]
    ) -> Mapping[str, list[str]]:
        """The version of the journey on which their last run is, or ended."""
        return {name: [str(run.version)] for name, run in runs.items()}


_GROUPS: Mapping[FunnelGroup, Callable[..., Mapping[str, list[str]]]] = {
    "month": Funnel.by_month,
    "source": Funnel.by_source,
    "segment": Funnel.by_segment,
    "variant": Funnel.by_variant,
    "version": Funnel.by_version,
}
"""In which groups each customer of a page is."""


def _order(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdecimal() else (0, name)


def _month(at: datetime, zone: ZoneInfo) -> str:
    return series.day_of(at, zone)[: len("2026-03")]


def _within(text: str) -> timedelta:
    try:
        return calendar.parse_span(text).elapsed
    except ValueError as wrong:
        raise InvalidInput(str(wrong), "within") from None


def _must_be_later(before: Milestone, one: Milestone) -> bool:
    return before.kind == "stage" and one.kind == "event"


def _split(session: Session, asked: FunnelQuestion, journey: str) -> str | None:
    """The split by whose variants customers are told apart: the one that is named, or the only one there is."""
    if asked.by != "variant":
        return None
    if not journey:
        raise InvalidInput("there is no lifecycle journey; name the journey of the split", "journey")
    live = journeys.live_version(session, journey)
    known = [one.key for one in looks.splits(definitions.compiled(session, live.digest))] if live else []
    if asked.split in known:
        return asked.split
    if asked.split is None and len(known) == 1:
        return known[0]
    raise InvalidInput(f"name a split of {journey}: {', '.join(known) or 'it has none'}", "split")


def _place(run: LastRun | None) -> tuple[str, str]:
    if run is None:
        return "outside", ""
    return ("stages", run.stage) if run.ended is None else ("ended", run.ended)


def _standing(found: Counter[tuple[str, str]]) -> dict[str, Any]:
    """Where those who came no further stand now."""
    told: dict[str, Any] = {"stages": {}, "ended": {}, "outside": found["outside", ""]}
    for (where, name), count in sorted(found.items()):
        if where != "outside":
            told[where][name] = count
    return told
