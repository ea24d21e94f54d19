"""Who is under way in a journey, by page and filter; and what is asked of many at once, told before it is done."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from store.tables.access import Audit, Operation
from store.tables.enrollments import ControlRequest, Enrollment
from tests.http import tour
from tests.http.desks import token
from tests.shells import Shell
from waypost.wiring import Parts

LIST = "/journeys/tour/enrollments"


def rows(parts: Parts, *given: Any) -> list[Enrollment]:
    with parts.database.reading() as session:
        return list(session.exec(select(Enrollment).where(*given).order_by(col(Enrollment.id))))


def pause(parts: Parts, id: str, by: str) -> None:
    with parts.database.writing() as session:
        one = session.get(Enrollment, id)
        one.paused, one.paused_by = True, by


def chosen(shown: str) -> list[str]:
    return re.findall(r'name="chosen" value="(enr_\w+)"', shown)


def test_who_is_under_way_is_found_by_stage_step_state_version_and_day(
    browser: Callable[..., TestClient], shells: list[Shell], parts: Parts, statements: Any
) -> None:
    desk = browser("marketer")
    desk.get(LIST)
    with statements(parts.database, at_most=10):
        shown = desk.get(LIST).text
    assert len(chosen(shown)) == tour.CUSTOMERS
    assert ("c0@example.com" in shown, "wait 3 days" in shown) == (True, True)
    pause(parts, shells[2].enrollment, "person")
    today = parts.clock().date()
    found = {
        "stage=trial": 7, "stage=paying": 0, "step=trial/wait:3 days": 7, "step=trial/send:mail_a": 0, "state=paused": 1,
        "state=stuck": 0, "version=1": 7, "version=2": 0, f"since={today}": 7, "since=2999-01-01": 0,
        "stage=trial&step=trial/wait:3 days&state=paused&version=1": 1, "stage=&step=&state=any&version=&since=": 7,
    }  # fmt: skip
    assert {query: len(chosen(desk.get(f"{LIST}?{query}").text)) for query in found} == found
    assert "Nobody stands so" in desk.get(f"{LIST}?stage=paying").text
    assert desk.get(f"{LIST}?since=yesterday").status_code == 422
    assert desk.get(f"{LIST}?state=happy").status_code == 422
    assert desk.get("/journeys/nobody/enrollments").status_code == 404


def test_pages_of_those_under_way_neither_skip_nor_repeat(
    browser: Callable[..., TestClient], shells: list[Shell]
) -> None:
    desk, seen, url = browser("marketer"), list[str](), f"{LIST}?stage=trial&limit=3"
    while url:
        shown = desk.get(url).text
        seen += chosen(shown)
        more = re.search(r'class="more"><a href="([^"]+)"', shown)
        url = more[1].replace("&amp;", "&") + "&limit=3" if more else ""
    assert seen == sorted((one.enrollment for one in shells), reverse=True)


def test_whoever_has_moved_on_before_it_is_their_turn_is_left_as_they_are(
    browser: Callable[..., TestClient], client: TestClient, shells: list[Shell], parts: Parts
) -> None:
    """A skip was asked of those who wait in a step: one of them stands elsewhere by then, and skips nothing there."""
    desk = browser("marketer")
    shown = desk.get(f"{LIST}?step=trial/wait:3 days").text
    form = {"verb": "skip", "chosen": chosen(shown), "step": "trial/wait:3 days", "form_token": token(shown)}
    desk.post(f"{LIST}/ask", data={**form, "expected": 7})
    with parts.database.writing() as session:
        session.get(Enrollment, shells[0].enrollment).step = "trial/send:mail_b"
    (operation,) = rows_of(parts, Operation, Operation.kind == "control enrollments")
    assert tour.done(client, parts, {"id": operation.id})["result"] == {"asked": 6, "left_as_they_are": 1}


def test_support_looks_and_asks_nothing_of_many(browser: Callable[..., TestClient], shells: list[Shell]) -> None:
    desk = browser("support")
    shown = desk.get(LIST).text
    assert ("c0@example.com" in shown, chosen(shown), "Pause …" in shown) == (True, [], False)
    form = {"verb": "exit", "everybody": "true", "form_token": token(desk.get("/account").text)}
    for step in ("plan", "ask"):
        refused = desk.post(f"{LIST}/{step}", data=form)
        assert (refused.status_code, "needs the role marketer" in refused.text) == (403, True)


EFFECTS = {
    "pause": ("6 customers:</b> they keep their place", "1 customer:</b> they are paused already"),
    "resume": ("1 customer:</b> they go on: first with what they did", "6 customers:</b> they are not paused"),
    "skip": ("7 customers:</b> they leave &#39;wait 3 days&#39; and go on to &#39;send mail b&#39;",),
    "exit": ("7 customers:</b> their run ends for good",),
}


@pytest.mark.parametrize("verb", EFFECTS)
def test_what_will_happen_is_told_first_and_then_asked_as_an_operation(
    browser: Callable[..., TestClient], client: TestClient, shells: list[Shell], parts: Parts, verb: str
) -> None:
    pause(parts, shells[0].enrollment, "person")
    desk = browser("marketer")
    shown = desk.get(LIST).text
    form = {"verb": verb, "chosen": chosen(shown), "form_token": token(shown)}
    told = desk.post(f"{LIST}/plan", data=form).text
    for sentence in EFFECTS[verb]:
        assert sentence in told
    assert rows_of(parts, ControlRequest) == []
    acts = int(re.search(r'name="expected" value="(\d+)"', told)[1])
    done = desk.post(f"{LIST}/ask", data={**form, "expected": acts, "reason": "asked by phone"})
    assert done.status_code == 303
    (operation,) = rows_of(parts, Operation, Operation.kind == "control enrollments")
    assert done.headers["location"] == f"/operations/{operation.id}"
    assert 'hx-trigger="load delay:1s"' in desk.get(done.headers["location"]).text
    assert tour.done(client, parts, {"id": operation.id})["result"] == {"asked": acts, "left_as_they_are": 7 - acts}
    ended = desk.get(done.headers["location"]).text
    assert ("7 of 7 done" in ended, 'hx-trigger="load' in ended) == (True, False)
    assert [one.verb for one in rows_of(parts, ControlRequest)] == [verb] * acts
    (entry,) = rows_of(parts, Audit, Audit.action == "asked of many")
    assert entry.after == {"operation": operation.id, "verb": verb, "enrollments": acts, "said": "asked by phone"}


def rows_of(parts: Parts, table: Any, *given: Any) -> list[Any]:
    with parts.database.reading() as session:
        return list(session.exec(select(table).where(*given)))


def test_everybody_whom_a_filter_finds_is_moved_and_the_wakes_of_each_do_it(
    browser: Callable[..., TestClient], client: TestClient, shells: list[Shell], parts: Parts
) -> None:
    desk = browser("marketer")
    shown = desk.get(f"{LIST}?stage=trial").text
    form = {"verb": "move", "everybody": "true", "stage": "trial", "form_token": token(shown)}
    asked = desk.post(f"{LIST}/plan", data=form).text
    assert ('<option value="paying">' in asked, "Show what will happen" in asked) == (True, True)
    form |= {"place": "paying", "expected": "7"}
    told = desk.post(f"{LIST}/plan", data=form).text
    assert "7 customers:</b> they leave trial and enter paying anew" in told
    location = desk.post(f"{LIST}/ask", data=form).headers["location"]
    tour.done(client, parts, {"id": location.rpartition("/")[2]})
    for one in shells:
        one.wake(parts.clock())
    assert {one.stage for one in rows(parts, Enrollment.journey == "tour")} == {"paying"}
    nowhere = desk.post(f"{LIST}/plan", data={**form, "stage": "", "place": "nowhere"}).text
    assert "they are on version 1, which has no such place, and stay" in nowhere


def test_a_form_that_is_posted_twice_is_one_operation(
    browser: Callable[..., TestClient], shells: list[Shell], parts: Parts
) -> None:
    desk = browser("marketer")
    form = {"verb": "skip", "everybody": "true", "form_token": token(desk.get(LIST).text)}
    (once,) = re.findall(r'name="once" value="(op_\w+)"', desk.post(f"{LIST}/plan", data=form).text)
    form |= {"expected": "7", "once": once}
    asked = [desk.post(f"{LIST}/ask", data=form) for _ in range(2)]
    assert [one.headers["location"] for one in asked] == [f"/operations/{once}"] * 2
    assert len(rows_of(parts, Operation, Operation.kind == "control enrollments")) == 1
    assert len(rows_of(parts, Audit, Audit.action == "asked of many")) == 1


def test_where_they_are_others_by_now_nothing_is_done_and_it_is_told_again(
    browser: Callable[..., TestClient], shells: list[Shell], parts: Parts
) -> None:
    desk = browser("marketer")
    form = {"verb": "pause", "everybody": "true", "form_token": token(desk.get(LIST).text)}
    assert 'name="expected" value="7"' in desk.post(f"{LIST}/plan", data=form).text
    pause(parts, shells[0].enrollment, "journey")
    again = desk.post(f"{LIST}/ask", data={**form, "expected": "7"})
    assert (again.status_code, "Meanwhile they are others" in again.text) == (409, True)
    assert 'name="expected" value="6"' in again.text
    assert rows_of(parts, Operation, Operation.kind == "control enrollments") == []
    resumed = desk.post(f"{LIST}/plan", data={**form, "verb": "resume"}).text
    assert "they are paused with their journey: resume that" in resumed
    assert "You chose nobody" in desk.post(f"{LIST}/plan", data={**form, "everybody": ""}).text


def test_work_that_is_under_way_is_stopped_from_its_page(
    browser: Callable[..., TestClient], shells: list[Shell], parts: Parts
) -> None:
    desk = browser("marketer")
    form = {"verb": "pause", "everybody": "true", "expected": "7", "form_token": token(desk.get(LIST).text)}
    url = desk.post(f"{LIST}/ask", data=form).headers["location"]
    assert "Stop it" in desk.get(url).text
    assert desk.post(f"{url}/cancel", data=form).status_code == 303
    (operation,) = rows_of(parts, Operation, Operation.kind == "control enrollments")
    assert operation.cancel is True
    assert desk.get("/operations/op_nobody").status_code == 404
