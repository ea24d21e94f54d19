"""Every page says how the API sees it, and asks: by a call that there is."""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient

from api.pages.html import FOLDER
from tests.shells import Shell

WITHOUT = {
    "frame/problem.html", "signing_in/mailed.html", "signing_in/link.html", "signing_in/sign_in.html",
    "signing_in/account.html", "outbox.html", "outbox_mail.html", "signing_in/refused.html", "signing_in/signed_out.html", "writing/approvals.html",
}  # fmt: skip
"""Pages of what the API has no call for: a problem, how a person signs in, the approvals of all journeys at once."""


def test_every_page_has_the_drawer() -> None:
    pages = {path: path.read_text() for path in FOLDER.rglob("*.html")}
    shown = {str(path.relative_to(FOLDER)) for path, text in pages.items() if 'extends "frame/layout.html"' in text}
    drawer = {
        str(path.relative_to(FOLDER))
        for path, text in pages.items()
        if "As the API sees it" in text or "frame/api_drawer.html" in text
    }
    assert shown - drawer == WITHOUT


def call(page: str) -> tuple[str, str, str]:
    """What the drawer of a page calls: method, path, body."""
    curl = unescape(re.sub(r"<[^>]+>", "", page.partition('<code id="curl">')[2].partition("</code>")[0]))
    method, body = re.search(r"-X (\w+)", curl), re.search(r"-d '(.*?)'", curl)
    address = re.search(r'"\$WAYPOST_URL([^"]+)"', curl)
    assert address is not None, curl
    return method[1] if method else "GET", address[1], body[1] if body else ""


@pytest.fixture
def run(shells: list[Shell]) -> str:
    """Somebody under way in the journey `tour`."""
    return shells[0].enrollment


@pytest.mark.parametrize("verb", ["pause", "resume", "skip", "move", "exit"])
def test_what_is_asked_once_more_of_an_enrollment_is_a_call(
    browser: Callable[..., TestClient], client: TestClient, run: str, verb: str
) -> None:
    method, path, body = call(browser("support").get(f"/enrollments/{run}/{verb}").text)
    assert (method, path) == ("POST", f"/v1/enrollments/{run}/{verb}")
    known = client.get("/openapi.json").json()["paths"]
    asked = known["/v1/enrollments/{id}/move" if verb == "move" else "/v1/enrollments/{id}/{control}"]["post"]
    assert "requestBody" in asked
    assert body.startswith("{")


def test_what_is_asked_once_more_of_a_journey_is_a_call_and_what_a_page_shows_is_one(
    browser: Callable[..., TestClient], client: TestClient, run: str
) -> None:
    desk, known = browser("admin"), client.get("/openapi.json").json()["paths"]
    pages = {
        "/journeys/tour/pause": ("POST", "/v1/journeys/{key}/pause"),
        "/journeys/tour/archive": ("POST", "/v1/journeys/{key}/archive"),
        "/journeys/tour/resume/plan": ("GET", "/v1/journeys/{key}/resume-plan"),
        "/journeys/new": ("GET", "/v1/journeys"),
        "/": ("GET", "/v1/reports/lifecycle"),
        "/customers?query=example&stage=trial": ("GET", "/v1/customers"),
        "/users": ("GET", "/v1/users"),
    }
    for page, (method, template) in pages.items():
        asked = call(desk.get(page).text)
        assert (asked[0], template.replace("{key}", "tour")) == (method, urlsplit(asked[1]).path), page
        assert method.lower() in known[template]
        if method == "GET":
            assert client.get(asked[1]).status_code == 200, page
    assert (
        call(desk.get("/customers?query=example&stage=trial").text)[1].partition("?")[2] == "query=example&stage=trial"
    )


FILTERED = {
    "/journeys/tour/enrollments?stage=trial&step=trial%2Fwait%3A3+days": "/v1/enrollments?journey=tour&status=live&stage=trial"
    "&step=trial%2Fwait%3A3+days&sort=-entered",
    "/journeys/tour/enrollments?state=stuck": "/v1/enrollments?journey=tour&status=live&stuck=true&sort=-entered",
    "/journeys?archived=true": "/v1/journeys?archived=true",
    "/operations?status=failed&kind=reconcile": "/v1/operations?kind=reconcile&status=failed",
    "/hooks?status=stuck&journey=tour": "/v1/hooks?status=stuck&journey=tour",
    "/dispatches?status=stuck": "/v1/dispatches?status=stuck",
    "/audit?kind=journey&target=tour": "/v1/audit?kind=journey&target=tour",
    "/broadcasts?status=sent": "/v1/broadcasts?status=sent",
    "/suppressions?reason=complaint": "/v1/suppressions?reason=complaint",
}  # fmt: skip
"""Lists with a filter, and the call that shows the same."""


def test_the_drawer_of_a_list_has_the_filters_of_the_page(
    browser: Callable[..., TestClient], client: TestClient, run: str
) -> None:
    desk = browser("admin")
    for page, wanted in FILTERED.items():
        assert call(desk.get(page).text)[1] == wanted
        assert client.get(wanted).status_code == 200, wanted


def test_a_filter_that_the_call_does_not_have_is_told(browser: Callable[..., TestClient], run: str) -> None:
    desk = browser("support")
    shown = desk.get("/journeys/tour/enrollments?version=1&state=paused").text
    assert "The call has no filter by version, state" in shown
    assert "has no filter" not in desk.get("/journeys/tour/enrollments?stage=trial").text
