"""Money per customer, which is nothing for most and much for a few: how sure its mean is, by a Poisson bootstrap.

Each customer counts as often as a Poisson variable of mean 1 says, so that nobody's zeros need to be drawn one by one
(Chamandy et al., "Estimating uncertainty for massive data streams", 2012). The seed is fixed: the same numbers say the
same thing every day.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from math import exp, sqrt
from random import Random

from services.statistics.proportions import Interval

DRAWS = 1_000
"""Means that are drawn: a bound of a 95% interval is then some hundredths of its width off."""

Amounts = Mapping[float, float]
"""Of those who spent something: how many customers spent so much. It is no whole number where nobody knows exactly."""

LARGEST = 100
"""Amounts that are drawn one by one, which takes some milliseconds. The mean of more is drawn from the normal
distribution that it nearly has by then, made as skewed as they are (Cornish and Fisher, 1938)."""


def means(amounts: Amounts, customers: int, seed: str) -> list[float]:
    """DRAWS means per customer, of whom those without an amount spent nothing. Nothing of nobody."""
    if customers == 0 or not amounts:
        return [0.0] * DRAWS
    random = Random(seed)
    paying = round(sum(amounts.values()))
    if paying > LARGEST:
        return list(_nearly_normal(amounts, customers, random))
    each, often = list(amounts), list(accumulate(amounts.values()))
    found: list[float] = []
    for times in _poisson(paying, random):
        counted = _counted(times, customers - paying, random)
        found.append(sum(random.choices(each, cum_weights=often, k=times)) / counted if counted else 0.0)
    return found


def total(amounts: Amounts) -> float:
    """What all of them spent."""
    return sum(amount * times for amount, times in amounts.items())


def _nearly_normal(amounts: Amounts, customers: int, random: Random) -> Iterator[float]:
    """Means by their first three moments. What everybody is off the mean is what a draw moves it by."""
    mean, without = total(amounts) / customers, customers - sum(amounts.values())
    off = [(one - mean, times) for one, times in amounts.items()]
    squares = sum(times * one * one for one, times in off) + without * mean * mean
    cubes = sum(times * one * one * one for one, times in off) - without * mean**3
    skew = cubes / squares**1.5 if squares else 0.0
    for _ in range(DRAWS):
        normal = random.gauss(0.0, 1.0)
        yield mean + sqrt(squares) / customers * (normal + skew / 6 * (normal * normal - 1))


def _counted(times: int, without: int, random: Random) -> float:
    """Customers of one draw: those with an amount count so often together; how often the others do is nearly normal."""
    return times + max(0.0, random.gauss(without, sqrt(without)))


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
