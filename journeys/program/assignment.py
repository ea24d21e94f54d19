"""Which variant of a split a customer gets: a stable hash, so that retries, re-entry and edits change nothing."""

import hashlib
from collections.abc import Sequence

from journeys.program.nodes import SplitVariant


def share(of: str, customer: str) -> float:
    """Where a customer stands between 0 and 1, the same for ever."""
    digest = hashlib.sha256(f"{of}\0{customer}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def variant_of(customer: str, journey: str, split: str, variants: Sequence[SplitVariant]) -> SplitVariant:
    """The variant of this customer; each is met in proportion to its weight."""
    digest = hashlib.sha256(f"{journey}\0{split}\0{customer}".encode()).digest()
    point = int.from_bytes(digest[:8], "big") * sum(variant.weight for variant in variants) >> 64
    for variant in variants:
        if point < variant.weight:
            return variant
        point -= variant.weight
    raise AssertionError("the weights sum to more than zero")
