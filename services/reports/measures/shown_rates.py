"""A share as reports show it: never without the n of which it is, nor without its interval."""

from typing import Any

from services.statistics import proportions
from services.statistics.proportions import Proportion

FEW = 100
"""Mails below which a share says little: its interval spans twenty points then, so it is shown in grey."""


def rate(share: Proportion) -> dict[str, Any]:
    """A share with its n and Wilson's interval (95%); of nobody there is no rate."""
    between = proportions.interval(share)
    return {
        "count": share.count,
        "n": share.n,
        "rate": round(share.rate, 4) if share.n else None,
        "low": round(between.low, 4),
        "high": round(between.high, 4),
    }
