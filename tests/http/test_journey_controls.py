"""Reports, versions and controls of a journey as their pages show them, and who may do what there."""

import re
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from sqlmodel import col, select

from store.tables.access import Audit, Operation
from store.tables.definitions import Journey
from tests.http import tour
from tests.http.desks import token
from tests.shells import Shell
from tests.store.mailed_shop import send
from waypost.wiring import Parts

SPLIT = """journey: tips
enter: [{on: Signed Up}]
defaults: {topic: general}
goal: {on: Order Completed, within: 7 days}
start: new
stages:
  new:
    steps:
      - split:
          id: tip-test
          variants:
            short: {weight: 50, steps: [{send: mail_a}]}
            holdout: {weight: 50, holdout: true}
      - {wait: 3 days}
"""


def journey(parts: Parts, key: str = "tour") -> Journey:
    with parts.database.reading() as session:
        return session.exec(select(Journey).where(Journey.key == key)).one()


def rows(parts: Parts, table: Any, *given: Any) -> list[Any]:
    with parts.database.reading() as session:
        return list(session.exec(select(table).where(*given)))


def test_a_report_tells_numbers_mails_and_reasons_with_pictures(
    browser: Callable[..., TestClient], shells: list[Shell], parts: Parts, statements: Any
) -> None:
    desk = browser("support")
    desk.get("/journeys/tour/report")
    with statements(parts.database, at_most=30):
        shown = desk.get("/journeys/tour/report").text
    assert re.search(r"<dt>Entered</dt><dd>7</dd>", shown)
    assert "No mail of this journey was sent yet" in shown
    for name in ("series", "movements"):
        drawn = desk.get(f"/journeys/tour/report/{name}.svg")
        assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml")
        assert drawn.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert desk.get("/journeys/tour/report/split.svg").status_code == 404
    assert desk.get("/journeys/nobody/report").status_code == 404


def test_shares_have_their_n_and_interval_and_are_grey_where_they_say_little(
    browser: Callable[..., TestClient], shells: list[Shell], parts: Parts
) -> None:
    for name in ("one", "two", "three"):
        send(parts.database, name, parts.clock(), "c0", journey="tour", stage="trial", step="trial/send:mail_a")
    shown = browser("support").get("/journeys/tour/report").text
    assert re.search(
        r'<td class="number">3</td>\s*<td class="number"><span class="few">0\.0%<span class="sub">0\.0% to 56', shown
    )


def test_a_split_is_told_in_sentences_numbers_and_a_picture(
    browser: Callable[..., TestClient], client: TestClient
) -> None:
    assert client.put("/v1/journeys/tips", content=SPLIT).status_code == 200
    assert client.post("/v1/journeys/tips/publish").status_code == 200
    desk = browser("support")
    shown = desk.get("/journeys/tips/report").text
    assert "Split tip-test" in shown
    assert '<td>holdout <span class="badge">held back</span>' in shown
    assert desk.get("/journeys/tips/report/split.svg?split=tip-test").status_code == 200
    assert desk.get("/journeys/tips/report/split.svg?split=other").status_code == 404


def test_versions_stand_with_what_they_changed_and_any_two_beside_each_other(
    browser: Callable[..., TestClient], client: TestClient, shells: list[Shell], parts: Parts, statements: Any
) -> None:
    tour.put(client, tour.LONGER)
    client.post("/v1/journeys/tour/publish")
    tour.put(client, tour.LONGER.replace("mail_c", "<b>").replace("<b>", "mail_a"))
    desk = browser("support")
    desk.get("/journeys/tour/versions")
    with statements(parts.database, at_most=12):
        shown = desk.get("/journeys/tour/versions").text
    assert ("The first version: 2 stages, 4 steps." in shown, "5 days" in shown) == (True, True)
    assert re.search(r'name="before" value="2" checked', shown)
    assert re.search(r'name="after" value="draft" checked', shown)
    compared = desk.get("/journeys/tour/versions/compare?before=1&after=2").text
    assert "From version 1 to version 2" in compared
    assert re.search(r'<span class="removed">-.*3 days', compared)
    assert re.search(r'<span class="added">\+.*5 days', compared)
    assert "step retimed" in compared
    assert "the draft" in desk.get("/journeys/tour/versions/compare?before=2&after=draft").text
    assert desk.get("/journeys/tour/versions/compare?before=1&after=9").status_code == 404
    assert desk.get("/journeys/tour/versions/compare?before=1&after=-1").status_code == 422


