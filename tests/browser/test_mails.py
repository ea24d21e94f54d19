"""A marketer writes a template, tries it on an address, and counts who would get a broadcast of it."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import AXE, Shop


def bars_nobody(page: Page) -> None:
    """Nothing serious for axe in the dark, and nothing beside the screen of a phone."""
    page.evaluate(AXE.read_text())
    violations = page.evaluate("axe.run({resultTypes: ['violations']}).then((all) => all.violations)")
    serious = [one for one in violations if one["impact"] in ("serious", "critical")]
    assert [f"{one['id']}: {node['html'][:120]}" for one in serious for node in one["nodes"]] == [], page.url
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, page.url
    page.set_viewport_size({"width": 1280, "height": 800})


@pytest.mark.usefixtures("node_modules")
def test_a_marketer_writes_a_template_and_counts_who_gets_a_broadcast_of_it(visit: Any, shop: Shop) -> None:
    page = visit("ada@shop.example", color_scheme="dark").opens("/templates")
    page.get_by_label("New template").fill("spring")
    page.get_by_role("button", name="Write it").click()
    page.get_by_label("Subject").fill("Spring {{ customer.frist_name }}")
    expect(page.locator("#checked")).to_contain_text("the nearest is 'first_name'")
    page.get_by_label("Subject").fill("Spring, {{ customer.first_name }}")
    page.get_by_label("HTML or MJML").fill("<h1>Spring is here, {{ customer.first_name }}</h1>")
    expect(page.frame_locator("iframe[name=shown]").get_by_role("heading")).to_have_text("Spring is here, Ann")
    expect(page.locator("#checked")).to_contain_text("It can be saved")
    bars_nobody(page)
    page.get_by_role("button", name="Save as a new version").click()
    expect(page.frame_locator("iframe.mail").get_by_role("heading")).to_have_text("Spring is here, Ann")
    page.get_by_label("On", exact=True).select_option("dark phone")
    expect(page.locator(".screen.narrow.dark iframe")).to_be_visible()
    page.get_by_role("link", name="Send a test").click()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("One mail goes to ada@shop.example at once")).to_be_visible()
    page.get_by_role("button", name="Send it").click()
    expect(page.locator("#progress")).to_contain_text("queued")
    shop.works_off(page.url.rpartition("/")[2])
    expect(page.locator("#progress")).to_contain_text("done")
    page.goto(f"{shop.url}/broadcasts/spring/edit")
    page.locator("#template").select_option("spring")
    page.get_by_text("Or a condition").click()
    page.get_by_label("Whoever fulfils").fill('customer.first_name == "Ann"')
    bars_nobody(page)
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_role("button", name="Count who gets it").click()
    expect(page.locator("#counted")).to_contain_text("it waits for a worker")


def test_what_is_written_before_the_page_is_ready_is_checked_when_it_is(visit: Any) -> None:
    watched = visit("ada@shop.example", at_once=True)
    page, held = watched.page, list[Route]()
    page.route("**/htmx.min.js", lambda route: held.append(route))
    page.goto(f"{watched.shop.url}/templates/autumn/edit", wait_until="commit")
    page.get_by_label("Subject").fill("Autumn {{ customer.frist_name }}")
    while not held:
        page.wait_for_timeout(10)
    held[0].continue_()
    expect(page.locator("#checked")).to_contain_text("the nearest is 'first_name'")


@pytest.mark.usefixtures("node_modules")
def test_a_marketer_writes_variants_with_hours_and_tries_one_of_them(visit: Any, shop: Shop) -> None:
    page = visit("ada@shop.example", color_scheme="dark").opens("/broadcasts/which/edit")
    page.get_by_text("Or variants").click()
    for number, (name, template) in enumerate([("short", "welcome"), ("long", "thank_you")], start=1):
        row = page.get_by_role("group", name=f"Variant {number}")
        row.get_by_label("Variant", exact=True).fill(name)
        row.get_by_label("Template").select_option(template)
    page.get_by_label("First to how many in 100").fill("20")
    page.get_by_label("Only from").fill("09:00")
    page.get_by_label("to", exact=True).fill("18:00")
    page.get_by_label("Priority").select_option("4")
    bars_nobody(page)
    page.get_by_role("button", name="Save the draft").click()
    told = page.locator("section", has=page.get_by_role("heading", name="The mail"))
    for part in (
        "Variant short",
        "thank_you, weight 1",
        "20 in 100 get the variants",
        "09:00 to 18:00",
        "4, where a cap",
    ):
        expect(told).to_contain_text(part)
    bars_nobody(page)
    told.get_by_role("link", name="send a test").first.click()
    expect(page.get_by_role("heading", name="Send a test")).to_be_visible()
