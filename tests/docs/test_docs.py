"""The documentation is true: its fences run, its tables are complete, its links lead somewhere."""

import builtins
import json
import re
import shlex
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from api.app import ROUTERS
from docs import generate, models, rooms, status_diagrams
from journeys.checks import source
from journeys.checks.lint import ValidationContext
from journeys.language import definition, handbook
from journeys.language.verbs import VERBS, WaitUntil, WaitUntilDate
from journeys.machine.state import State
from journeys.program.compiler import compile_journey
from journeys.simulation.simulator import PastFacts, simulate
from mail.rendering import templates
from services.access.keys.api_keys import SCOPES
from services.ingestion import rights
from waypost.cli.app import app

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
FENCE = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
FENCES = [
    pytest.param(kind, body, id=f"{page.relative_to(ROOT)}-{index}")
    for page in PAGES
    for index, (kind, body) in enumerate(FENCE.findall(page.read_text()))
]


HEREDOC = re.compile(r" <<'(\w+)'\n.*?\n\1\n", re.DOTALL)
"""A file that is written on the way."""


def everything() -> str:
    return "\n".join(page.read_text() for page in PAGES)


@pytest.mark.parametrize(("kind", "body"), FENCES)
def test_a_fence_is_what_it_says(kind: str, body: str) -> None:
    if kind == "yaml":
        place = re.match(r"# in (\w+)\n", body)
        source.read(wrapped(place[1], body) if place else body, ValidationContext(templates=templates.keys([])))
    elif kind == "json":
        json.loads(body)
    elif kind == "sh":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        for line in HEREDOC.sub("\n", body).strip().splitlines():
            program, *arguments = shlex.split(line)
            if program == "make":
                assert arguments[0] in targets
            elif program == "waypost":
                assert arguments[0] in commands()
            elif program == "pytest":
                assert (ROOT / arguments[0]).exists()
            else:
                assert program in ("cat", "cp", "curl", "export", "mkdir", "printf")
    elif kind == "python":
        compile(body, "fence", "exec")
    else:
        assert kind in ("mermaid", "text", "js")


def fields_of(part: type[BaseModel]) -> set[str]:
    """The fields of a part of the language, as they are written."""
    return {field.alias or name for name, field in part.model_fields.items()}


def wrapped(place: str, body: str) -> str:
    """A fragment of the language as part of a whole journey."""
    inner = "".join(f"      {line}\n" for line in body.strip().splitlines())
    enter = f"enter:\n{inner}" if place == "enter" else "enter: [{on: Signed Up}]\n"
    steps = f"    steps:\n{inner}" if place == "steps" else "    steps: [{send: welcome}]\n"
    ways = f"    transitions:\n{inner}" if place == "transitions" else "    transitions: [{on: Done, to: second}]\n"
    stages = f"stages:\n  first:\n{steps}{ways}  second: {{final: true}}\n"
    return f"journey: example\n{enter}defaults: {{topic: news}}\nstart: first\n{stages}"


@pytest.mark.parametrize("place", ["steps", "enter", "transitions"])
def test_the_examples_of_the_language_run(place: str) -> None:
    """Each through the simulator, to an end or a wait."""
    entries = {"steps": handbook.STEPS, "enter": handbook.TRIGGERS, "transitions": handbook.TRANSITIONS}[place]
    for entry in entries.values():
        program = compile_journey(source.read(wrapped(place, entry.example))[0])
        begin = datetime(2026, 3, 2, 12, tzinfo=UTC)
        state = State(customer="c", enrollment="e")
        trace = simulate(program, state, PastFacts([], {"plan": "team"}), begin, begin + timedelta(days=400))
        assert trace.state.reason != "loop"
        assert trace.decisions[0].what == "entered"


def test_every_word_of_the_language_is_in_the_handbook() -> None:
    assert list(handbook.STEPS) == list(VERBS)
    assert list(handbook.TRIGGERS) == list(definition.TRIGGERS)
    assert list(handbook.TRANSITIONS) == list(definition.TRANSITIONS)
    assert set(handbook.JOURNEY) == fields_of(definition.Definition)
    assert set(handbook.STAGE) == fields_of(definition.Stage)
    assert set(definition.PHASES) == set(get_args(definition.LifecyclePhase))
    for word, entry in handbook.STEPS.items():
        assert entry.part is None or set(entry.fields) == fields_of(entry.part), word
    assert set(handbook.STEPS["wait"].fields) == fields_of(WaitUntil) | fields_of(WaitUntilDate)
    triggers = {name for entry in handbook.TRIGGERS.values() for name in entry.fields}
    assert triggers == fields_of(definition.Trigger)
    transitions = {name for entry in handbook.TRANSITIONS.values() for name in entry.fields}
    assert transitions == fields_of(definition.Transition)


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


