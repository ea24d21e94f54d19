"""`waypost chaos`: an installation of its own, whose processes die; counted at its receiver. `make test-faults` mails 1,000."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.faults.table import Measured
from waypost.chaos.kills import PARTS, kills
from waypost.chaos.proof import Chaos, ChaosResult
from waypost.chaos.smtp_sink import SmtpSink
from waypost.chaos.traffic import Traffic
from waypost.settings import Settings

FULL = "WAYPOST_FAULTS" in os.environ
MAILS, KILLS = (1_000, 8) if FULL else (20, 2)


@pytest.mark.timeout(2_400)
def test_nothing_is_lost_and_nothing_doubled_whoever_dies(tmp_path: Path, measured: Measured) -> None:
    """Settings that stand around, as of a real installation, are not those of the proof."""
    (tmp_path / ".env").write_text("WAYPOST_SMTP_URL=smtp://127.0.0.1:1\nWAYPOST_HOME=elsewhere\n")
    words = ("chaos", "--mails", str(MAILS), "--kills", str(KILLS), "--json")
    done = subprocess.run(
        [sys.executable, "-m", "waypost.cli", *words],
        cwd=tmp_path, env=os.environ | {"WAYPOST_PORT": "1"}, capture_output=True, text=True, timeout=2_000,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    print(found)
    counted = (found[one] for one in ("due", "lost", "duplicated", "unexpected", "unknown"))
    measured.row(
        f"waypost chaos ({found['kills']} kills)", *counted, recovered=MAILS - found["unknown"] - found["lost"]
    )
    assert (found["due"], found["lost"], found["duplicated"], found["unexpected"]) == (MAILS, 0, 0, 0)
    assert MAILS - found["unknown"] <= found["accepted"] <= MAILS
    assert found["kills"] >= KILLS
    assert [one.name for one in tmp_path.iterdir()] == [".env"]


def test_the_same_seed_kills_the_same_parts_at_the_same_times() -> None:
    def first(seed: int) -> list[tuple[float, tuple[str, ...]]]:
        return [one for one, _ in zip(kills(seed), range(12), strict=False)]

    assert first(7) == first(7) != first(8)
    assert {victims for _, victims in first(7)[: len(PARTS)]} == set(PARTS), "each dies once at first"


@pytest.mark.parametrize(("mails", "customers", "readers"), [(2, 1, 1), (5, 3, 2), (1_000, 500, 500)])
def test_as_many_mails_are_due_as_were_asked_for(mails: int, customers: int, readers: int) -> None:
    traffic = Traffic(mails=mails)
    assert (len(traffic.due()), traffic.customers, traffic.readers) == (mails, customers, readers)


@pytest.mark.parametrize("wrong", ["lost", "duplicated", "unexpected"])
def test_one_that_is_lost_or_doubled_is_no_proof(wrong: str) -> None:
    well = ChaosResult(due=2, accepted=2, lost=0, duplicated=0, unexpected=0, unknown=1, kills=4, seconds=9.0)
    assert well.holds
    changed: dict[str, Any] = {wrong: 1}
    assert not replace(well, **changed).holds


async def test_a_mail_that_is_unknown_and_never_arrives_is_waited_for_no_longer_than_others_are_under_way() -> None:
    class Settled(Chaos):
        def _is_settled(self) -> bool:
            return True

    traffic, sink = Traffic(mails=40), SmtpSink()
    sink.letters.update(sorted(traffic.due())[1:])
    running = asyncio.create_task(asyncio.sleep(600))
    chaos = Settled(Settings(_env_file=None), traffic, sink)  # type: ignore[call-arg]
    assert await asyncio.wait_for(chaos.more_than(39, running), 60) == 39
    running.cancel()
