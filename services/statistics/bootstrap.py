"""Money per customer, which is nothing for most and much for a few: how sure its mean is, by a Poisson bootstrap.

Each customer counts as often as a Poisson variable of mean 1 says, so that nobody's zeros need to be drawn one by one
(Chamandy et al., "Estimating uncertainty for massive data streams", 2012). The seed is fixed: the same numbers say the
same thing every day.
"""

from collections.abc import Iterator, Sequence
from math import exp, sqrt
from random import Random

from services.statistics.proportions import Interval

DRAWS = 1_000
"""Means that are drawn: a bound of a 95% interval is then some hundredths of its width off."""

LARGEST = 100
"""Amounts that are drawn one by one, which takes some milliseconds. The mean of more is drawn from the normal
distribution that it nearly has by then, made as skewed as they are (Cornish and Fisher, 1938)."""


def means(amounts: Sequence[float], customers: int, seed: str) -> list[float]:
    """DRAWS means per customer, of whom those without an amount spent nothing. Nothing of nobody."""
    if customers == 0 or not amounts:
        return [0.0] * DRAWS
    random = Random(seed)
    if len(amounts) > LARGEST:
        return list(_nearly_normal(amounts, customers, random))
    return [_mean(amounts, times, customers, random) for times in _poisson(len(amounts), random)]


def _nearly_normal(amounts: Sequence[float], customers: int, random: Random) -> Iterator[float]:
    """Means by their first three moments. What everybody is off the mean is what a draw moves it by."""
    mean, without = sum(amounts) / customers, customers - len(amounts)
    off = [one - mean for one in amounts]
    squares = sum(one * one for one in off) + without * mean * mean
    cubes = sum(one * one * one for one in off) - without * mean**3
    skew = cubes / squares**1.5 if squares else 0.0
    for _ in range(DRAWS):
        normal = random.gauss(0.0, 1.0)
        yield mean + sqrt(squares) / customers * (normal + skew / 6 * (normal * normal - 1))


def _mean(amounts: Sequence[float], times: int, customers: int, random: Random) -> float:
    """One mean in which those with an amount count so often together; how often the others do is nearly normal."""
    without = customers - len(amounts)
    counted = times + max(0.0, random.gauss(without, sqrt(without)))
    return sum(random.choices(amounts, k=times)) / counted if counted else 0.0


def _poisson(expected: int, random: Random) -> list[int]:
    """DRAWS Poisson variables of a mean of LARGEST at most: what lies ten deviations off is left out."""
    weights = [exp(-expected)]
    for times in range(1, expected + 10 * round(sqrt(expected)) + 10):
        weights.append(weights[-1] * expected / times)
    return random.choices(range(len(weights)), weights, k=DRAWS)


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
