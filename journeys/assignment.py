"""Which variant of a split a customer gets: a stable hash, so that retries, re-entry and edits change nothing."""

import hashlib
from collections.abc import Sequence

from journeys.program import Variant


def variant_of(customer: str, journey: str, split: str, variants: Sequence[Variant]) -> Variant:
    """The variant of this customer; each is met in proportion to its weight."""
    digest = hashlib.sha256(f"{journey}\0{split}\0{customer}".encode()).digest()
    point = int.from_bytes(digest[:8], "big") * sum(variant.weight for variant in variants) >> 64
    for variant in variants:
        if point < variant.weight:
            return variant
        point -= variant.weight
    raise AssertionError("the weights sum to more than zero")
