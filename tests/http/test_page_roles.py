"""Who may open which page of operators: a table over every route of theirs, and each role below is refused."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from api.pages.operations import books, dispatches, hooks, importing, listing, progress
from api.pages.segments import editing
from api.pages.segments import listing as segments
from api.pages.settings import audit_log, keys, settings
from api.pages.topics import suppressions, topics
from api.pages.writing import approvals
from tests.http.desks import token

MODULES = (
    books, dispatches, hooks, importing, listing, progress, editing, segments, audit_log, keys, settings, suppressions,
    topics, approvals,
)  # fmt: skip

LEAST = {
    "support": {
        "GET /operations", "GET /operations/{id}", "GET /operations/{id}/errors.csv", "GET /reconciliation",
        "GET /operations/{id}/report.svg",
        "POST /reconciliation/check", "GET /hooks", "GET /dispatches", "GET /segments", "GET /segments/{key}",
        "GET /topics", "GET /suppressions", "GET /settings", "GET /approvals", "GET /approvals/{key}/{id}",
    },
    "marketer": {
        "GET /operations/import", "POST /operations/import", "POST /operations/{id}/{verb}", "GET /hooks/{id}/{verb}",
        "POST /hooks/{id}/{verb}", "GET /segments/new", "GET /segments/{key}/edit", "POST /segments/preview",
        "POST /segments/save", "GET /segments/{key}/remove", "POST /segments/{key}/remove", "GET /topics/new",
        "GET /topics/{key}/edit", "POST /topics/save", "GET /topics/{key}/{verb}", "POST /topics/{key}/{verb}",
        "POST /suppressions", "POST /suppressions/lift/ask", "POST /suppressions/lift",
        "POST /journeys/{key}/edit/plan/{id}/ask", "POST /journeys/{key}/edit/first/ask",
        "POST /approvals/{key}/{id}/confirm", "POST /approvals/{key}/{id}/decline", "POST /approvals/{key}/{id}/count",
    },
    "admin": {
        "GET /reconciliation/repair", "POST /reconciliation/repair", "GET /dispatches/{id}/{verb}",
        "POST /dispatches/{id}/{verb}", "POST /settings", "GET /keys", "POST /keys", "POST /keys/{id}/origins",
        "GET /keys/{id}/revoke", "POST /keys/{id}/revoke", "GET /audit",
    },
}  # fmt: skip
"""By the least role that opens them, as the scopes of the API's calls say."""

VERBS = {"operations": "pause", "hooks": "retry", "dispatches": "retry", "topics": "pause"}


def routes() -> set[str]:
    found = ((method, route) for module in MODULES for route in module.router.routes for method in route.methods)
    return {f"{method} {route.path}" for method, route in found}


def path_of(route: str) -> tuple[str, str]:
    """The method, and an address of the route, of a thing that there is not."""
    method, _, path = route.partition(" ")
    verb = VERBS.get(path.split("/")[1], "")
    return method, path.replace("{id}", "7").replace("{key}", "nobody").replace("{verb}", verb)


def test_every_page_is_in_the_table() -> None:
    assert routes() == set[str]().union(*LEAST.values())


@pytest.mark.parametrize(("role", "closed"), [("support", ("marketer", "admin")), ("marketer", ("admin",))])
def test_a_role_is_refused_what_asks_for_a_higher_one(
    browser: Callable[..., TestClient], role: str, closed: tuple[str, ...]
) -> None:
    desk = browser(role)
    said = {"form_token": token(desk.get("/account").text)}
    for route in sorted(set[str]().union(*(LEAST[one] for one in closed))):
        method, path = path_of(route)
        answer = desk.request(method, path, data=said if method == "POST" else None)
        assert (answer.status_code, "may not do this" in answer.text) == (403, True), route


def test_no_form_is_taken_that_is_forged_or_comes_from_a_page_of_somebody_else(
    browser: Callable[..., TestClient],
) -> None:
    desk = browser("admin")
    said = {"form_token": token(desk.get("/account").text)}
    for route in sorted(one for one in routes() if one.startswith("POST ")):
        _, path = path_of(route)
        assert desk.post(path, data={"form_token": "0" * 32}).status_code == 403, route
        assert desk.post(path, data=said, headers={"Origin": "http://evil.example"}).status_code == 403, route
        assert desk.post(path, data=said, headers={"Host": "evil.example"}).status_code == 421, route


def test_nobody_who_is_not_signed_in_opens_a_page(browser: Callable[..., TestClient]) -> None:
    desk = browser("admin")
    desk.cookies.clear()
    for route in sorted(routes()):
        method, path = path_of(route)
        answer = desk.request(method, path)
        assert (answer.status_code, answer.headers.get("location", "").partition("?")[0]) == (303, "/sign-in"), route
