"""Recency, frequency, money: each customer's fifth among all, and the class that these three put them in.

Fifths are told by four borders, so that a customer's is found without looking at all others. A score goes from 1 (the
fifth that bought longest ago, least often, for least) to 5.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

FIFTHS = 5

CLASSES = ("champions", "loyal", "promising", "at_risk", "hibernating", "lost")
"""By name, the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Borders:
    """What divides everybody into fifths, each of four values that rise: instants (Unix seconds), orders, money."""

    recency: Sequence[float]
    frequency: Sequence[float]
    monetary: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """A customer's fifths, 1 to 5."""

    recency: int
    frequency: int
    monetary: int

    @property
    def text(self) -> str:
        """As it is written: `543`."""
        return f"{self.recency}{self.frequency}{self.monetary}"


def borders(values: Sequence[float]) -> tuple[float, ...]:
    """The four values that divide these into fifths: the largest of each fifth but the last. None gives zeros."""
    ordered = sorted(values)
    if not ordered:
        return (0.0,) * (FIFTHS - 1)
    return tuple(ordered[max(0, len(ordered) * fifth // FIFTHS - 1)] for fifth in range(1, FIFTHS))


def score(value: float, between: Sequence[float]) -> int:
    """The fifth in which a value lies: 1 up to the first border (included), 5 above the last. Who is alike is alike."""
    return bisect_left(between, value) + 1


def grid(recency: Sequence[float], frequency: Sequence[float], between: Borders) -> list[list[int]]:
    """How many customers are in each fifth of recency and in it of frequency, both from the least on."""
    found = [[0] * FIFTHS for _ in range(FIFTHS)]
    for last, count in zip(recency, frequency, strict=True):
        found[score(last, between.recency) - 1][score(count, between.frequency) - 1] += 1
    return found


def class_of(scores: Scores) -> str:
    """The class of a customer: when they bought last, and how often and for how much together (their mean, halves up).

    Bought of late: champions (often), loyal (now and then), promising (seldom). Long ago: at risk (often), hibernating
    (now and then), lost (seldom); whoever is in the oldest fifth and bought seldom is lost.
    """
    bought = (scores.frequency + scores.monetary + 1) // 2
    if scores.recency >= 4:
        return "champions" if bought >= 4 else "loyal" if bought == 3 else "promising"
    if scores.recency == 3:
        return "loyal" if bought >= 4 else "promising" if bought >= 2 else "hibernating"
    return "at_risk" if bought >= 4 else "hibernating" if bought == 3 or scores.recency == 2 else "lost"
