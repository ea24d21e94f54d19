"""Money per customer, which is nothing for most and much for a few: how sure its mean is, by a Poisson bootstrap.

Each customer counts as often as a Poisson variable of mean 1 says, so that nobody's zeros need to be drawn one by one
(Chamandy et al., "Estimating uncertainty for massive data streams", 2012). The seed is fixed: the same numbers say the
same thing every day.
"""

from collections.abc import Sequence
from math import exp, factorial, sqrt
from random import Random

from services.statistics.proportions import Interval

DRAWS = 1_000
"""Means that are drawn: a bound of a 95% interval is then some hundredths of its width off."""

LARGEST = 2_000
"""Amounts that are drawn one by one. The mean of more is drawn from the normal distribution that it has by then."""

_TIMES = list(range(9))
_WEIGHTS = [exp(-1) / factorial(times) for times in _TIMES]


def means(amounts: Sequence[float], customers: int, seed: str) -> list[float]:
    """DRAWS means per customer, of whom those without an amount spent nothing. Nothing of nobody."""
    if customers == 0 or not amounts:
        return [0.0] * DRAWS
    random = Random(seed)
    if len(amounts) > LARGEST:
        mean = sum(amounts) / customers
        variance = sum(one * one for one in amounts) / customers - mean * mean
        return [random.gauss(mean, sqrt(max(0.0, variance) / customers)) for _ in range(DRAWS)]
    return [_mean(amounts, customers, random) for _ in range(DRAWS)]


def _mean(amounts: Sequence[float], customers: int, random: Random) -> float:
    """One mean; how often all the customers without an amount count together is nearly normal."""
    times = random.choices(_TIMES, _WEIGHTS, k=len(amounts))
    without = customers - len(amounts)
    counted = sum(times) + max(0.0, random.gauss(without, sqrt(without)))
    return sum(one * often for one, often in zip(amounts, times, strict=True)) / counted if counted else 0.0


def interval(drawn: Sequence[float], confidence: float = 0.95) -> Interval:
    """What lies between the drawn values that so many are below and above."""
    ordered, cut = sorted(drawn), (1 - confidence) / 2
    last = len(ordered) - 1
    return Interval(low=ordered[round(cut * last)], high=ordered[round((1 - cut) * last)])


def difference(one: Sequence[float], other: Sequence[float], confidence: float = 0.95) -> Interval:
    """The interval of how much larger the first mean is."""
    return interval([mine - theirs for mine, theirs in zip(one, other, strict=True)], confidence)


def chances(drawn: Sequence[Sequence[float]]) -> list[float]:
    """How often each mean is the highest of those that were drawn together; equal ones share."""
    wins = [0.0] * len(drawn)
    for together in zip(*drawn, strict=True):
        best = [which for which, one in enumerate(together) if one == max(together)]
        for which in best:
            wins[which] += 1 / len(best)
    return [one / DRAWS for one in wins]
