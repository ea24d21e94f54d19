"""Shares of so many: their intervals, the interval of a difference, and how many it takes to see one.

Intervals are those of Wilson and, for a difference, of Newcombe (Statistics in Medicine 17, 1998, method 10): they keep
what they promise for few customers and for shares near 0, where the usual ones do not.
"""

from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist

POWER = 0.8
"""How often a difference that is there is to be seen: the field's usual four in five."""

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion:
    """So many of `n`."""

    count: int
    n: int

    @property
    def rate(self) -> float:
        """The share; 0 of nobody."""
        return self.count / self.n if self.n else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where a value lies with the confidence that was asked for."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether it tells which way a difference goes."""
        return self.low > 0 or self.high < 0


def interval(one: Proportion, confidence: float = 0.95) -> Interval:
    """The Wilson score interval of a share; all from 0 to 1 of nobody."""
    if one.n == 0:
        return Interval(low=0.0, high=1.0)
    z, n, rate = quantile(confidence), one.n, one.rate
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return Interval(low=max(0.0, middle - half), high=min(1.0, middle + half))


def difference(one: Proportion, other: Proportion, confidence: float = 0.95) -> Interval:
    """The interval of how much larger the first share is (0.03: three points)."""
    mine, theirs, by = interval(one, confidence), interval(other, confidence), one.rate - other.rate
    down = sqrt((one.rate - mine.low) ** 2 + (theirs.high - other.rate) ** 2)
    up = sqrt((mine.high - one.rate) ** 2 + (other.rate - theirs.low) ** 2)
    return Interval(low=max(-1.0, by - down), high=min(1.0, by + up))


def needed(one: float, other: float, confidence: float = 0.95, power: float = POWER) -> int | None:
    """How many customers each side takes to see two such shares differ, `power` often; None where they are the same.

    The usual formula for two shares (Fleiss, Levin and Paik 2003, ch. 4).
    """
    if one == other:
        return None
    z, back, mean = quantile(confidence), _NORMAL.inv_cdf(power), (one + other) / 2
    spread = z * sqrt(2 * mean * (1 - mean)) + back * sqrt(one * (1 - one) + other * (1 - other))
    return ceil((spread / (one - other)) ** 2)


def quantile(confidence: float) -> float:
    """How many standard deviations a two-sided interval of this confidence reaches either way."""
    return _NORMAL.inv_cdf((1 + confidence) / 2)
