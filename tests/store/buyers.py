"""Buyers who differ as BG/NBD says they do, so that a fit finds something in whatever order it reads them."""

from random import Random

DAYS = 84
"""From somebody's first order to the last one that is seen, at most."""


def days_of_orders(customers: int, seed: int = 1) -> list[list[int]]:
    """Of each customer the days of their orders, since the first: at their own rate, until they stop for good."""
    random, found = Random(seed), list[list[int]]()
    for _ in range(customers):
        rate, stops = random.gammavariate(0.8, 1 / 8), random.betavariate(0.8, 2.5)
        days, at = [0], 0.0
        while random.random() > stops and (at := at + random.expovariate(rate)) < DAYS:
            days.append(int(at))
        found.append(sorted(set(days)))
    return found
