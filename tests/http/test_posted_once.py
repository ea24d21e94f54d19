"""A form that makes something is done once, however often it is posted: by two clicks, or by a browser that reloads."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.pages.frame import posted_once
from store.tables.access import ApiKey, Audit, Operation, UploadPart
from tests.http.desks import token
from tests.http.test_operation_pages import mark, send
from tests.http.test_operations import rows
from waypost.wiring import Parts

Browser = Callable[..., TestClient]


def a_test_mail(desk: TestClient, client: TestClient) -> tuple[str, dict[str, Any]]:
    """Where its form is posted to, and what the page that asks puts into it."""
    body = {"subject": "Hi", "html": "<p>Hi</p>", "text": "Hi"}
    assert client.put("/v1/templates/hello", json=body).status_code in (200, 201)
    said = {"to": "me@example.com", "form_token": token(desk.get("/templates/hello/test").text)}
    asked = desk.post("/templates/hello/test/ask", data=said).text
    return "/templates/hello/test", {**said, "once": token(asked, "once")}


def a_key(desk: TestClient) -> tuple[str, dict[str, Any]]:
    page = desk.get("/keys").text
    said = {"name": "shop", "scopes": ["ingest"], "form_token": token(page), "once": token(page, "once")}
    return "/keys", said


def shown_key(page: str) -> str:
    (found,) = re.findall(r'<code id="made">(wp_[\w-]{40,})</code>', page)
    return found


def test_a_test_mail_goes_once(browser: Browser, client: TestClient, parts: Parts) -> None:
    desk = browser("marketer")
    url, form = a_test_mail(desk, client)
    sent = [desk.post(url, data=form) for _ in range(2)]
    (operation,) = rows(parts, Operation)
    assert [one.headers["location"] for one in sent] == [f"/operations/{operation.id}"] * 2
    assert len([one for one in rows(parts, Audit) if one.action == "tested"]) == 1


def test_the_same_form_to_another_address_is_another_and_sends_nothing(
    browser: Browser, client: TestClient, parts: Parts
) -> None:
    desk = browser("marketer")
    url, form = a_test_mail(desk, client)
    assert desk.post(url, data=form).status_code == 303
    assert desk.post(url, data={**form, "to": "you@example.com"}).status_code == 409
    assert desk.post(url, data={**form, "once": "everybody's"}).status_code == 422
    assert len(rows(parts, Operation)) == 1


def test_who_asks_for_a_second_test_mail_gets_it(browser: Browser, client: TestClient, parts: Parts) -> None:
    desk = browser("marketer")
    for _ in range(2):
        url, form = a_test_mail(desk, client)
        assert desk.post(url, data=form).status_code == 303
    assert len(rows(parts, Operation)) == 2


def test_a_key_is_made_once_and_shown_again(browser: Browser, parts: Parts) -> None:
    desk = browser("admin")
    url, form = a_key(desk)
    first, second = (shown_key(desk.post(url, data=form).text) for _ in range(2))
    assert first == second
    assert len(rows(parts, ApiKey)) == 1
    other = desk.post(url, data={**form, "name": "another"})
    assert (other.status_code, first in other.text, len(rows(parts, ApiKey))) == (409, False, 1)
    assert "this form was sent before" in other.text
    assert token(other.text, "once") != form["once"], "sent as it is now it is another"


def test_a_form_that_was_refused_is_corrected_and_sent_again(browser: Browser, parts: Parts) -> None:
    """By the page that said so, and by one that a browser went back to."""
    desk = browser("admin")
    url, form = a_key(desk)
    assert desk.post(url, data={**form, "rate": "many"}).status_code == 422
    assert shown_key(desk.post(url, data=form).text)
    assert len(rows(parts, ApiKey)) == 1


def test_two_at_the_same_moment_make_one_key(browser: Browser, parts: Parts) -> None:
    desk = browser("admin")
    url, form = a_key(desk)
    with ThreadPoolExecutor(4) as threads:
        pages = [one.text for one in threads.map(lambda _: desk.post(url, data=form), range(4))]
    assert len({shown_key(page) for page in pages}) == 1
    assert len(rows(parts, ApiKey)) == 1


def test_of_a_file_that_comes_twice_at_the_same_moment_one_is_kept(
    browser: Browser, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second finds the first when it has kept its own: nobody would read that, and nobody would erase it."""
    desk = browser("marketer")
    shown = send(desk).text
    said = {"confirmed": mark(shown), "once": token(shown, "once")}
    first = send(desk, **said)
    before, asked = posted_once.before, list[Any]()

    def too_early(*rest: Any) -> str | None:
        asked.append(rest)
        return None if len(asked) == 1 else before(*rest)

    monkeypatch.setattr(posted_once, "before", too_early)
    assert send(desk, **said).headers["location"] == first.headers["location"]
    (operation,) = rows(parts, Operation)
    assert {one.operation_id for one in rows(parts, UploadPart)} == {operation.id}


def test_a_file_is_imported_once(browser: Browser, parts: Parts) -> None:
    desk = browser("marketer")
    shown = send(desk).text
    said = {"confirmed": mark(shown), "once": token(shown, "once")}
    done = [send(desk, **said) for _ in range(2)]
    (operation,) = rows(parts, Operation)
    assert [one.headers["location"] for one in done] == [f"/operations/{operation.id}"] * 2
    again = send(desk).text
    assert token(again, "once") != said["once"], "who is shown it anew means it anew"
