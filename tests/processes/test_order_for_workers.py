"""Long tests are begun early, each group by another worker, and none is lost on the way."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tests.order_for_workers
from tests.order_for_workers import BEGIN, MIDDLE, dealt

HERE = Path(tests.order_for_workers.__file__).parent


def items(**counts: int) -> list[Any]:
    """So many tests of each folder."""
    return [
        SimpleNamespace(path=HERE / folder / "test_any.py", name=f"{folder} {number}")
        for folder, count in counts.items()
        for number in range(count)
    ]


def names(row: list[Any]) -> list[str]:
    return [one.name for one in row]


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("counts", [{"core": 9}, {"core": 40, "faults": 2, "stack": 3}, {"faults": 30, "store": 4}])
def test_every_test_is_dealt_once(counts: dict[str, int], workers: int) -> None:
    given = items(**counts)
    assert sorted(names(dealt(given, workers))) == sorted(names(given))


def test_two_workers_begin_with_long_ones_and_two_have_them_between_others() -> None:
    row = names(dealt(items(core=3, examples=1, faults=2, stack=1, store=5), 4))
    assert [row[at : at + 3] for at in (0, 3, 6, 9)] == [
        ["faults 0", "faults 1", "core 0"],
        ["core 1", "examples 0", "core 2"],
        ["stack 0", "store 0", "store 1"],
        ["store 2", "store 3", "store 4"],
    ]


def test_a_worker_of_two_has_those_of_two() -> None:
    row = names(dealt(items(core=4, examples=1, faults=1, stack=1, world=1), 2))
    assert [row[at : at + 4] for at in (0, 4)] == [
        ["faults 0", "stack 0", "core 0", "core 1"],
        ["core 2", "examples 0", "world 0", "core 3"],
    ]


def test_the_long_ones_are_there() -> None:
    """A folder that is renamed is renamed here."""
    assert [one for group in (*BEGIN, *MIDDLE) for one in group if not (HERE / one).is_dir()] == []
