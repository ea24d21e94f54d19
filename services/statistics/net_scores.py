"""The net promoter score: promoters less detractors, in points, with its interval.

The interval is the adjusted one of Wald: half an answer more at each end of the scale and one in the middle, so that
few answers of one kind do not look like a certainty. It counts answers of customers who chose to answer.
"""

from dataclasses import dataclass
from math import sqrt

from services.statistics.proportions import quantile

_MORE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class NetScore:
    """In points, -100 to 100."""

    score: float
    low: float
    high: float


def net_score(promoters: int, detractors: int, answers: int, confidence: float = 0.95) -> NetScore:
    """Of so many answers, at least one; raise ZeroDivisionError of none."""
    n = answers + 4 * _MORE
    up, down = (promoters + _MORE) / n, (detractors + _MORE) / n
    middle = up - down
    half = quantile(confidence) * sqrt((up + down - middle * middle) / n)
    return NetScore(
        score=100 * (promoters - detractors) / answers,
        low=100 * max(-1.0, middle - half),
        high=100 * min(1.0, middle + half),
    )
