"""A project folder against the API: what is new, what has changed, what is the same, and what is wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from journeys.language.problems import InvalidJourney
from services.errors import InvalidInput
from waypost.client import Waypost
from waypost.project import project

MANIFEST = """
settings: {timezone: Europe/Berlin}
topics:
  news: {name: News, cap: {max: 2, per: 7 days}}
segments:
  pros: {guard: 'customer.plan == "pro"'}
"""
HELLO = (
    "{% extends '_layout.html' %}{% block subject %}Hello\n {{ customer.first_name }}{% endblock %}"
    "{% block body %}<p>x</p>{% endblock %}"
)
JOURNEY = "journey: pros\nenter: [{segment: pros}]\nstart: n\nstages: {n: {steps: [{send: {template: hello, topic: news}}]}}\n"


@pytest.fixture
def waypost(client: TestClient, keys: dict[str, str]) -> Iterator[Waypost]:
    with Waypost("http://testserver", keys["admin"], transport=client._transport) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shop"
    for path, text in {
        "waypost.yaml": MANIFEST,
        "templates/hello.html": HELLO,
        "templates/hello.de.html": HELLO.replace("Hello", "Hallo"),
        "templates/_part.html": "<p>not a mail</p>",
        "journeys/pros.yaml": JOURNEY,
    }.items():
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_text(text)
    return made


def changes(folder: Path, waypost: Waypost) -> list[tuple[str, str, str]]:
    return [(one.kind, one.key, one.change(waypost)) for one in project.items(folder)]


def apply(folder: Path, waypost: Waypost) -> None:
    for one in project.items(folder):
        if one.change(waypost) != "same":
            one.put(waypost)


def test_everything_is_stored_in_the_order_in_which_it_is_needed(folder: Path, waypost: Waypost) -> None:
    assert changes(folder, waypost) == [
        ("settings", "installation", "changed"),
        ("topic", "news", "new"),
        ("segment", "pros", "new"),
        ("template", "hello", "new"),
        ("journey", "pros", "new"),
    ]
    apply(folder, waypost)
    assert {change for _, _, change in changes(folder, waypost)} == {"same"}
    apply(folder, waypost)
    assert waypost.call("GET", "/v1/templates/hello")["version"] == 1, "what is the same is not stored again"
    shown = waypost.call("GET", "/v1/templates/hello")
    assert (shown["subject"], shown["locales"]["de"]["subject"]) == (
        "Hello {{ customer.first_name }}",
        "Hallo {{ customer.first_name }}",
    )
    assert waypost.settings()["timezone"] == "Europe/Berlin"


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("waypost.yaml", "max: 2", "max: 3", "news"),
        ("waypost.yaml", '"pro"', '"team"', "pros"),
        ("templates/hello.de.html", "<p>x</p>", "<p>y</p>", "hello"),
        ("journeys/pros.yaml", "topic: news", "topic: offers", "pros"),
        ("waypost.yaml", "Europe/Berlin", "Europe/Vienna", "installation"),
    ],
)
def test_a_change_is_seen_and_nothing_else(
    folder: Path, waypost: Waypost, file: str, old: str, new: str, changed: str
) -> None:
    apply(folder, waypost)
    path = folder / file
    path.write_text(path.read_text().replace(old, new))
    assert [(key, change) for _, key, change in changes(folder, waypost) if change != "same"] == [(changed, "changed")]
    apply(folder, waypost)
    assert {change for _, _, change in changes(folder, waypost)} == {"same"}


def test_settings_that_the_folder_does_not_name_stay(folder: Path, waypost: Waypost) -> None:
    present = {"quiet_hours": {"from": "21:00", "to": "08:00"}, "tracking": {"opens": False}}
    waypost.put_settings(present)
    (folder / "waypost.yaml").write_text(
        MANIFEST.replace("Europe/Berlin}", "Europe/Berlin, tracking: {clicks: false}}")
    )
    apply(folder, waypost)
    found = waypost.settings()
    assert (found["timezone"], found["quiet_hours"]) == ("Europe/Berlin", present["quiet_hours"])
    assert (found["tracking"]["opens"], found["tracking"]["clicks"]) == (False, False)
    assert {change for _, _, change in changes(folder, waypost)} == {"same"}


def test_a_topic_that_somebody_changed_by_hand_is_seen(folder: Path, waypost: Waypost) -> None:
    apply(folder, waypost)
    waypost.put_topic("news", name="News", consent="opt_in", cap={"max": 2, "per": "7 days"})
    assert [key for _, key, change in changes(folder, waypost) if change != "same"] == ["news"]


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("waypost.yaml", "topics: [", "is no YAML"),
        ("waypost.yaml", "colours: {}", "names colours; it may name settings, topics, segments"),
        ("templates/hello.html", "<p>x</p>", "has no subject"),
    ],
)
def test_a_file_that_is_wrong_is_named(folder: Path, file: str, text: str, says: str) -> None:
    (folder / file).write_text(text)
    with pytest.raises(InvalidInput, match=says) as wrong:
        list(project.items(folder))
    assert file in str(wrong.value)


def test_an_invalid_journey_is_told_with_every_problem(folder: Path) -> None:
    (folder / "journeys" / "pros.yaml").write_text("journey: pros\nstart: gone\nstages: {n: {steps: [{sned: x}]}}\n")
    with pytest.raises(InvalidJourney):
        list(project.items(folder))
