"""The order in which several workers run the tests: what takes long begins at once, and not all of it on one worker.

A worker gets a row of neighbours to begin with, and takes from the end of another's once it has done its own. So a long
test at such an end would be begun last, and everybody would wait for it.
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest

LONG = (("faults", "upgrade"), ("examples", "rehearsals"), ("stack", "clients"), ("browser", "temporal", "world"))
"""Folders whose tests start processes or let years pass; a group is one worker's beginning."""


def dealt(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """The same items, as a row that is cut into one part of equal length for each of so many workers."""
    begins: list[list[pytest.Item]] = [[] for _ in range(workers)]
    others = list[pytest.Item]()
    groups = {folder: number % workers for number, group in enumerate(LONG) for folder in group}
    for item in items:
        group = groups.get(_folder(item))
        (others if group is None else begins[group]).append(item)
    row, left = list[pytest.Item](), iter(others)
    for number, begin in enumerate(begins):
        length = (len(items) - len(row)) // (workers - number)
        row += begin + list(islice(left, max(0, length - len(begin))))
    return [*row, *left]


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]
