"""A marketer looks at a journey, follows a count to those whom it counts, and pauses some of them."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import Shop


def test_a_marketer_follows_a_count_chooses_some_and_pauses_them(visit: Any, shop: Shop) -> None:
    page = visit("ada@shop.example").opens("/journeys")
    page.get_by_role("link", name="Tea").click()
    live = page.locator("dd [data-count='*']")
    expect(live).to_have_text("3")
    expect(page.get_by_text("This journey was changed")).to_be_hidden()
    shop.happens({"type": "identify", "userId": "kim", "traits": {"email": "kim@example.com"}},
                 {"type": "track", "userId": "kim", "event": "Signed Up"})  # fmt: skip
    expect(live).to_have_text("4")
    expect(page.locator("svg [data-count='trial trial/wait:3 days']")).to_have_text("4")
    page.get_by_role("link", name="4 at trial", exact=True).click()
    expect(page.get_by_role("heading", name="Tea")).to_be_visible()
    for name in ("ann@example.com", "kim@example.com"):
        page.get_by_role("checkbox", name=f"Choose {name}").check()
    page.get_by_role("button", name="Pause …").click()
    expect(page.get_by_role("heading", name="Pause 2 customers?")).to_be_visible()
    expect(page.locator(".effects")).to_contain_text("2 customers: they keep their place")
    page.get_by_label("Why").fill("the tea is late")
    page.get_by_role("button", name="Pause 2 customers").click()
    expect(page.locator("#progress")).to_contain_text("queued")
    shop.works_off(page.url.rpartition("/")[2])
    expect(page.locator("#progress")).to_contain_text("2 of 2 done")
    page.goto(f"{shop.url}/journeys/lifecycle/enrollments?state=paused")
    expect(page.get_by_role("row", name=re.compile("ann@example.com"))).to_contain_text("paused")
    expect(page.get_by_role("row", name=re.compile("kim@example.com"))).to_contain_text("paused")
    expect(page.get_by_role("row", name=re.compile("bob@example.com"))).to_have_count(0)
