"""Pages that a link in a mail leads to, and that answer by themselves for whoever looks: in a real browser."""

from typing import Any

import pytest

from api.pages.self_sending import SENDS_ITSELF, SENDS_ITSELF_ONCE_MOVED
from tests.browser.conftest import Shop

HIDES = "Object.defineProperty(Navigator.prototype, 'webdriver', {get: () => false})"
"""What a scanner does that does not want to be known."""


def opened(visit: Any, shop: Shop, given: Any, *, hides: bool) -> tuple[Any, list[str]]:
    """A page whose form sends itself, and what was sent."""
    page, sent = visit().page, list[str]()
    if hides:
        page.add_init_script(HIDES)
    form = (
        f'<form method="post"><input type="hidden" name="answer" value="done"></form><script>{given["script"]}</script>'
    )

    def answers(route: Any) -> None:
        if route.request.method == "POST":
            sent.append(route.request.post_data)
        body = "Thank you" if route.request.method == "POST" else form
        policy = {"Content-Security-Policy": given["policy"]}
        route.fulfill(body=f"<!doctype html><title>x</title>{body}", content_type="text/html", headers=policy)

    page.route("**/hand-over/*", answers)
    page.goto(f"{shop.url}/hand-over/token")
    return page, sent


@pytest.mark.parametrize("given", [SENDS_ITSELF, SENDS_ITSELF_ONCE_MOVED], ids=["survey", "hand-over"])
def test_a_browser_that_says_it_is_driven_answers_nothing(visit: Any, shop: Shop, given: Any) -> None:
    page, sent = opened(visit, shop, given, hides=False)
    page.mouse.move(10, 10)
    page.mouse.move(60, 60)
    page.keyboard.press("a")
    assert (sent, page.evaluate("1 + 1")) == ([], 2)


def test_a_survey_is_answered_by_one_click(visit: Any, shop: Shop) -> None:
    page, sent = opened(visit, shop, SENDS_ITSELF, hides=True)
    page.get_by_text("Thank you").wait_for()
    assert sent == ["answer=done"]


def test_a_hand_over_is_answered_once_whoever_looks_has_moved(visit: Any, shop: Shop) -> None:
    page, sent = opened(visit, shop, SENDS_ITSELF_ONCE_MOVED, hides=True)
    page.evaluate("dispatchEvent(new PointerEvent('pointermove')); dispatchEvent(new KeyboardEvent('keydown'))")
    assert sent == [], "a script that moves nothing"
    page.mouse.move(10, 10)
    page.mouse.move(60, 60)
    page.get_by_text("Thank you").wait_for()
    assert sent == ["answer=done"]
