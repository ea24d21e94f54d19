"""The probability of each share to be the highest: beta-binomial, from a uniform prior, by numeric integration.

P(i is best) is the integral of the density of i times the chance of each other to lie below. It is summed by the
trapezoid rule over points that lie dense where any of the densities lives, so that a narrow one beside a broad one is
not missed; the sum of all is 1 but for the error, which is divided out (below 1e-6 over the cases of the tests).
"""

from collections.abc import Sequence
from itertools import pairwise
from math import exp, inf, lgamma, log, sqrt

from services.statistics.proportions import Proportion

POINTS = 401
"""Points for each density over REACH standard deviations either way: forty in each."""

REACH = 8.0


def chances(those: Sequence[Proportion]) -> list[float]:
    """The chance of each to be the best, in their order; they sum to 1."""
    if len(those) < 2:
        return [1.0] * len(those)
    shapes = [(1.0 + one.count, 1.0 + one.n - one.count) for one in those]
    grid = _grid(shapes)
    densities = [[_density(*shape, at) for at in grid] for shape in shapes]
    below = [_summed(grid, density) for density in densities]
    found = [_chance(grid, densities, below, which) for which in range(len(those))]
    return [one / sum(found) for one in found]


def _chance(grid: list[float], densities: list[list[float]], below: list[list[float]], which: int) -> float:
    product = list(densities[which])
    for other, cumulated in enumerate(below):
        if other != which:
            product = [one * two for one, two in zip(product, cumulated, strict=True)]
    return _summed(grid, product)[-1]


def _grid(shapes: Sequence[tuple[float, float]]) -> list[float]:
    points: set[float] = set()
    for a, b in shapes:
        mean, deviation = a / (a + b), sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
        low, high = max(0.0, mean - REACH * deviation), min(1.0, mean + REACH * deviation)
        points |= {low + (high - low) * number / (POINTS - 1) for number in range(POINTS)}
    return sorted(points)


def _density(a: float, b: float, at: float) -> float:
    first = (a - 1) * (log(at) if at > 0 else -inf) if a != 1 else 0.0
    second = (b - 1) * (log(1 - at) if at < 1 else -inf) if b != 1 else 0.0
    return exp(lgamma(a + b) - lgamma(a) - lgamma(b) + first + second)


def _summed(grid: list[float], values: list[float]) -> list[float]:
    """The integral up to each point."""
    total, found = 0.0, [0.0]
    for (left, right), (one, two) in zip(pairwise(grid), pairwise(values), strict=True):
        total += (right - left) * (one + two) / 2
        found.append(total)
    return found
