"""The documentation is true: its fences run, its tables are complete, its links lead somewhere."""

import json
import re
from pathlib import Path

import pytest

from docs import generate
from journeys import source
from journeys.lint import Surroundings
from mail.render import Renderer
from waypost.cli import app

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
FENCE = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
FENCES = [
    pytest.param(kind, body, id=f"{page.relative_to(ROOT)}-{index}")
    for page in PAGES
    for index, (kind, body) in enumerate(FENCE.findall(page.read_text()))
]


def everything() -> str:
    return "\n".join(page.read_text() for page in PAGES)


@pytest.mark.parametrize(("kind", "body"), FENCES)
def test_a_fence_is_what_it_says(kind: str, body: str) -> None:
    if kind == "yaml":
        source.read(body, Surroundings(templates=Renderer().keys()))
    elif kind == "json":
        json.loads(body)
    elif kind == "sh":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        for line in body.strip().splitlines():
            program, *arguments = line.split()
            if program == "make":
                assert arguments[0] in targets
            elif program == "waypost":
                assert arguments[0] in commands()
            else:
                assert program == "curl"
    else:
        assert kind in ("mermaid", "text")


def commands() -> set[str]:
    named = {one.name or (one.callback.__name__ if one.callback else "") for one in app.registered_commands}
    return named | {group.name or "" for group in app.registered_groups}


def test_every_command_of_the_command_line_is_documented() -> None:
    text = everything()
    missing = [name for name in commands() if not re.search(rf"waypost {name}\b", text)]
    assert missing == []


def test_generated_parts_are_fresh() -> None:
    for page in PAGES:
        assert generate.fresh(page.read_text()) == page.read_text(), page


def test_links_lead_to_files() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), (page, target)


def test_no_page_names_a_place_of_one_machine() -> None:
    for page in PAGES:
        assert not re.search(r"/(work|root|home)/", page.read_text()), page
