"""Schedules by their seeds: what a seed chooses, what is told of one that fails, and the command that runs it again.

python -m tests.world.schedules 17          runs the schedule of the seed 17, and tells what happened in it
python -m tests.world.schedules 0 499       runs these, up to the first that fails
"""

import gc
import logging
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import detangle
import structlog
from detangle.strategies import PCT, RandomWalk, Strategy

from tests.world.prepared import Prepared
from tests.world.world import World

ROOT = Path(__file__).parent.parent.parent

GARBAGE = 200_000
"""Objects more than were freed behind which garbage is looked for: some dozens of megabytes."""


class ScheduleFailed(AssertionError):
    """A schedule broke what must hold; the text says which, at which commit, and how to run it again."""


def strategy(seed: int) -> Strategy:
    """Every other schedule goes at random, the others by few changes of who goes first."""
    return RandomWalk(seed) if seed % 2 else PCT(seed, depth=2 + seed % 3, horizon=400)


def run(prepared: Prepared, seed: int, seen: Counter[str]) -> None:
    """The schedule of a seed; `seen` counts what happened. Raises ScheduleFailed."""

    async def schedule() -> None:
        await World(prepared, seen).run()

    try:
        detangle.run(schedule, strategy=strategy(seed), max_steps=20_000)
    except Exception as error:
        raise ScheduleFailed(told(seed, error)) from error


def run_all(seeds: Iterable[int], state: bytes | None = None) -> Counter[str]:
    """Many of them, one after the other; return what happened."""
    seen = Counter[str]()
    with quiet(), rarely_collected():
        prepared = Prepared(state)
        for seed in seeds:
            run(prepared, seed, seen)
    return seen


def told(seed: int, error: BaseException) -> str:
    """The seed, the commit, and one command."""
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    commit = asked.stdout.strip() or "unknown"
    return (
        f"the schedule of the seed {seed} fails at the commit {commit}: {type(error).__name__}: {error}\n"
        f"run it again: PYTHONHASHSEED=0 .venv/bin/python -m tests.world.schedules {seed}"
    )


@contextmanager
def rarely_collected() -> Iterator[None]:
    """What is loaded is no garbage, and what a schedule leaves in rings is looked for once in some dozens of them."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, 10, 10)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def quiet() -> Iterator[None]:
    """Faults are meant here: nobody reads of each of them."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        structlog.configure(**before)
        logging.disable(logging.NOTSET)


def main(first: str, last: str = "", file: str = "") -> int:
    """Run these schedules, and tell what happened in them; 1 where one of them fails."""
    try:
        seeds = range(int(first), int(last or first) + 1)
        seen = run_all(seeds, Path(file).read_bytes() if file else None)
    except ScheduleFailed as failed:
        traceback.print_exception(failed.__cause__)
        print(failed)
        return 1
    for name, count in sorted(seen.items()):
        print(f"{count:6} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
