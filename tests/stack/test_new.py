"""`waypost new`: from an empty folder to the first mail of one's own journey, as somebody types it."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stacks import Stack
from waypost.project import new_project

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = new_project.examples()


def waypost(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("WAYPOST_")}
    return subprocess.run(
        [sys.executable, "-m", "waypost.cli", *arguments], cwd=cwd, env=env, capture_output=True, text=True, timeout=120
    )


@pytest.mark.timeout(600)
def test_six_commands_and_five_minutes_to_the_first_mail(stack_in: Callable[[Path], Stack], tmp_path: Path) -> None:
    """1 new, 2 cd, 3 up, 4 apply, 5 ingest, 6 status: with the brand that was asked for, in both languages."""
    began = time.monotonic()
    made = waypost(
        "new", "shop", "--brand", "Juniper & Oak", "--color", "#8a3ffc", "--site", "https://juniper.example",
        cwd=tmp_path,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    stack = stack_in(tmp_path / "shop")
    stack.start()
    typed = [command for command, _ in new_project.NEXT]
    assert typed[0] == "waypost up"
    for command in typed[1:]:
        done = stack.run(*command.split()[1:])
        assert done.returncode == 0, done.stderr
    stack.until(lambda: len(stack.mails()) >= 1)
    assert time.monotonic() - began < 300, "five minutes"
    assert 1 + len(["cd shop", *typed, "waypost status ann@example.com"]) <= 6

    said = stack.run("status", "ann@example.com")
    assert "first_time_buyer" in said.stdout
    stack.until(lambda: {"Thank you for your order, Ann", "Danke für Ihre Bestellung, Ben"} <= set(stack.mails()))
    html = next(body for subject, body in stack.bodies() if "Ann" in subject)
    assert "Juniper &amp; Oak" in html
    assert "#8a3ffc" in html

    again = json.loads(stack.run("apply", ".", "--json").stdout)
    assert {one["change"] for one in again} == {"same"}, "what was applied is what is there"
    assert stack.run("diff", ".").returncode == 0


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_project_of_each_example_is_whole(example: str, tmp_path: Path) -> None:
    made = waypost("new", "mine", "--journey", example, "--json", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    files = {Path(one).name for one in json.loads(made.stdout)["files"]}
    assert {"README.md", ".env", ".gitignore", "waypost.yaml", "events.ndjson", f"{example}.yaml"} <= files
    valid = waypost("validate", f"journeys/{example}.yaml", cwd=tmp_path / "mine")
    assert (valid.returncode, valid.stderr) == (0, ""), "without a warning"


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "journeys").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_says_to_type_makes_a_project(page: Path, tmp_path: Path) -> None:
    lines = re.findall(r"^waypost (new .+)$", page.read_text(), re.MULTILINE)
    assert len(lines) == 1
    made = waypost(*shlex.split(lines[0]), cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / shlex.split(lines[0])[1] / "events.ndjson").exists()


def test_a_wrong_wish_is_one_sentence_and_makes_nothing(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thing").touch()
    for arguments, sentence in (
        (("full",), "full is not empty"),
        (("new", "--journey", "lifcycle"), "there is no example 'lifcycle'; there are abandoned_cart, birthday"),
        (("new", "--color", "green"), "'green' is no colour; write six digits, as #0b6e4f"),
        (("new", "--site", "shop"), "'shop' is no address of a site; write https://shop.example"),
        (("new", "--sender", "nobody"), "is no sender"),
        (("new", "--brand", "two\nlines"), "holds a sign that cannot be printed"),
    ):
        done = waypost("new", *arguments, cwd=tmp_path)
        said = " ".join(done.stderr.split())
        assert (done.returncode, sentence in said, "Traceback" in said) == (1, True, False), said
    assert not (tmp_path / "new").exists()


def test_a_brand_reads_back_as_it_was_written(tmp_path: Path) -> None:
    name = 'O\'Neill "& Sons" \\ $HOME #1'
    assert waypost("new", "mine", "--brand", name, "--address", "1 Main St, 'Old' Town", cwd=tmp_path).returncode == 0
    shown = subprocess.run(
        [sys.executable, "-c", "from waypost.settings import Settings as S; s = S(); print(s.brand); print(s.postal_address)"],
        cwd=tmp_path / "mine", capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert shown.stdout.splitlines() == [name, "1 Main St, 'Old' Town"]


def test_events_of_a_file_are_refused_whole_where_a_line_is_wrong(tmp_path: Path) -> None:
    for line, sentence in (
        ("{", "line 2: no JSON"),
        ("[]", "line 2: a line is one JSON object"),
        ('{"type": "consent", "userId": "ann"}', "line 2: a consent names userId and topic"),
        ('{"type": "consent", "userId": "ann", "topic": "news", "granted": "yes"}', "granted: true or false"),
    ):
        (tmp_path / "events.ndjson").write_text('{"type": "track", "userId": "ann", "event": "X"}\n' + line + "\n")
        done = waypost("ingest", "events.ndjson", cwd=tmp_path)
        said = " ".join(done.stderr.split())
        assert (done.returncode, sentence in said, "nothing was sent" in said) == (1, True, True), said
