"""Publishing from the browser: whom it concerns first, then the change, then a confirmation; and what is tried before."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.changes.publication import publishing
from store.tables.definitions import DraftText
from tests.conftest import HandClock, settings_for
from tests.http import tour
from tests.http.test_writing_pages import PART, TEXT, form, planned, published, saved, text_of
from tests.shells import Shell
from waypost.wiring import Parts

Browser = Callable[..., TestClient]
EDIT = "/journeys/tour/edit"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "BETWEEN", 0.0)


def tried(desk: TestClient, how: str, text: str, **typed: Any) -> Any:
    return desk.post(f"{EDIT}/try/{how}", data=form(desk.get(EDIT).text, text=text, **typed), headers=PART)


def test_a_plan_tells_whom_it_concerns_before_anything_is_published(
    browser: Browser, client: TestClient, parts: Parts, shells: list[Shell]
) -> None:
    desk = browser("marketer")
    place = planned(desk, tour.JOURNEY.replace("{wait: 3 days}, ", ""), "tour")
    assert "Whom it concerns is counted" in desk.get(place).text
    assert "<html" not in desk.get(place, headers=PART).text
    tour.done(client, parts, {"id": place.rpartition("/")[2]})
    page = desk.get(place).text
    for told in (
        "7 customers at &#39;wait 3 days&#39; in stage &#39;trial&#39; would be mailed", "are mailed as soon as they are moved",
        "Publish anyway", '<span class="removed">', "old.svg",
    ):  # fmt: skip
        assert told in page, told
    assert desk.get(f"{place}/new.svg").headers["content-type"] == "image/svg+xml"
    assert client.get("/v1/journeys/tour").json()["live_version"] == 1
    client.post("/v1/track", json={"userId": "c3", "event": "Paid"})
    for one in shells:
        one.wake(parts.clock())
    drifted = desk.post(place, data=form(page, in_flight="move"))
    assert (drifted.status_code, "has changed since it was planned" in drifted.text) == (409, True)
    assert client.get("/v1/journeys/tour").json()["live_version"] == 1


def test_everybody_goes_over_once_it_is_confirmed(
    browser: Browser, client: TestClient, parts: Parts, shells: list[Shell]
) -> None:
    desk = browser("marketer")
    place = planned(desk, tour.LONGER, "tour")
    tour.done(client, parts, {"id": place.rpartition("/")[2]})
    done = desk.post(place, data=form(desk.get(place).text, in_flight="move"))
    page = desk.get(done.headers["location"]).text
    assert "Version 2 of tour is live" in page
    assert "Those under way go over to it" in page
    moving = client.get("/v1/operations?kind=move enrollments").json()["items"][0]
    assert tour.done(client, parts, moving)["result"]["moved"] == {"retimed": 7}
    assert "Nobody is on their way" in desk.get(done.headers["location"], headers=PART).text


def test_a_plan_is_made_again_with_what_the_author_says_of_those_under_way(
    browser: Browser, client: TestClient, parts: Parts, shells: list[Shell]
) -> None:
    desk = browser("marketer")
    place = planned(desk, tour.JOURNEY.replace("trial", "test"), "tour")
    tour.done(client, parts, {"id": place.rpartition("/")[2]})
    page = desk.get(place).text
    assert "would be stranded" in page
    again = desk.post(f"{EDIT}/plan-again", data=form(page, moves="stages: {trial: test}", share="100"))
    told = tour.done(client, parts, {"id": again.headers["location"].rpartition("/")[2]})["result"]
    assert told["kinds"] == {"moves": 7}
    wrong = desk.post(f"{EDIT}/plan-again", data=form(page, moves="stages: {nowhere: test}"))
    assert (wrong.status_code, "nowhere" in wrong.text) == (422, True)
    assert desk.get(f"{EDIT}/plan/op_nobody").status_code == 404


def test_a_text_with_an_error_is_not_planned_and_stays_in_the_form(browser: Browser, shells: list[Shell]) -> None:
    desk = browser("marketer")
    wrong = desk.post(f"{EDIT}/plan", data=form(desk.get(EDIT).text, text="journey: tour"))
    assert (wrong.status_code, "There are errors in it still" in wrong.text) == (422, True)
    assert text_of(wrong.text) == "journey: tour"


def test_what_the_api_wrote_meanwhile_is_shown_beside_ones_own(
    browser: Browser, client: TestClient, parts: Parts, shells: list[Shell]
) -> None:
    desk = browser("marketer")
    page = saved(desk, tour.LONGER, "tour")
    assert client.put("/v1/journeys/tour", content=tour.JOURNEY.replace("3 days", "9 days")).status_code == 200
    assert "was changed over the API" in desk.get(EDIT).text
    both = desk.post(f"{EDIT}/plan", data=form(page, text=tour.LONGER))
    assert both.status_code == 409
    for told in ("somebody over the API has saved", "9 days", "5 days"):
        assert told in both.text
    saved_again = desk.post(EDIT, data=form(both.text, text=tour.LONGER))
    assert saved_again.status_code == 303
    assert "/edit/plan/" in planned(desk, tour.LONGER, "tour")
    assert client.get("/v1/journeys/tour").json()["draft"]["stages"]["trial"]["steps"][1] == {"wait": "5 days"}


def test_a_draft_that_is_discarded_leaves_what_is_live(
    browser: Browser, client: TestClient, parts: Parts, shells: list[Shell]
) -> None:
    desk, before = browser("marketer"), client.get("/v1/journeys/tour").json()["draft"]
    planned(desk, tour.LONGER, "tour")
    page = desk.get(EDIT).text
    assert desk.post(f"{EDIT}/discard", data=form(page)).headers["location"] == "/journeys/tour"
    assert client.get("/v1/journeys/tour").json()["draft"] == before
    with parts.database.reading() as session:
        assert session.get(DraftText, "tour") is None
    assert desk.post(f"{EDIT}/discard", data=form(page)).status_code == 404


def test_somebody_made_up_goes_through_what_is_written(browser: Browser, shells: list[Shell]) -> None:
    desk = browser("marketer")
    told = tried(desk, "made-up", tour.LONGER, attributes="plan=<b>team</b>", events="1 day: Paid", days="30").text
    assert ("stands in paying at the end" in told, "mail c" in told, "<b>team" in told) == (True, True, False)
    for typed, why in (({"attributes": "plan"}, "plan=team"), ({"events": "soon: Paid"}, "is not a duration")):
        wrong = tried(desk, "made-up", tour.LONGER, **typed)
        assert (wrong.status_code, why in wrong.text) == (200, True)
    assert "There are errors in it still" in tried(desk, "made-up", "journey: tour").text
    page = desk.get(EDIT).text
    whole = desk.post(f"{EDIT}/try/made-up", data=form(page, text=tour.LONGER))
    assert ("<html" in whole.text, "Enters by Signed Up" in whole.text) == (True, True)
    assert desk.post(f"{EDIT}/try/made-up", data=form(page, text="journey: tour")).status_code == 422


def test_a_customer_goes_on_from_now_under_what_is_written(
    browser: Browser, client: TestClient, shells: list[Shell]
) -> None:
    desk = browser("marketer")
    under_way = tried(desk, "customer", tour.LONGER, customer="c0@example.com").text
    assert ("Under way now" in under_way, "retimed" in under_way, "mail b" in under_way) == (True, True, True)
    client.put("/v1/customers/new", json={"attributes": {"email": "new@example.com"}})
    outside = tried(desk, "customer", tour.LONGER, customer="new").text
    assert ("If they entered now" in outside, "mail a" in outside, "mail b" in outside) == (True, True, True)
    assert "there is no customer" in tried(desk, "customer", tour.LONGER, customer="nobody").text


def test_everybodys_history_goes_through_it_with_progress(
    browser: Browser, client: TestClient, parts: Parts, shells: list[Shell]
) -> None:
    desk = browser("marketer")
    begun = tried(desk, "backtest", tour.LONGER)
    assert "The backtest is queued" in begun.text
    operation = client.get("/v1/operations?kind=simulate").json()["items"][0]
    place = f"{EDIT}/backtest/{operation['id']}"
    assert "Stop it" in desk.get(place).text
    tour.done(client, parts, operation)
    assert "7 runs of 7 customers" in desk.get(place, headers=PART).text
    assert desk.get(f"/journeys/other/edit/backtest/{operation['id']}").status_code == 404
    assert "note bad" in tried(desk, "backtest", tour.LONGER, since="yesterday").text


def test_who_is_of_support_writes_nothing(browser: Browser, shells: list[Shell]) -> None:
    desk = browser("support")
    for url in (EDIT, "/journeys/new", f"{EDIT}/first", f"{EDIT}/plan/op_1"):
        refused = desk.get(url)
        assert (refused.status_code, "needs the role marketer" in refused.text) == (403, True), url


class TestWhereTwoPairsOfEyesAreAskedFor:
    """An approver publishes what another has written."""

    @pytest.fixture
    def parts(self, tmp_path: Path, template_folder: Path, clock: HandClock, sqlite: Path) -> Iterator[Parts]:
        (tmp_path / "waypost.db").write_bytes(sqlite.read_bytes())
        made = Parts(settings_for(tmp_path, templates=template_folder, approval=True), clock)
        yield made
        made.close()

    def test_neither_its_author_nor_who_approves_nothing_publishes_it(self, browser: Browser) -> None:
        author, approver = browser("marketer"), browser("approver")
        begun = author.post("/journeys/new", data={"key": "tea", **form(author.get("/journeys/new").text)})
        assert begun.status_code == 303
        place = planned(author, TEXT)
        page = author.get(place).text
        assert "somebody else publishes it" in page
        refused = author.post(place, data=form(page))
        assert (refused.status_code, "an approver publishes" in refused.text) == (403, True)
        asked = approver.get(place).text
        assert approver.post(place, data=form(asked)).headers["location"] == "/journeys/tea/edit/published/1"
        own = planned(approver, TEXT.replace("2 days", "4 days"))
        assert "You wrote this draft" not in approver.get(own).text, "it is not counted yet"

    def test_an_approvers_own_text_stays_theirs_when_a_marketer_has_only_planned_it(
        self, browser: Browser, client: TestClient
    ) -> None:
        marketer, approver = browser("marketer"), browser("approver")
        approver.post("/journeys/new", data={"key": "tea", **form(approver.get("/journeys/new").text)})
        saved(approver, TEXT)
        place = planned(marketer, TEXT)
        refused = approver.post(place, data=form(approver.get(place).text))
        assert (refused.status_code, "wrote the draft" in refused.text) == (409, True)
        assert client.get("/v1/journeys/tea").json()["live_version"] is None
        place = planned(marketer, TEXT.replace("2 days", "4 days"))
        assert approver.post(place, data=form(approver.get(place).text)).status_code == 303, "two have written by now"


def test_what_is_published_is_no_draft_any_more_and_the_next_begins_from_it(browser: Browser) -> None:
    desk = browser("marketer")
    assert desk.post("/journeys/new", data={"key": "tea", **form(desk.get("/journeys/new").text)}).status_code == 303
    published(desk)
    page = saved(desk, TEXT + "# more\n")
    assert ("Discard this draft" in page, text_of(page)) == (True, TEXT + "# more\n")
