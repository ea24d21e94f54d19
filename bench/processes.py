"""A whole stack on free ports, ended by its pid."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
