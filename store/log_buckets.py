"""How long something took, as a bucket of a histogram: each is a fifth wider than the one before it.

Histograms of the same buckets are added by adding their counts, of days, stages or shards. A value that is read back
lies within nine percent of what was put in.
"""

import math

PER_DOUBLING = 4
"""Buckets until a duration is twice as long: more would tell nothing that a marketer asks, and be more rows."""


def bucket_of(seconds: float) -> int:
    """The bucket of a duration: 0 for less than a second (an event that came late can make it negative)."""
    return 1 + math.floor(PER_DOUBLING * math.log2(seconds)) if seconds >= 1 else 0


def bounds(bucket: int) -> tuple[float, float]:
    """The seconds at which a bucket begins and ends."""
    if bucket == 0:
        return 0.0, 1.0
    return 2.0 ** ((bucket - 1) / PER_DOUBLING), 2.0 ** (bucket / PER_DOUBLING)
