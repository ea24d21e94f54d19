"""The product in a simulated world: whatever dies, fails or jumps, nobody is lost and no mail is handed over twice.

Each seed is a schedule of its own (`schedules`); `make test-deep` runs WAYPOST_WORLD of them.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import schedules
from tests.world.faults import RARELY, SOMETIMES
from tests.world.prepared import Prepared

SCHEDULES = int(os.environ.get("WAYPOST_WORLD", "1000"))
PARTS = 4
"""Tests of so many schedules each, so that workers share them."""

ENOUGH, MANY = 1_000, 4_000
"""Schedules in which each fault, and each way out, must have happened; and those that happen rarely."""

SEEDS = 3
"""Schedules that are run twice."""


@pytest.fixture(scope="module")
def prepared() -> Iterator[Prepared]:
    with schedules.rarely_collected():
        made = Prepared()
        yield made
        made.close()


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    with schedules.quiet():
        yield


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each part tells what it has seen; workers of one run share it."""
    own = tmp_path_factory.getbasetemp()
    made = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "parts of the world"
    made.mkdir(exist_ok=True)
    return made


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.timeout(0 if SCHEDULES > ENOUGH else 900)
def test_nobody_is_lost_and_no_mail_is_handed_over_twice(prepared: Prepared, part: int, parts: Path) -> None:
    """Whoever comes last asks what happened in all parts together."""
    seen = Counter[str]()
    for seed in range(part, SCHEDULES, PARTS):
        schedules.run(prepared, seed, seen)
    file = parts / f"{part}.json"
    file.with_suffix(".new").write_text(json.dumps(seen))
    file.with_suffix(".new").rename(file)
    told = [Counter(json.loads(one.read_text())) for one in parts.glob("*.json")]
    if len(told) == PARTS and SCHEDULES >= ENOUGH:
        together = sum(told, Counter[str]())
        rarely = () if SCHEDULES >= MANY else RARELY
        never = [one for one in SOMETIMES if not together[one] and one not in rarely]
        assert never == [], "a fault that never happens proves nothing"


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
