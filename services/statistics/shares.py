"""Whether customers came to variants as their weights say: the sample-ratio mismatch test (Pearson's chi-square).

Where they did not, something lost customers of one variant alone, and no comparison of what is left holds.
"""

from collections.abc import Sequence
from math import erfc, exp, gamma, sqrt

MISMATCH = 0.001
"""A chance below which shares do not fit: what Fabijan et al. (KDD 2019) found right for tests that are looked at
often."""

FEWEST = 5.0
"""Customers expected of a variant below which the test says nothing (Cochran's rule)."""


def chance(seen: Sequence[int], expected: Sequence[float]) -> float | None:
    """How often chance alone makes shares as uneven as these; None where too few are expected of one to tell."""
    if len(seen) < 2 or min(expected) < FEWEST:
        return None
    statistic = sum((one - other) ** 2 / other for one, other in zip(seen, expected, strict=True))
    return _beyond(statistic, len(seen) - 1)


def _beyond(statistic: float, freedom: int) -> float:
    """The upper tail of chi-square, exactly: up from 1 or 2 degrees of freedom by the gamma function's recurrence."""
    half, at = statistic / 2, 0.5 if freedom % 2 else 1.0
    tail = erfc(sqrt(half)) if freedom % 2 else exp(-half)
    while at < freedom / 2:
        tail += half**at * exp(-half) / gamma(at + 1)
        at += 1
    return min(1.0, tail)