def test_every_call_of_the_api_is_documented_once() -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    calls = [f"`{method.upper()} {path}`" for path, item in models.openapi()["paths"].items() for method in item]
    assert {call: text.count(call + " |") for call in calls} == dict.fromkeys(calls, 1)


def test_links_lead_to_files() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), (page, target)


def test_no_page_names_a_place_of_one_machine() -> None:
    for page in PAGES:
        assert not re.search(r"/(work|root|home)/", page.read_text()), page


FOLDERS = "activities|api|bench|docs|examples|journeys|mail|pictures|readers|scripts|services|store|templates|tests|value|waypost|workflows"
PLACE = re.compile(rf"`((?:{FOLDERS})/[\w./-]*)`")
NAME = re.compile(rf"`((?:{FOLDERS})(?:\.(?!yaml\b)[A-Za-z_]\w*)+)`")
"""Something in the code as Python names it: `mail.message.Mail`."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_place_in_the_code_that_a_page_names_is_there(page: Path) -> None:
    """The change log tells of places as they were."""
    if page.name != "CHANGELOG.md":
        assert [place for place in PLACE.findall(page.read_text()) if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("room", rooms.ROOMS)
def test_a_place_that_a_docstring_or_comment_names_is_there(room: str) -> None:
    for file in (ROOT / room).rglob("*.py"):
        text = file.read_text()
        assert [place for place in PLACE.findall(text) if not (ROOT / place).exists()] == [], file
        assert [name for name in NAME.findall(text) if not is_there(name)] == [], file


def test_an_error_or_a_constant_that_a_docstring_names_is_there() -> None:
    code = "\n".join(file.read_text() for room in rooms.ROOMS for file in (ROOT / room).rglob("*.py"))
    told = set(re.findall(r"\b[Rr]aises? (?:pydantic's |the SDK's )?([A-Z]\w+)", code))
    told |= set(re.findall(r"`(?!WAYPOST_|SENDGRID_)([A-Z]\w*_\w*)`", code))
    used = re.sub(r'"""(?s:.*?)"""', "", code)
    assert [name for name in sorted(told) if not re.search(rf"\b{name}\b", used) and name not in dir(builtins)] == []


def is_there(name: str) -> bool:
    """Whether a dotted name leads to a folder, a module, or something that a module has at its top."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        place, within = ROOT.joinpath(*parts[:count]), parts[count:]
        module = place.with_suffix(".py")
        if place.is_dir():
            return within == []
        if module.exists():
            made = rf"^(class |def |async def )?{within[0]}\b" if within else ""
            return re.search(made, module.read_text(), re.MULTILINE) is not None
    return False


def test_the_rooms_that_are_told_and_drawn_are_the_rooms_there_are() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    architecture = (ROOT / "docs/architecture.md").read_text()
    assert sorted(rooms.ROOMS) == sorted(packages)
    assert sorted(re.findall(r"^\| `(\w+)` \|", architecture, re.MULTILINE)) == sorted(packages)
    walls = (ROOT / ".importlinter").read_text().partition("include_external_packages")[0]
    assert sorted(re.findall(r"^    (\w+)$", walls, re.MULTILINE)) == sorted(packages)


def test_services_stand_on_eight_floors_and_in_no_circle() -> None:
    """A module stands above all that it imports: whoever follows one down goes eight steps at most."""
    files = (file.relative_to(ROOT).with_suffix("") for file in (ROOT / "services").rglob("*.py"))
    below = {".".join(file.parts): set[str]() for file in files if file.name != "__init__"}
    for module, lower in rooms.arrows_between(below):
        below[module].add(lower)
    floors = 0
    while below:
        ground = {module for module, lower in below.items() if lower.isdisjoint(below)}
        assert ground, f"a circle among {sorted(below)}"
        below, floors = {module: lower for module, lower in below.items() if module not in ground}, floors + 1
    assert floors <= 8


