"""A marketer writes a journey in a real browser, from the first letter to the publish."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from temporalio.testing import ActivityEnvironment

from tests.browser.conftest import AXE, Shop

EDIT = "/journeys/lifecycle/edit"


def works(shop: Shop, operation: str) -> None:
    """A worker does an operation."""
    done = ActivityEnvironment().run(shop.parts.operations().operate, operation)
    with ThreadPoolExecutor(1) as apart:  # the browser's own loop runs in this thread
        assert apart.submit(asyncio.run, done).result() == "done"


def completes(page: Page, word: str) -> None:
    """Choose a completion by its label: what explains it beside the list may name the same word."""
    labels = page.locator(".cm-tooltip-autocomplete .cm-completionLabel")
    labels.filter(has_text=re.compile(f"^{word}$")).click()


def test_a_marketer_writes_mends_what_is_told_plans_and_publishes(visit: Any, shop: Shop) -> None:
    page = visit("ada@shop.example").opens(EDIT)
    sheet = page.get_by_role("textbox", name="The journey as text").locator("visible=true")
    expect(page.locator("textarea#text")).to_be_hidden()  # the editor has taken its place
    expect(sheet).to_contain_text("lifecycle: true")
    sheet.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("  lapsed: {steps: [{send: nothere}]}")
    expect(page.locator("#checked")).to_contain_text("there is no template 'nothere'")
    expect(page.locator(".cm-lint-marker-error")).to_have_count(1)
    expect(page.locator("#kept")).to_contain_text("Draft saved")
    for key in ("Shift+Home", "Shift+Home", "Delete"):
        page.keyboard.press(key)
    page.keyboard.type("    fin")
    completes(page, "final")
    page.keyboard.type("tr")
    completes(page, "true")
    expect(page.locator("#checked")).to_contain_text("It can be published")
    expect(page.locator("#map img")).to_be_visible()
    page.get_by_role("button", name="Follow them").click()
    expect(page.locator("#tried")).to_contain_text("Enters by Signed Up")
    page.get_by_role("button", name="Plan and publish").click()
    expect(page.get_by_role("heading", name="Whom it concerns is counted")).to_be_visible()
    works(shop, page.url.rpartition("/")[2])
    expect(page.get_by_role("heading", name="Whom it concerns", exact=True)).to_be_visible()
    expect(page.locator("#plan")).to_contain_text("stay at their step, and act when they would have")
    expect(page.locator("#plan")).to_contain_text("'final' of stage 'buyer' is true instead of false")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", name="Version 2 of lifecycle is live")).to_be_visible()


def test_with_script_switched_off_it_is_a_plain_field_that_works(visit: Any, shop: Shop) -> None:
    page = visit("ada@shop.example", java_script_enabled=False).opens(EDIT)
    page.locator("#text").fill("journey: lifecycle")
    page.locator("button", has_text="Check").click()
    expect(page.locator("#found")).to_contain_text("It cannot be published")
    expect(page.locator("#text")).to_have_value("journey: lifecycle")


@pytest.mark.usefixtures("node_modules")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_nothing_serious_bars_anybody_from_writing(visit: Any, scheme: str, width: int) -> None:
    watched = visit("ada@shop.example", color_scheme=scheme, viewport={"width": width, "height": 800})
    for path in (EDIT, "/journeys/new"):
        page = watched.opens(path)
        page.wait_for_load_state("networkidle")
        page.evaluate(AXE.read_text())
        violations = page.evaluate("axe.run({resultTypes: ['violations']}).then((all) => all.violations)")
        serious = [one for one in violations if one["impact"] in ("serious", "critical")]
        assert [f"{one['id']}: {node['html'][:120]}" for one in serious for node in one["nodes"]] == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
