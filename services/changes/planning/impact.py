"""What the next month looks like with and without a new version: mails by template, and where everybody stands then.

Told of a sample, the same one always, by running the core on from where each stands; scaled to all, with its
uncertainty (95%).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt
from typing import Any, Literal

from journeys.changes.mapping import VersionMapping
from journeys.changes.outcomes import Standing
from journeys.changes.unchanged_ahead import same_ahead
from journeys.machine.inputs import Migrated
from journeys.machine.state import State
from journeys.program.assignment import share
from journeys.program.nodes import StageKey
from journeys.program.program import Program
from journeys.rules.policy import ALLOWED, InstallationTerms
from journeys.simulation.forecast import run_on
from journeys.simulation.mail_policies import MailPolicy, by_policy

SAMPLE = 10_000
"""Enrollments that are run on, where there are more: a millisecond each."""

MOST_ACTIONS = 100
"""Actions of one enrollment within a month: of more it is told no more."""

MONTH = timedelta(days=30)

ENDED = "(ended)"
"""Where those stand who have reached the end."""


MonthSide = Literal["before", "after"]
"""Without the new version, and with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fared:
    """The templates that an enrollment is mailed within the month, and the stage at its end."""

    mails: Sequence[str]
    stage: str


@dataclass(slots=True)
class Impact:
    """Counts of the sample, before and after: mails by template, enrollments by the stage at the end."""

    sample: int = 0
    mails: dict[str, Counter[str]] = field(default_factory=lambda: {"before": Counter(), "after": Counter()})
    stages: dict[str, Counter[str]] = field(default_factory=lambda: {"before": Counter(), "after": Counter()})

    def add(self, side: MonthSide, fared: Fared) -> None:
        """How one more enrollment of the sample fares, on one of the sides."""
        self.sample += side == "before"
        self.mails[side].update(fared.mails)
        self.stages[side][fared.stage] += 1

    def as_json(self, live: int) -> dict[str, Any]:
        """Scaled to all who are live; `within` is half of the interval, 0 where everybody was run on."""
        return {
            "days": MONTH.days,
            "sample": self.sample,
            "of": live,
            "mails": _scaled(self.mails, self.sample, live),
            "stages": _scaled(self.stages, self.sample, live),
        }

    def counts(self) -> dict[str, Any]:
        """What `read` reads."""
        return {"sample": self.sample, "mails": _plain(self.mails), "stages": _plain(self.stages)}

    @staticmethod
    def read(kept: Mapping[str, Any]) -> "Impact":
        """The counts that were kept; nothing of nothing."""
        if not kept:
            return Impact()
        sides = [{side: Counter(counts) for side, counts in kept[name].items()} for name in ("mails", "stages")]
        return Impact(sample=kept["sample"], mails=sides[0], stages=sides[1])


def sampled(enrollment: str, live: int) -> bool:
    """Whether it is among those who are run on, of so many who are live."""
    return share("impact", enrollment) * live < SAMPLE


class RunsOn:
    """Runs enrollments on through a month on both sides, each under policies of its own: their mails count for caps."""

    def __init__(self, month: Impact, terms: InstallationTerms, now: datetime) -> None:
        self._month, self._now, self._capped = month, now, terms.capped
        self._policies: dict[MonthSide, MailPolicy] = {side: by_policy(False, terms) for side in ("before", "after")}

    def add(self, standing: Standing, mapping: VersionMapping, moved: State | None) -> None:
        """One more; who is not moved (None) fares on both sides alike."""
        before = self._fares("before", standing, mapping.old, standing.state, ())
        self._month.add("before", before)
        self._month.add("after", before if moved is None else self._after(standing, mapping, moved, before))

    def _after(self, standing: Standing, mapping: VersionMapping, moved: State, before: Fared) -> Fared:
        """Run on only where the versions may differ ahead; under a cap mail of other runs may differ, too."""
        names = None if self._capped else same_ahead(mapping, standing, moved)
        if names is not None:
            return Fared(mails=before.mails, stage=names.get(StageKey(before.stage), before.stage))
        return self._fares("after", standing, mapping.new, moved, (Migrated(at=self._now),))

    def _fares(
        self, side: MonthSide, standing: Standing, program: Program, state: State, first: Sequence[Migrated]
    ) -> Fared:
        if state.ended or state.paused:
            return Fared(mails=(), stage=ENDED if state.ended else state.stage)
        known, own, policy, end = standing.known, standing.enrollment, self._policies[side], self._now + MONTH
        trace = run_on(
            program, state, known, own, policy, self._now, end,
            most=MOST_ACTIONS, first=first, splits=standing.splits, in_ledger=standing.in_ledger,
        )  # fmt: skip
        mails = [one.template for one in trace.mails if one.verdict == ALLOWED]
        return Fared(mails=mails, stage=ENDED if trace.state.ended else trace.state.stage)


def _scaled(sides: Mapping[str, Counter[str]], sample: int, live: int) -> dict[str, dict[str, int]]:
    """By name the counts before and after of all, and how far off the change may be."""
    by = live / sample if sample else 0.0
    part = 0.0 if sample >= live else sqrt(1 - sample / live)
    return {
        name: {
            "before": round(sides["before"][name] * by),
            "after": round(sides["after"][name] * by),
            "within": round(1.96 * part * by * sqrt(max(sides["before"][name], sides["after"][name]))),
        }
        for name in sorted({*sides["before"], *sides["after"]})
    }


def _plain(sides: Mapping[str, Counter[str]]) -> dict[str, dict[str, int]]:
    return {side: dict(counts) for side, counts in sides.items()}
