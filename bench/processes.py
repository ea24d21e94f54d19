"""A whole stack on free ports, ended by its pid."""

import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil

from waypost.stack.free_port import free_port


def environment(home: Path) -> dict[str, str]:
    ports = {name: str(free_port()) for name in ("WAYPOST_PORT", "WAYPOST_TEMPORAL_PORT", "WAYPOST_TEMPORAL_UI_PORT")}
    return {**os.environ, **ports, "WAYPOST_HOME": str(home)}


@contextmanager
def stack(home: Path, env: dict[str, str] | None = None) -> Generator[subprocess.Popen[str], None, None]:
    """`waypost up`, until it is ready."""
    command = [sys.executable, "-m", "waypost.cli", "up"]
    process = subprocess.Popen(command, env=env or environment(home), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ctrl-C" in line:
                break
        yield process
    finally:
        process.terminate()
        process.wait(60)
        time.sleep(0.1)


def family(pid: int) -> dict[str, psutil.Process]:
    """The supervisor and its children, by what they are."""
    supervisor = psutil.Process(pid)
    children = supervisor.children(recursive=True)
    return {"up": supervisor} | {_name(one): one for one in children}


def _name(process: psutil.Process) -> str:
    return "temporal" if "temporal" in process.name() else process.cmdline()[-1].rpartition(".")[2][-10:]


def seconds_of_cpu(pid: int) -> dict[str, float]:
    """What each process of a stack has had of the processors, in seconds."""
    return {name: sum(one.cpu_times()[:2]) for name, one in family(pid).items()}


class Spent:
    """What a stack spends from now on: a figure that a busy machine changes little."""

    def __init__(self, pid: int) -> None:
        self._pid, self._before = pid, seconds_of_cpu(pid)

    def each(self, count: int) -> str:
        """In words: milliseconds of each process for each of so many, and what two cores could do of them a second."""
        after = seconds_of_cpu(self._pid)
        spent = {name: (after[name] - had) * 1_000 / count for name, had in self._before.items() if name in after}
        told = ", ".join(f"{name} {one:.1f}" for name, one in spent.items() if one >= 0.05)
        return f"ms of CPU each: {told}; two cores give {2_000 / max(sum(spent.values()), 0.001):.0f} a second at most"
