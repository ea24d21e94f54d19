"""The order in which several workers run the tests: what takes long is begun early, and little of it at the same time.

A worker gets a row of neighbours to begin with, and takes from the end of another's once it has done its own. So a long
test at such an end would be begun last, and everybody would wait for it; and where all begin with their long ones,
a dozen servers start on two cores.
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest

BEGIN = (("faults", "upgrade", "browser"), ("stack", "clients", "rehearsals"))
"""Folders whose tests start processes: what the first worker of two begins with, and the second."""

MIDDLE = (("examples",), ("temporal", "threeways", "world"))
"""Folders whose tests let years pass, or wait: they stand between others, on a worker that begins with none of those."""


def dealt(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """The same items, as a row that is cut into one part of equal length for each of so many workers."""
    groups = [BEGIN[0], MIDDLE[0], BEGIN[1], MIDDLE[1]]
    number_of = {folder: number for number, group in enumerate(groups) for folder in group}
    long: list[list[pytest.Item]] = [[] for _ in groups]
    others = list[pytest.Item]()
    for item in items:
        number = number_of.get(_folder(item))
        (others if number is None else long[number]).append(item)
    row, left = list[pytest.Item](), iter(others)
    for worker in range(workers):
        begin, middle = (
            [item for number in range(worker, len(groups), workers) if number % 2 == half for item in long[number]]
            for half in (0, 1)
        )
        length = max(0, (len(items) - len(row)) // (workers - worker) - len(begin) - len(middle))
        row += [*begin, *islice(left, length // 2), *middle, *islice(left, length - length // 2)]
    return [*row, *left]


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]