def test_what_grows_has_a_place_to_go() -> None:
    """Each kind of thing is answered by a path; that the path is there is another test's."""
    table = (ROOT / "docs/architecture.md").read_text().partition("| a new … |")[2].partition("\n\n")[0]
    rows = {row.split("|")[1].strip(): row.split("|")[2] for row in table.splitlines()[2:]}
    assert {"step verb", "status", "report", "mail provider", "route of the API"} <= {*rows}
    assert [thing for thing, answer in rows.items() if not PLACE.search(answer) and "decided" not in answer] == []


def test_every_status_has_a_meaning() -> None:
    assert "|  |" not in status_diagrams.page()


def test_every_path_is_told_to_whoever_sets_up_a_proxy() -> None:
    page = (ROOT / "docs" / "operate.md").read_text()
    table = page.partition("### What a proxy publishes")[2].partition("\n\nName the proxy")[0]
    cells = re.findall(r"^\|([^|]*)\|", table, re.MULTILINE)
    told = {path.rstrip("/") for cell in cells for path in re.findall(r"`(/[a-zA-Z0-9.-]*/?)`", cell)}
    paths = {route.path for module in ROUTERS for route in module.router.routes} | {"/openapi.json"}
    assert {"/".join(path.split("/")[:2]).rstrip("/") for path in paths} == told


def test_every_path_is_in_the_list_of_what_a_proxy_publishes_and_no_other() -> None:
    text = (ROOT / "docs" / "operate.md").read_text()
    table = text.partition("### What a proxy publishes")[2].partition("Name the proxy's")[0]
    rows = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    told = {path for row in rows for path in re.findall(r"`(/[^`]*)`", row)}
    paths = {route.path for router in ROUTERS for route in router.router.routes if hasattr(route, "path")}

    def place(path: str) -> str:
        """The path itself, or its first part where more follows."""
        first, slash, _ = path[1:].partition("/")
        return f"/{first}{slash}" if slash else path

    missing = {path for path in paths if place(path) not in told and not path.startswith(("/docs/", "/outbox/"))}
    assert missing == set()
    assert {one for one in told if not any(place(path) == one for path in paths)} <= {"/openapi.json", "/webhooks/"}


def test_the_table_of_keys_tells_every_scope_and_which_one_alone_may_stand_in_a_page() -> None:
    page = (ROOT / "docs" / "integrate.md").read_text()
    rows = re.findall(
        r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", page.partition("\n## Keys\n")[2].partition("\n## ")[0], re.M
    )
    assert sorted(scope for scope, _, _ in rows) == sorted(SCOPES)
    in_a_page = {scope for scope in SCOPES if rights.stands_in_a_page([scope])}
    assert {scope for scope, _, stands in rows if "in a web page" in stands} == in_a_page == {"browser"}
    (may,) = (may for scope, may, _ in rows if scope in in_a_page)
    calls = " and ".join(f"`{one}`" for one in rights.of(["browser"]).types)
    assert may == f"{calls}, and nothing else"


def test_whatever_keeps_a_hole_closed_is_there() -> None:
    lines = (ROOT / "docs" / "closed-holes.md").read_text().splitlines()
    rows = [
        line for line in lines if line.startswith("| ") and not line.startswith(("| the hole ", "| threat ", "| --- "))
    ]
    assert len(rows) > 90
    for row in rows:
        told = re.findall(r"`([\w/]+\.py)::(test_\w+)`", row.rpartition(" | ")[2])
        assert told, f"no test: {row}"
        for file, name in told:
            text = (ROOT / "tests" / file).read_text() if (ROOT / "tests" / file).exists() else ""
            assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), f"{file}::{name}"


def test_each_file_of_tests_that_the_threat_model_names_is_there() -> None:
    doors = (ROOT / "docs" / "threat-model.md").read_text().partition("## Doors")[2].partition("\n## ")[0]
    rows = [line.rstrip(" |").rpartition("|")[2] for line in doors.splitlines() if line.startswith("| ")][1:]
    for row in rows:
        folder = ""
        named = re.findall(r"`((?:tests/\w+/)?)(test_\w+\.py)`", row)
        assert named or set(row) <= {"-", " "}, row
        for told, file in named:
            folder = told or folder
            assert (ROOT / folder / file).exists(), f"{folder}{file}"
