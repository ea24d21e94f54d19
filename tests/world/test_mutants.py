"""The protocol with one line of it wrong: the world finds each of them within so many schedules.

A mutant is a patch of one line. It is applied to a copy of the product, which a process of its own runs. `make test`
tries some of them, `make test-deep` all.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.form import PRODUCT
from tests.world.prepared import Prepared
from tests.world.schedules import ROOT

WITHIN = 500
"""Schedules in which a mutant must be found."""

MUTANTS = {one.stem: one for one in sorted((Path(__file__).parent / "mutants").glob("*.patch"))}

ALWAYS = ("a-wake-is-done-again", "a-move-tells-nobody")
"""Those that `make test` tries: each is found in a few seconds."""

TRIED = MUTANTS if "WAYPOST_WORLD" in os.environ else ALWAYS


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each schedule begins, made once."""
    file = tmp_path_factory.mktemp("world") / "database"
    made = Prepared()
    file.write_bytes(made.state)
    made.close()
    return file


@pytest.mark.parametrize("mutant", TRIED)
def test_a_mutant_is_found(tmp_path: Path, database: Path, mutant: str) -> None:
    for room in PRODUCT:
        shutil.copytree(ROOT / room, tmp_path / room)
    shutil.copytree(ROOT / "tests" / "world", tmp_path / "tests" / "world")
    subprocess.run(["git", "apply", MUTANTS[mutant]], cwd=tmp_path, check=True)
    asked = [sys.executable, "-m", "tests.world.schedules", "0", str(WITHIN - 1), str(database)]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    run = subprocess.run(asked, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, "the schedule of the seed" in run.stdout) == (1, True), run.stdout + run.stderr


def test_there_are_mutants_enough_and_each_is_one_line_of_the_code_as_it_stands() -> None:
    assert len(MUTANTS) >= 12
    for patch in MUTANTS.values():
        subprocess.run(["git", "apply", "--check", patch], cwd=ROOT, check=True)
        lines = patch.read_text().splitlines()
        changed = [one[0] for one in lines if one[0:1] in "+-" and one[0:3] not in ("+++", "---") and one]
        assert changed == ["-", "+"], patch.name
