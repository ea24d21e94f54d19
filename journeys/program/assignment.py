"""Which variant of a split a customer gets who has none yet: by weighted rendezvous hashing.

Each variant gives each customer a score, which its weight makes longer, and the highest wins. So a variant that gains
weight takes customers from the others and gives none away, one that loses some only gives, and a new one only takes:
no edit moves anybody between two variants that it leaves alone. Whoever has a variant keeps it all the same: it is
remembered with the customer (`rules.split_answers`).
"""

import hashlib
from collections.abc import Sequence
from math import inf, log

from journeys.program.nodes import SplitVariant


def share(of: str, customer: str) -> float:
    """Where a customer stands between 0 and 1, the same for ever."""
    digest = hashlib.sha256(f"{of}\0{customer}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def is_tried_on(journey: str, enrollment: str, of_hundred: int) -> bool:
    """Whether an enrollment is among so many in a hundred on whom a version is tried: of more they stay some."""
    return share(f"canary\0{journey}", enrollment) * 100 < of_hundred


def variant_of(customer: str, journey: str, split: str, variants: Sequence[SplitVariant]) -> SplitVariant:
    """The variant of this customer; each is met in proportion to its weight, and one without weight never.

    The order of the variants and a common factor of their weights change nothing.
    """
    return max(variants, key=lambda one: (_score(one, f"{journey}\0{split}\0{one.name}", customer), one.name))


def _score(variant: SplitVariant, of: str, customer: str) -> float:
    """A draw of an exponential distribution with the weight as its rate, turned round: the soonest comes highest."""
    drawn = share(of, customer)
    if variant.weight == 0:
        return -inf
    return log(drawn) / variant.weight if drawn else -1e300


def variant_of_engine_1(customer: str, journey: str, split: str, variants: Sequence[SplitVariant]) -> SplitVariant:
    """The variant that the first engine gave without asking: what a history that it recorded went on with."""
    digest = hashlib.sha256(f"{journey}\0{split}\0{customer}".encode()).digest()
    point = int.from_bytes(digest[:8], "big") * sum(variant.weight for variant in variants) >> 64
    for variant in variants:
        if point < variant.weight:
            return variant
        point -= variant.weight
    raise AssertionError("the weights sum to more than zero")
