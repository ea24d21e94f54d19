"""`waypost chaos`: an installation of its own, whose processes die; counted at its receiver. `make test-faults` mails 1,000."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.faults.table import Measured
from tests.stacks import READY
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


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.at_size)])
def test_one_that_is_stopped_ends_with_all_that_it_started(tmp_path: Path, number: signal.Signals) -> None:
    """While customers sign up, of whom it has many still."""
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    words = [sys.executable, "-m", "waypost.cli", "chaos", "--mails", "50000"]
    running = subprocess.Popen(words, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    children = list[psutil.Process]()
    try:
        limit = time.monotonic() + 300
        while not any(READY in log.read_bytes() for log in tmp_path.glob("waypost-chaos-*/up.log")):
            assert running.poll() is None
            assert time.monotonic() < limit, "it never began"
            time.sleep(0.2)
        children = psutil.Process(running.pid).children(recursive=True)
        running.send_signal(number)
        _, told = running.communicate(timeout=240)
    finally:
        for one in (running, *children):
            with suppress(psutil.NoSuchProcess):
                one.kill()
    assert running.returncode == 1
    assert "stopped before everything had come to its end" in " ".join(told.split())
    assert (len(children) >= 3, psutil.wait_procs(children, timeout=1)[1]) == (True, [])
    assert list(tmp_path.iterdir()) == [], "nothing is left of it"


def test_the_same_seed_kills_the_same_parts_at_the_same_times() -> None:
    def first(seed: int) -> list[tuple[float, tuple[str, ...]]]:
        return [one for one, _ in zip(kills(seed), range(12), strict=False)]

    assert first(7) == first(7) != first(8)
    assert {victims for _, victims in first(7)[: len(PARTS)]} == set(PARTS), "each dies once at first"


@pytest.mark.parametrize(("mails", "customers", "readers"), [(2, 1, 1), (5, 3, 2), (1_000, 500, 500)])
def test_as_many_mails_are_due_as_were_asked_for(mails: int, customers: int, readers: int) -> None:
    traffic = Traffic(mails=mails)
    assert (len(traffic.due()), traffic.customers, traffic.readers) == (mails, customers, readers)


def test_calls_are_counted_that_were_under_way_at_any_instant_of_a_span() -> None:
    """Three, one after the other, are three for an owner who has written down none of them."""
    sink = SmtpSink()
    sink.history = [(1.0, 1), (2.0, 0), (3.0, 1), (4.0, 2), (5.0, 1), (6.0, 0), (9.0, 1)]
    assert [sink.under_way_between(*span) for span in ((0.0, 0.5), (1.5, 8.0), (3.5, 3.6), (4.5, 5.5), (7.0, 8.0))] == [
        0, 3, 1, 2, 0,
    ]  # fmt: skip


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
