"""The pages of journeys: all of them with their numbers, one on its map, and its counts as they change."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.testclient import TestClient
from sqlmodel import select

from api.pages.journeys.live_counts import SeenJourney, changes
from services.errors import NotFound
from services.reports.listings import journey_list
from services.reports.listings.journey_list import JourneyState, state_of
from store.tables.definitions import Journey
from store.tables.enrollments import Enrollment
from tests.conftest import NOON
from tests.http import tour
from tests.shells import Shell
from waypost.wiring import Parts


def test_all_journeys_stand_in_a_list_with_what_the_last_days_brought(
    browser: Callable[..., TestClient], client: TestClient, shells: list[Shell], parts: Parts, statements: Any
) -> None:
    client.put("/v1/journeys/idea", content=tour.JOURNEY.replace("journey: tour", "journey: idea\nname: <b>Idea</b>"))
    desk = browser("support")
    desk.get("/journeys")
    with statements(parts.database, at_most=10):
        shown = desk.get("/journeys").text
    assert '<a href="/journeys/tour"><bdi>tour</bdi></a>' in shown
    assert re.search(r'href="/journeys/tour/enrollments">7</a></td>\s*<td class="number wide-only">7<', shown)
    assert ("&lt;b&gt;Idea" in shown, "<b>Idea" in shown, '<span class="badge">draft' in shown) == (True, False, True)
    assert "/v1/journeys" in shown
    with parts.database.reading() as session:
        tour_itself = session.exec(select(Journey).where(Journey.key == "tour")).one()
        (one,) = journey_list.numbers(session, [tour_itself], parts.clock())
    assert (one.state, one.live, one.stuck, one.entered, one.mailed, one.converted) == ("live", 7, 0, 7, 0, 0)


def test_a_list_without_a_journey_says_what_to_do(browser: Callable[..., TestClient], parts: Parts) -> None:
    assert 'href="/journeys/new">Begin with one of the shipped examples' in browser("marketer").get("/journeys").text
    read = browser("support").get("/journeys").text
    assert ("A marketer begins one" in read, "/journeys/new" in read) == (True, False)


def test_the_state_of_a_journey_is_what_matters_most() -> None:
    def state(stuck: int = 0, **columns: Any) -> JourneyState:
        return state_of(Journey(key="j", created_at=NOON, updated_at=NOON, **columns), stuck)

    assert state() == JourneyState.DRAFT
    assert state(live_version=1) == JourneyState.LIVE
    assert state(live_version=1, stuck=2) == JourneyState.STUCK
    assert state(live_version=1, stuck=2, paused_at=NOON) == JourneyState.PAUSED
    assert state(live_version=1, paused_at=NOON, archived_at=NOON) == JourneyState.ARCHIVED


def test_a_map_has_its_counts_as_links_to_those_whom_they_count(
    browser: Callable[..., TestClient], client: TestClient, shells: list[Shell], parts: Parts, statements: Any
) -> None:
    desk = browser("support")
    desk.get("/journeys/tour")
    with statements(parts.database, at_most=10):
        shown = desk.get("/journeys/tour").text
    assert 'href="/journeys/tour/enrollments?stage=trial"' in shown
    assert 'href="/journeys/tour/enrollments?stage=trial&amp;step=trial%2Fwait%3A3+days"' in shown
    assert re.search(r'data-count="trial trial/wait:3 days"[^>]*>7<', shown)
    assert re.search(r'class="figure of-step nobody"[^>]*aria-label="0 at trial/send:mail_a"', shown)
    assert 'data-watch="/journeys/tour/watch" data-state="live 1"' in shown
    svg = re.search(r"<svg xmlns.*</svg>", shown, re.DOTALL)[0]
    assert ("style=" in svg, "<style" in svg) == (False, False)
    assert "Edit</a>" not in shown
    assert 'href="/journeys/tour/edit">Edit' in browser("marketer").get("/journeys/tour").text


def test_whoever_stands_where_the_live_version_has_no_place_is_told_beside_the_map(
    browser: Callable[..., TestClient], client: TestClient, shells: list[Shell]
) -> None:
    tour.put(client, tour.JOURNEY.replace("3 days", "5 days"))
    assert "the draft is not published" in browser("marketer").get("/journeys/tour").text
    assert client.post("/v1/journeys/tour/publish").status_code == 200
    shown = browser("support").get("/journeys/tour").text
    assert ("On former versions" in shown, "the draft is not published" in shown) == (True, False)
    assert re.search(r'step=trial/wait:3%20days">7<|step=trial%2Fwait%3A3%20days">7<', shown)


def test_of_a_journey_that_there_is_not_the_page_speaks_in_words(browser: Callable[..., TestClient]) -> None:
    desk = browser("support")
    for path in ("/journeys/nobody", "/journeys/nobody/watch"):
        gone = desk.get(path)
        assert (gone.status_code, "There is nothing here" in gone.text) == (404, True), path


def test_counts_are_told_when_they_change_and_an_end_when_the_journey_is_gone() -> None:
    looks: list[SeenJourney | None] = [
        SeenJourney(state="live 1", counts={"*": "1"}),
        SeenJourney(state="live 1", counts={"*": "1"}),
        SeenJourney(state="live 1", counts={"*": "2"}),
        SeenJourney(state="paused 1", counts={"*": "2"}),
        None,
    ]
    told, rests = asyncio.run(_told(looks, 9))
    assert told == [
        ("counts", {"*": "1"}), ("state", "live 1"), ("counts", {"*": "2"}), ("state", "paused 1"), ("gone", ""),
    ]  # fmt: skip
    assert rests == 4
    assert asyncio.run(_told(looks, 2))[1] == 2


async def _told(looks: list[SeenJourney | None], most: int) -> tuple[list[tuple[str | None, Any]], int]:
    ahead, rests = iter(looks), 0

    async def look() -> SeenJourney:
        seen = next(ahead)
        if seen is None:
            raise NotFound("there is no journey")
        return seen

    def rest() -> Awaitable[None]:
        nonlocal rests
        rests += 1
        return asyncio.sleep(0)

    return [(one.event, one.data) async for one in changes(look, rest, most)], rests


def test_who_is_stuck_is_told_with_a_way_to_them(
    browser: Callable[..., TestClient], shells: list[Shell], parts: Parts
) -> None:
    with parts.database.writing() as session:
        session.get(Enrollment, shells[0].enrollment).stuck = "RuntimeError"
    desk = browser("support")
    for path in ("/journeys", "/journeys/tour"):
        shown = desk.get(path).text
        assert ("/journeys/tour/enrollments?state=stuck" in shown, '<span class="badge bad">stuck' in shown) == (
            True,
            True,
        )
