"""Journeys written in the browser: kept as typed, judged, tried, planned and published; two authors lose nothing."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from store.tables.definitions import DraftText, Journey
from tests.http.desks import token
from waypost.wiring import Parts

Browser = Callable[..., TestClient]

TEXT = """# what a colleague must know
journey: tea
name: Tea
enter: [{on: Signed Up}]
start: new
stages:
  new: {steps: [{send: mail_a}, {wait: 2 days}, {send: mail_b}], final: true}
"""
PART = {"HX-Request": "true"}


def form(page: str, **more: Any) -> dict[str, Any]:
    """What the form of the page holds, and what is typed into it."""
    found = dict(re.findall(r'name="(revision|based_on|sheet)" value="(\w*)"', page))
    return {**found, "form_token": token(page), **more}


def text_of(page: str) -> str:
    return html.unescape(re.findall(r"<textarea id=\"text\"[^>]*>\n(.*?)</textarea>", page, re.DOTALL)[0])


@pytest.fixture
def desk(browser: Browser) -> TestClient:
    """The browser of a marketer who has begun the journey `tea`."""
    made = browser("marketer")
    begun = made.post("/journeys/new", data={"key": "tea", "example": "nps", **form(made.get("/journeys/new").text)})
    assert begun.headers["location"] == "/journeys/tea/edit"
    return made


def saved(desk: TestClient, text: str, key: str = "tea") -> str:
    """The page, once a text is saved by it."""
    url = f"/journeys/{key}/edit"
    answer = desk.post(url, data=form(desk.get(url).text, text=text))
    assert answer.status_code == 303, answer.text
    return desk.get(url).text


def planned(desk: TestClient, text: str, key: str = "tea") -> str:
    """Where a text leads that is planned."""
    page = desk.get(f"/journeys/{key}/edit").text
    answer = desk.post(f"/journeys/{key}/edit/plan", data=form(page, text=text))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def published(desk: TestClient, text: str = TEXT) -> None:
    """The journey `tea` is live with this text."""
    place = planned(desk, text)
    assert desk.post(place, data=form(desk.get(place).text)).status_code == 303


def test_a_new_journey_begins_from_an_example_that_is_whole(desk: TestClient) -> None:
    page = desk.get("/journeys/tea/edit").text
    assert "journey: tea\nname: Would you recommend us?" in text_of(page)
    assert tuple(one for one in ("It can be published", "data:image/svg+xml;base64,") if one in page) == (
        "It can be published",
        "data:image/svg+xml;base64,",
    )
    new = desk.get("/journeys/new").text
    assert '<a href="/journeys/tea/edit">tea</a></td><td>Marketer</td>' in new
    assert "One question, one click." in new
    assert new.count('name="example"') == 10
    assert desk.get("/journeys/new/nps.svg").headers["content-type"] == "image/svg+xml"
    assert desk.get("/journeys/new/none.svg").status_code == 404


@pytest.mark.parametrize(
    ("key", "example", "told"),
    [
        ("tea", "nps", "there is a journey &#39;tea&#39; already"),
        ("<b>", "", "is no key"),
        ("new", "", "is no key"),
        ("other", "../etc", "there is no example"),
    ],
)
def test_what_no_journey_can_begin_with_is_told_beside_the_form(
    desk: TestClient, key: str, example: str, told: str
) -> None:
    refused = desk.post("/journeys/new", data={"key": key, "example": example, **form(desk.get("/journeys/new").text)})
    assert (refused.status_code, told in refused.text, "<b>&#39;" in refused.text) == (422, True, False)


def test_a_text_is_kept_as_it_was_typed_valid_or_not(desk: TestClient, parts: Parts) -> None:
    page = saved(desk, "journey: tea\r\nstages: [")
    assert text_of(page) == "journey: tea\nstages: ["
    assert "It cannot be published" in page
    kept = desk.post("/journeys/tea/edit", data=form(page, text="journey: tea"), headers=PART)
    assert ("<html" in kept.text, 'name="revision" value="3"' in kept.text) == (False, True)
    with parts.database.reading() as session:
        assert (session.get(DraftText, "tea").text, session.get(Journey, "tea")) == ("journey: tea", None)


def test_problems_stand_on_their_lines_and_the_map_is_the_texts(desk: TestClient) -> None:
    page = desk.get("/journeys/tea/edit").text
    wrong = desk.post(
        "/journeys/tea/edit/check", data=form(page, text=TEXT.replace("mail_b", "<i>gone</i>")), headers=PART
    ).text
    assert '<a href="#text" data-line="7">line 7</a>' in wrong
    assert ("<i>gone" in wrong, "hx-swap-oob" in wrong) == (False, False)
    right = desk.post("/journeys/tea/edit/check", data=form(page, text=TEXT), headers=PART).text
    assert ("It can be published" in right, 'id="map"' in right) == (True, True)
    other = desk.post(
        "/journeys/tea/edit/check", data=form(page, text=TEXT.replace("tea", "coffee")), headers=PART
    ).text
    assert "the definition is of another journey" in other
    whole = desk.post("/journeys/tea/edit/check", data=form(page, text=TEXT)).text
    assert ("<html" in whole, text_of(whole)) == (True, TEXT)


def test_a_text_that_is_too_long_is_told_and_nothing_is_kept(desk: TestClient) -> None:
    page = desk.get("/journeys/tea/edit").text
    long = desk.post("/journeys/tea/edit", data=form(page, text="#" * 250_001))
    assert (long.status_code, "a journey at most 250,000" in long.text) == (422, True)
    part = desk.post("/journeys/tea/edit", data=form(page, text="#" * 250_001), headers=PART)
    assert (part.status_code, "Not saved" in part.text) == (422, True)
    huge = desk.post("/journeys/tea/edit", data=form(page, text="#" * 1_100_000))
    assert (huge.status_code, "<html" in huge.text) == (413, True)
    assert text_of(desk.get("/journeys/tea/edit").text) == text_of(page)


def test_of_two_authors_nobody_writes_over_what_they_have_not_seen(
    desk: TestClient, browser: Browser, parts: Parts
) -> None:
    other = browser("admin")
    page = saved(desk, TEXT)
    theirs = other.get("/journeys/tea/edit").text
    assert "<b>Marketer wrote this draft</b>" in theirs
    assert other.post("/journeys/tea/edit", data=form(theirs, text=TEXT + "# theirs")).status_code == 303
    both = desk.post("/journeys/tea/edit", data=form(page, text=TEXT + "# mine"))
    assert both.status_code == 409
    for told in ("Admin has saved while you wrote", "# theirs", "# mine"):
        assert told in both.text
    assert desk.post("/journeys/tea/edit", data=form(page, text="x"), headers=PART).status_code == 409
    with parts.database.reading() as session:
        assert session.get(DraftText, "tea").text == TEXT + "# theirs"
    assert desk.post("/journeys/tea/edit", data=form(both.text, text=TEXT + "# both")).status_code == 303
    with parts.database.reading() as session:
        assert session.get(DraftText, "tea").text == TEXT + "# both"


def test_what_was_saved_from_the_same_page_is_ones_own_whichever_answer_came_first(desk: TestClient) -> None:
    page = desk.get("/journeys/tea/edit").text
    for number in range(3):
        typed = form(page, text=f"{TEXT}# {number}\n")
        assert desk.post("/journeys/tea/edit", data=typed, headers=PART).status_code == 200
    assert text_of(desk.get("/journeys/tea/edit").text) == TEXT + "# 2\n"
    elsewhere = form(desk.get("/journeys/tea/edit").text, text=TEXT)
    assert desk.post("/journeys/tea/edit", data=elsewhere, headers=PART).status_code == 200
    assert desk.post("/journeys/tea/edit", data=form(page, text=TEXT), headers=PART).status_code == 409


def test_a_draft_that_was_discarded_while_it_was_open_is_not_lost(desk: TestClient, browser: Browser) -> None:
    page = saved(desk, TEXT)
    other = browser("admin")
    assert (
        other.post(
            "/journeys/tea/edit/discard", data=form(page) | {"form_token": token(other.get("/journeys/new").text)}
        ).headers["location"]
        == "/journeys/new"
    )
    assert desk.get("/journeys/tea/edit").status_code == 404
    gone = desk.post("/journeys/tea/edit", data=form(page, text=TEXT + "# mine"))
    assert (gone.status_code, "was discarded while you wrote" in gone.text) == (409, True)
    assert desk.post("/journeys/tea/edit", data=form(gone.text, text=text_of(gone.text))).status_code == 303
    assert text_of(desk.get("/journeys/tea/edit").text) == TEXT + "# mine"


def test_the_first_publish_says_who_enters_and_is_confirmed(desk: TestClient, client: TestClient) -> None:
    place = planned(desk, TEXT)
    asked = desk.get(place).text
    assert place == "/journeys/tea/edit/first"
    for told in ("Publish Tea for the first time?", "<b>Signed Up</b>", "mail a"):
        assert told in asked
    assert client.get("/v1/journeys/tea").json()["live_version"] is None
    done = desk.post(place, data=form(asked))
    assert "Version 1 of tea is live" in desk.get(done.headers["location"]).text
    on_record = client.get("/v1/audit?target=tea").json()["items"]
    assert [(one["by"], one["action"]) for one in on_record] == [
        ("Marketer", "published"), ("Marketer", "created"), ("Marketer", "began")
    ]  # fmt: skip
    page = desk.get("/journeys/tea/edit").text
    assert (text_of(page), "what a colleague must know" in page) == (TEXT, True)
    assert "No draft yet" in desk.get("/journeys/new").text
