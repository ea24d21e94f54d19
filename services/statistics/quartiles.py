"""Quartiles of durations, known one by one or by a histogram that is kept: what half took, and the quarters about it.

A mean says little of durations, which are skewed: one that takes a year moves it, and no quartile.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from store import log_buckets


@dataclass(frozen=True, slots=True, kw_only=True)
class Quartiles:
    """A quarter, a half and three quarters of `n` durations took at most so many seconds."""

    n: int
    lower: float
    median: float
    upper: float

    def in_days(self) -> dict[str, float | int]:
        """As reports show what takes days."""
        return self._shown("days", 86_400)

    def in_hours(self) -> dict[str, float | int]:
        """As reports show what takes hours."""
        return self._shown("hours", 3_600)

    def _shown(self, unit: str, seconds: int) -> dict[str, float | int]:
        shown = {"p25": self.lower, "median": self.median, "p75": self.upper}
        return {"n": self.n, **{f"{name}_{unit}": round(took / seconds, 3) for name, took in shown.items()}}


def of(histogram: Mapping[int, int]) -> Quartiles | None:
    """The quartiles of a histogram by `log_buckets`; None of nothing."""
    n = sum(histogram.values())
    if n <= 0:
        return None
    lower, median, upper = (_quantile(histogram, n, share) for share in (0.25, 0.5, 0.75))
    return Quartiles(n=n, lower=lower, median=median, upper=upper)


def exactly(seconds: Iterable[float]) -> Quartiles | None:
    """The quartiles of durations that are known one by one (between two of them where none is); None of none."""
    ordered = sorted(seconds)
    if not ordered:
        return None
    lower, median, upper = (_between(ordered, share) for share in (0.25, 0.5, 0.75))
    return Quartiles(n=len(ordered), lower=lower, median=median, upper=upper)


def _between(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _quantile(histogram: Mapping[int, int], n: int, share: float) -> float:
    """The value at a share of the whole, between the bounds of its bucket as if those in it lay evenly."""
    wanted, below = share * n, 0
    for bucket, count in sorted(histogram.items()):
        if below + count >= wanted and count > 0:
            low, high = log_buckets.bounds(bucket)
            return low + (high - low) * (wanted - below) / count
        below += count
    raise AssertionError("unreachable")