def test_support_neither_pauses_nor_archives_a_journey(
    browser: Callable[..., TestClient], shells: list[Shell], parts: Parts
) -> None:
    desk = browser("support")
    form = {"form_token": token(desk.get("/account").text)}
    for verb in ("pause", "resume", "archive"):
        for answer in (desk.get(f"/journeys/tour/{verb}"), desk.post(f"/journeys/tour/{verb}", data=form)):
            assert (answer.status_code, "needs the role marketer" in answer.text) == (403, True), verb
    assert journey(parts).archived_at is None


def test_a_form_of_another_page_changes_nothing(
    browser: Callable[..., TestClient], shells: list[Shell], parts: Parts
) -> None:
    desk = browser("marketer")
    assert desk.post("/journeys/tour/archive", data={"form_token": "f" * 32}).status_code == 403
    own = {"form_token": token(desk.get("/journeys/tour/archive").text)}
    assert desk.post("/journeys/tour/archive", data=own, headers={"Origin": "https://evil.example"}).status_code == 403
    assert journey(parts).archived_at is None


def test_a_pause_and_a_resume_say_what_they_do_and_are_on_record(
    browser: Callable[..., TestClient], shells: list[Shell], parts: Parts
) -> None:
    desk = browser("marketer")
    asked = desk.get("/journeys/tour/pause").text
    assert ("7 customers are under way." in asked, "They keep their place" in asked) == (True, True)
    form = {"form_token": token(asked)}
    assert desk.post("/journeys/tour/pause", data=form).headers["location"] == "/journeys/tour"
    assert journey(parts).paused_at is not None
    again = desk.post("/journeys/tour/pause", data=form)
    assert (again.status_code, "is paused already" in again.text) == (409, True)
    assert '<span class="badge warn">paused' in desk.get("/journeys/tour").text
    for one in shells:
        one.wake(parts.clock())
    would = desk.get("/journeys/tour/resume/plan", headers={"HX-Request": "true"}).text
    assert ("of 7 customers" in would, "<html" in would) == (True, False)
    resumed = desk.post("/journeys/tour/resume", data={**form, "late": "skip"})
    (operation,) = rows(parts, Operation, Operation.kind == "resume")
    assert resumed.headers["location"] == f"/operations/{operation.id}"
    assert (operation.request["late"], journey(parts).paused_at) == ("skip", None)
    told = {one.action for one in rows(parts, Audit, Audit.kind == "journey", col(Audit.actor).like("usr_%"))}
    assert told == {"paused", "resumed"}


def test_one_stage_is_paused_and_goes_on(browser: Callable[..., TestClient], shells: list[Shell], parts: Parts) -> None:
    desk = browser("marketer")
    form = {"form_token": token(desk.get("/journeys/tour/pause").text), "stage": "trial"}
    desk.post("/journeys/tour/pause", data=form)
    assert list(journey(parts).paused_stages) == ["trial"]
    assert '<option value="trial">the stage trial, 7</option>' in desk.get("/journeys/tour/resume").text
    assert "Whoever stands there keeps their place" in desk.get("/journeys/tour").text
    desk.post("/journeys/tour/resume", data=form)
    assert journey(parts).paused_stages == {}
    nowhere = desk.post("/journeys/tour/pause", data={**form, "stage": "nowhere"})
    assert (nowhere.status_code, "has no stage" in nowhere.text) == (409, True)


def test_a_journey_that_was_archived_while_its_page_was_open_is_told_in_words(
    browser: Callable[..., TestClient], client: TestClient, shells: list[Shell], parts: Parts
) -> None:
    desk = browser("marketer")
    asked = desk.get("/journeys/tour/archive").text
    assert ("leave at once" in asked, "7 runs end for good" in asked) == (True, True)
    form = {"form_token": token(asked), "in_flight": "exit"}
    assert client.post("/v1/journeys/tour/archive").status_code == 200
    late = desk.post("/journeys/tour/archive", data=form)
    assert (late.status_code, "is archived already" in late.text) == (409, True)
    shown = desk.get("/journeys/tour").text
    assert ('<span class="badge">archived' in shown, ">Archive</a>" in shown) == (True, False)
    assert desk.get("/journeys").text.count("/journeys/tour") == 0
    assert "/journeys/tour" in desk.get("/journeys?archived=true").text


def test_an_archive_lets_those_under_way_leave_by_an_operation(
    browser: Callable[..., TestClient], shells: list[Shell], parts: Parts
) -> None:
    desk = browser("marketer")
    form = {"form_token": token(desk.get("/journeys/tour/archive").text), "in_flight": "exit"}
    done = desk.post("/journeys/tour/archive", data=form)
    (operation,) = rows(parts, Operation, Operation.kind == "leave")
    assert done.headers["location"] == f"/operations/{operation.id}"
    assert "Leave" in desk.get(done.headers["location"]).text
