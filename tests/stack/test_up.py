"""`waypost up` as a person runs it: real processes, real ports, killed and started again."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

READY = b"Ctrl-C stops everything."
WAYPOST = [sys.executable, "-m", "waypost.cli"]

JOURNEY = """
journey: welcome
lifecycle: true
enter: [{on: Signed Up}]
start: new
stages:
  new:
    steps: [{send: welcome}, {wait: 8 seconds}, {send: thank_you}]
    transitions: [{on: Order Completed, to: buyer}]
  buyer:
    steps: [{send: loyalty}]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stack:
    """A home with ports of its own, and the process that uses it."""

    def __init__(self, home: Path) -> None:
        self.home = home
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
            self.process = subprocess.Popen([*WAYPOST, "up"], env=self.env, stdout=log, stderr=subprocess.STDOUT)
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
            [*WAYPOST, *arguments], env=self.env, capture_output=True, text=True, timeout=240, input=input
        )

    def api(self, method: str, path: str, **options: Any) -> Any:
        key = (self.home / "admin.key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.request(method, self.url + path, headers=headers, timeout=60, trust_env=False, **options).json()

    def mails(self) -> list[str]:
        return sorted(path.name for path in (self.home / "outbox").glob("*.eml"))

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


def welcome(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "welcome.yaml").write_text(JOURNEY)
    for arguments in (
        ("validate", str(tmp_path / "welcome.yaml")),
        ("apply", str(tmp_path / "welcome.yaml")),
        ("publish", "welcome"),
    ):
        done = stack.run(*arguments)
        assert done.returncode == 0, done.stderr


def signed_up(stack: Stack, user: str) -> None:
    batch = [
        {"type": "identify", "userId": user, "traits": {"email": f"{user}@example.com", "first_name": user}},
        {"type": "track", "userId": user, "event": "Signed Up"},
    ]
    assert stack.api("POST", "/v1/batch", json={"batch": batch})["accepted"] == 2


@pytest.mark.timeout(900)
def test_from_nothing_to_a_mail_and_through_a_kill(stack: Stack, tmp_path: Path) -> None:
    stack.start()
    said = stack.log.read_text()
    assert "Admin key          wp_" in said
    for page in ("/", "/docs", "/outbox"):
        assert httpx.get(stack.url + page, trust_env=False).status_code == 200
    assert stack.run("doctor").returncode == 0
    welcome(stack, tmp_path)

    idle = {" ".join(one.cmdline()[-1:]): one.memory_info().rss / 1e6 for one in stack.tree()}
    assert idle["api"] < 150
    assert idle["worker"] < 150

    signed_up(stack, "ann")
    stack.until(lambda: len(stack.mails()) >= 1)
    stack.kill_everything()
    stack.start()
    assert stack.log.read_text().count("Admin key") == 1, "the key is shown once"
    stack.until(lambda: len(stack.mails()) >= 2)
    story = stack.run("status", "ann@example.com")
    assert (story.returncode, "stage new, resting behind the last step" in " ".join(story.stdout.split())) == (0, True)
    assert json.loads(stack.run("status", "ann", "--json").stdout)["lifecycle_stage"] == "new"

    worker = next(one for one in stack.tree() if one.cmdline()[-1:] == ["worker"])
    worker.kill()
    stack.until(lambda: "worker ended with -9" in stack.log.read_text())
    signed_up(stack, "bob")
    stack.until(lambda: len(stack.mails()) >= 4)
    time.sleep(1)
    assert len(stack.mails()) == 4, "nothing was sent twice"

    second = stack.run("up")
    assert (second.returncode, "another `waypost up` uses the data directory" in second.stderr) == (1, True)


def test_a_taken_port_is_one_sentence(stack: Stack) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", stack.ports["WAYPOST_PORT"]))
        taken.listen()
        done = stack.run("up")
    assert done.returncode == 1
    port = stack.ports["WAYPOST_PORT"]
    expected = f"port {port} is taken by another program; stop that, or set WAYPOST_PORT to a free port"
    assert expected in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("status", "ann"), "nothing answers at"),
        (("publish", "x"), "nothing answers at"),
        (("keys", "list"), "the database does not answer"),
        (("validate", "nowhere.yaml"), "does not exist"),
        (("doctor",), "does not exist yet"),
        (("nonsense",), "No such command"),
    ],
)
def test_every_failure_is_a_sentence(stack: Stack, arguments: tuple[str, ...], sentence: str) -> None:
    done = stack.run(*arguments)
    said = " ".join((done.stdout + done.stderr).replace("│", " ").split())
    assert done.returncode in (1, 2)
    assert sentence in said
    assert "Traceback" not in said


def test_an_invalid_journey_is_told_with_lines(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("journey: j\nstart: a\nstages:\n  a:\n    steps:\n      - sned: x\n")
    done = stack.run("validate", str(tmp_path / "bad.yaml"))
    assert done.returncode == 1
    assert "line 6, stages.a.steps[0]" in " ".join(done.stderr.split())
    as_json = json.loads(stack.run("validate", str(tmp_path / "bad.yaml"), "--json").stdout)
    assert (as_json["valid"], as_json["problems"][0]["expected"]) == (False, "'send', the nearest verb")


@pytest.mark.timeout(900)
def test_the_first_journey_of_the_documentation_works_as_written(stack: Stack, tmp_path: Path) -> None:
    """Every command of docs/first-journey.md, typed as a reader would."""
    page = (Path(__file__).parent.parent.parent / "docs" / "first-journey.md").read_text()
    (tmp_path / "welcome.yaml").write_text(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0])
    stack.start()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for script in re.findall(r"```sh\n(.*?)```", page, re.DOTALL):
        done = subprocess.run(
            ["sh", "-e", "-c", script], cwd=tmp_path, env={**stack.env, "PATH": path, "no_proxy": "*"},
            capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        if "curl" in script:
            assert json.loads(done.stdout)["accepted"] == 2
            stack.until(lambda: len(stack.mails()) == 1)
    assert "Lifecycle stage: new" in done.stdout
