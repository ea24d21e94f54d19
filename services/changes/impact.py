"""What the next month looks like with and without a new version: mails by template, and where everybody stands then.

Told of a sample, the same one always, by running the core on from where each stands; scaled to all, with its
uncertainty (95%).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt
from typing import Any

from journeys.changes.outcomes import Standing
from journeys.machine.state import State
from journeys.program.assignment import share
from journeys.program.program import Program
from journeys.simulation.forecast import forecast
from journeys.simulation.simulator import MailPolicy

SAMPLE = 1_000
"""Enrollments that are run on at most: four milliseconds each."""

MONTH = timedelta(days=30)

ENDED = "(ended)"
"""Where those stand who have reached the end."""


@dataclass(slots=True)
class Impact:
    """Counts of the sample, before and after: mails by template, enrollments by the stage at the end."""

    sample: int = 0
    mails: dict[str, Counter[str]] = field(default_factory=lambda: {"before": Counter(), "after": Counter()})
    stages: dict[str, Counter[str]] = field(default_factory=lambda: {"before": Counter(), "after": Counter()})

    def add(
        self, before: tuple[Program, State], after: tuple[Program, State], standing: Standing, now: datetime,
        policy: MailPolicy,
    ) -> None:  # fmt: skip
        """Run one enrollment on under both versions; one that is not moved is the same in both."""
        self.sample += 1
        told = _month(*before, standing, now, policy)
        for side, (mails, stage) in (
            ("before", told),
            ("after", told if after == before else _month(*after, standing, now, policy)),
        ):
            self.mails[side].update(mails)
            self.stages[side][stage] += 1

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


def _month(
    program: Program, state: State, standing: Standing, now: datetime, policy: MailPolicy
) -> tuple[list[str], str]:
    """The templates that are mailed within a month, and the stage at its end."""
    mails, stage = list[str](), state.stage
    own = standing.enrollment
    for action in forecast(program, state, standing.known, now, policy, key=own.key, data=own.data):
        if action.at > now + MONTH:
            break
        if action.what == "send":
            mails.append(str(action.detail["template"]))
        elif action.what == "moved":
            stage = str(action.detail["to"])
        elif action.what == "ended":
            stage = ENDED
    return mails, stage


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
