"""Who dies when, by seed: each part once at first, then any of them, or all at once."""

import random
from collections.abc import Iterator, Sequence

PARTS: Sequence[tuple[str, ...]] = (("worker",), ("api",), ("temporal",), ("worker", "api", "temporal"))
"""What dies together."""

APART = (4.0, 12.0)
"""Seconds between two kills, at least and at most: a part needs some of them to be at work again."""


def kills(seed: int) -> Iterator[tuple[float, tuple[str, ...]]]:
    """For ever: after how many seconds which parts are killed, the same for the same seed."""
    chance = random.Random(seed)
    first = list(PARTS)
    chance.shuffle(first)
    while True:
        victims = first.pop() if first else chance.choice(PARTS)
        yield chance.uniform(*APART), victims
