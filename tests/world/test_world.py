"""The product in a simulated world: whatever dies, fails or jumps, nobody is lost and no mail is handed over twice.

Each seed is a schedule of its own (`schedules`); `make test-deep` runs WAYPOST_WORLD of them.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.world import schedules
from tests.world.faults import SOMETIMES
from tests.world.prepared import Prepared

SCHEDULES = int(os.environ.get("WAYPOST_WORLD", "1000"))
PARTS = 4
"""Tests of so many schedules each, so that workers share them."""

ENOUGH = 1_000
"""Schedules in which each fault, and each way out, must have happened."""

SEEDS = 3
"""Schedules that are run twice."""


@pytest.fixture(scope="module")
def prepared() -> Iterator[Prepared]:
    made = Prepared()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    with schedules.quiet():
        yield


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.timeout(0 if SCHEDULES > ENOUGH else 900)
def test_nobody_is_lost_and_no_mail_is_handed_over_twice(prepared: Prepared, part: int) -> None:
    seen, seeds = Counter[str](), range(part, SCHEDULES, PARTS)
    for seed in seeds:
        schedules.run(prepared, seed, seen)
    if len(seeds) >= ENOUGH:
        assert [one for one in SOMETIMES if not seen[one]] == [], "a fault that never happens proves nothing"


def test_a_seed_is_the_same_schedule_each_time(prepared: Prepared) -> None:
    """In another process too, whatever order its sets have."""
    seen = Counter[str]()
    for seed in range(SEEDS):
        schedules.run(prepared, seed, seen)
    told = "".join(f"{count:6} {name}\n" for name, count in sorted(seen.items()))
    asked = [sys.executable, "-m", "tests.world.schedules", "0", str(SEEDS - 1)]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    again = subprocess.run(asked, cwd=schedules.ROOT, env=environment, capture_output=True, text=True, check=True)
    assert again.stdout == told


def test_a_failure_tells_the_seed_the_commit_and_one_command() -> None:
    told = schedules.told(17, AssertionError("mail 1 was handed over twice"))
    assert "the schedule of the seed 17 fails at the commit " in told
    assert told.endswith("python -m tests.world.schedules 17")
