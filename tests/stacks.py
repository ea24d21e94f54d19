"""`waypost up` with a home and ports of its own, started and killed as a person would."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from waypost.stack.free_port import free_port

READY = b"Ctrl-C stops everything."
WAYPOST = [sys.executable, "-m", "waypost.cli"]


def answers(url: str) -> bool:
    """Whether an OK comes back."""
    try:
        return httpx.get(url, trust_env=False, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


class Stack:
    """A home with ports of its own, and the process that uses it."""

    def __init__(self, home: Path, folder: Path | None = None) -> None:
        self.home = home
        self.folder = folder
        self.ports = {
            name: free_port() for name in ("WAYPOST_PORT", "WAYPOST_TEMPORAL_PORT", "WAYPOST_TEMPORAL_UI_PORT")
        }
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("WAYPOST_", "SENDGRID_"))},
            **{name: str(port) for name, port in self.ports.items()},
            "WAYPOST_HOME": str(home),
        }
        self.url = f"http://127.0.0.1:{self.ports['WAYPOST_PORT']}"
        self.log = home.parent / f"{home.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        before = self.log.read_bytes().count(READY) if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*WAYPOST, "up"], cwd=self.folder, env=self.env, stdout=log, stderr=subprocess.STDOUT
            )
        self.until(lambda: self.log.read_bytes().count(READY) > before, 300)

    def until(self, condition: Callable[[], bool], seconds: float = 240) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"never came true:\n{self.log.read_text()}"
            assert self.process is None or self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def tree(self) -> list[psutil.Process]:
        assert self.process is not None
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def kill_everything(self) -> None:
        """kill -9 of the supervisor alone; its children must not outlive it."""
        children = self.tree()[1:]
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        _, alive = psutil.wait_procs(children, timeout=10)
        assert alive == []
        self.process = None

    def run(self, *arguments: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*WAYPOST, *arguments],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=240,
            input=input,
        )

    def api(self, method: str, path: str, **options: Any) -> Any:
        return self.answer(method, path, **options).json()

    def answer(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        key = (self.home / "admin.key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}", **(headers or {})}
        return httpx.request(method, self.url + path, headers=headers, timeout=60, trust_env=False, **options)

    def mails(self) -> list[str]:
        """The subjects of everything that the outbox has received, in its order."""
        return [subject for subject, _ in self.bodies()]

    def bodies(self) -> list[tuple[str, str]]:
        """The same, each with its HTML."""
        with closing(sqlite3.connect(self.home / "waypost.db", timeout=60)) as database:
            return list(database.execute("SELECT subject, html FROM outbox_mail ORDER BY id"))

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                assert self.process.wait(120) == 0
            except subprocess.TimeoutExpired:
                for one in self.tree():
                    one.kill()
                raise


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path / "home")
    yield made
    made.stop()


@pytest.fixture
def stack_in(tmp_path: Path) -> Iterator[Callable[[Path], Stack]]:
    """A stack that is started in a folder, with its `.env`."""
    made: list[Stack] = []

    def make(folder: Path) -> Stack:
        made.append(Stack(folder / ".waypost", folder))
        return made[-1]

    yield make
    for one in made:
        one.stop()
