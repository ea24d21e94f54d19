"""Each page's main task as its user does it, from the sign-in to the result, in a real browser."""

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from services.reports.customer import customer_view
from tests.browser.conftest import AXE, PASSWORD, Shop


def customer(shop: Shop, user: str) -> str:
    """The path of a customer's page."""
    with shop.parts.database.reading() as session:
        return f"/customers/{customer_view.customer(session, user).id}"


def test_a_colleague_of_support_signs_in_finds_a_customer_and_learns_why(visit: Any) -> None:
    watched = visit()
    page = watched.signs_in("sue@shop.example")
    page.keyboard.press("/")
    page.keyboard.type("ann@ex", delay=10)
    page.locator("#suggested").get_by_role("link", name=re.compile("ann@example.com")).click()
    expect(page.get_by_role("heading", name="Ann", exact=True)).to_be_visible()
    expect(page.locator("section", has=page.get_by_role("heading", name="Where now"))).to_contain_text(
        "trial at wait 3 days"
    )
    expect(page.locator("section", has=page.get_by_role("heading", name="What next"))).to_contain_text("thank you")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#answer")).to_contain_text("it waits in trial at 'wait 3 days'")
    page.get_by_role("link", name="welcome").first.click()
    frame = page.locator("iframe")
    expect(frame).to_be_visible()
    assert "Ann" in page.request.get(watched.shop.url + (frame.get_attribute("src") or "")).text()
    assert page.get_by_role("link", name="Users").count() == 0


def test_what_is_sought_before_the_page_is_ready_is_found_when_it_is(visit: Any, shop: Shop) -> None:
    watched, held = visit("sue@shop.example", at_once=True), list[Route]()
    page = watched.page
    page.route("**/htmx.min.js", lambda route: held.append(route))
    page.goto(shop.url, wait_until="commit")
    page.locator("#search").click()
    page.keyboard.type("ann@ex")
    while not held:
        page.wait_for_timeout(10)
    held[0].continue_()
    expect(page.locator("#suggested").get_by_role("link", name=re.compile("ann@example.com"))).to_be_visible()


def test_events_come_by_themselves_but_not_while_one_is_read(visit: Any, shop: Shop) -> None:
    page = visit("sue@shop.example").opens("/events")
    events = page.locator("#events")
    shop.happens({"type": "track", "userId": "ann", "event": "Tea Drunk", "properties": {"cups": 3}})
    expect(events).to_contain_text("Tea Drunk")
    row = events.get_by_role("row").filter(has_text="Tea Drunk")
    row.get_by_text("1 property").click()
    expect(row).to_contain_text("cups 3")
    shop.happens({"type": "track", "userId": "ann", "event": "Tea Praised"})
    with page.expect_event("console", lambda said: said.text == "held"):
        page.evaluate(
            "addEventListener('htmx:before:request', (event) => { if (event.defaultPrevented) console.log('held'); })"
        )
    expect(events).not_to_contain_text("Tea Praised")
    row.get_by_text("1 property").click()
    expect(events).to_contain_text("Tea Praised")
    page.get_by_role("link", name="Tea Praised").click()
    expect(page.get_by_label("Name")).to_have_value("Tea Praised")
    expect(events.get_by_role("link", name="Tea Drunk")).to_have_count(0)


def test_an_admin_invites_a_colleague_who_comes_in_and_is_let_in_no_more(visit: Any) -> None:
    admin = visit("ada@shop.example").opens("/users")
    admin.get_by_label("Email address").fill("new@shop.example")
    admin.get_by_role("button", name="Invite").click()
    link = admin.locator("#invitation").inner_text()
    colleague = visit()
    page = colleague.opens("/sign-in/" + link.rpartition("/")[2])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    admin.goto(admin.url)
    admin.get_by_role("row", name=re.compile("new@shop.example")).get_by_role("button", name="Disable").click()
    expect(admin.get_by_role("row", name=re.compile("new@shop.example"))).to_contain_text("disabled")
    page.reload()
    expect(page.get_by_role("heading", name=re.compile("Sign in"))).to_be_visible()


def test_a_switch_turns_a_topic_off_and_the_page_says_who_said_so(visit: Any, shop: Shop) -> None:
    page = visit("ada@shop.example").opens(customer(shop, "bob"))
    switch = page.get_by_role("switch", name=re.compile("tea"))
    assert switch.get_attribute("aria-checked") == "true"
    switch.click()
    expect(page.get_by_role("switch", name=re.compile("tea"))).to_have_attribute("aria-checked", "false")
    expect(page.locator("section", has=page.get_by_role("heading", name="Mail", exact=True))).to_contain_text(
        "told Ada"
    )


def test_an_end_is_asked_once_more_with_what_will_happen(visit: Any, shop: Shop) -> None:
    page = visit("sue@shop.example").opens(customer(shop, "ann"))
    page.get_by_role("link", name="End", exact=True).click()
    expect(page.get_by_role("heading", name="End this run of lifecycle?")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Else this would come next: send thank you")
    page.get_by_role("link", name="Leave it as it is").click()
    expect(page.get_by_role("heading", name="Ann", exact=True)).to_be_visible()


def pages(shop: Shop) -> dict[str, str]:
    return {
        "home": "/", "customers": "/customers", "customer": customer(shop, "ann"), "a strange one": customer(shop, "bob"),
        "a long one": customer(shop, "eve"), "journeys": "/journeys", "a journey": "/journeys/lifecycle", "under way": "/journeys/lifecycle/enrollments", "a report": "/journeys/lifecycle/report",
        "versions": "/journeys/lifecycle/versions", "an archive": "/journeys/lifecycle/archive", "users": "/users", "account": "/account", "nowhere": "/nowhere", "a stage": "/customers?stage=trial", "nobody": "/customers?stage=nowhere",
        "outbox": "/outbox", "audit log": "/audit", "keys": "/keys", "settings": "/settings", "approvals": "/approvals", "books": "/reconciliation",
        "history": f"{customer(shop, 'ann')}/timeline?view=all", "events": "/events", "refused": "/events/refused", "mails": "/messages",
        "an attribute": "/customers?attribute=first_name&value=ann",
    }  # fmt: skip


@pytest.mark.usefixtures("node_modules")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_bars_anybody_from_a_page(visit: Any, shop: Shop, scheme: str) -> None:
    watched, found = visit("ada@shop.example", color_scheme=scheme), dict[str, list[str]]()
    for name, path in {**pages(shop), "sign in": "/sign-in"}.items():
        page = watched.opens(path)
        page.evaluate(AXE.read_text())
        violations = page.evaluate("axe.run({resultTypes: ['violations']}).then((all) => all.violations)")
        serious = [one for one in violations if one["impact"] in ("serious", "critical")]
        found[name] = [f"{one['id']}: {node['html'][:120]}" for one in serious for node in one["nodes"]]
    watched.wrong = [one for one in watched.wrong if "404" not in one]  # the page that is nowhere says so
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_on_a_phone_nothing_is_wider_than_the_screen(visit: Any, shop: Shop) -> None:
    watched = visit("ada@shop.example", viewport={"width": 360, "height": 740})
    wide = {}
    for name, path in pages(shop).items():
        page = watched.opens(path)
        wide[name] = page.evaluate("document.documentElement.scrollWidth")
    watched.wrong = [one for one in watched.wrong if "404" not in one]
    assert {name: width for name, width in wide.items() if width > 360} == {}


NARROW = """[...document.querySelectorAll('td')].filter((cell) => {
  const text = cell.innerText.trim();
  return text.length > 9 && cell.checkVisibility() && cell.clientWidth < 60;
}).map((cell) => cell.innerText.trim().slice(0, 40))"""
"""Cells of tables in which no word has room."""


def test_on_a_phone_no_column_is_squeezed_and_the_navigation_is_one_line(visit: Any, shop: Shop) -> None:
    watched = visit("ada@shop.example", viewport={"width": 360, "height": 740})
    narrow, tall = {}, {}
    for name, path in pages(shop).items():
        page = watched.opens(path)
        narrow[name], tall[name] = page.evaluate(NARROW), page.evaluate("document.querySelector('.top').clientHeight")
    watched.wrong = [one for one in watched.wrong if "404" not in one]
    assert {name: cells for name, cells in narrow.items() if cells} == {}
    assert {name: height for name, height in tall.items() if height > 150} == {}


def test_what_somebody_wrote_from_the_right_turns_nothing_round_beside_it(visit: Any, shop: Shop) -> None:
    shop.happens({"type": "identify", "userId": "rtl", "traits": {"first_name": "\u202eمريم", "last_name": "שלום"}})
    page = visit("sue@shop.example").opens(customer(shop, "rtl"))
    story = page.locator(".timeline .pair").filter(has_text="last name").first
    name, value = (story.locator(one).bounding_box() for one in (".pair-name", "bdi"))
    assert name is not None
    assert value is not None
    assert name["x"] < value["x"], "the name of a part stands before it"


def test_with_script_switched_off_everything_still_reads_and_works(visit: Any, shop: Shop) -> None:
    watched = visit(java_script_enabled=False)
    page = watched.opens("/")
    page.locator("#email").fill("sue@shop.example")
    page.locator("#password").fill(PASSWORD)
    page.locator("button.main").click()
    page.locator("#search").fill("ann@")
    page.locator("#search").press("Enter")
    page.locator("#found a", has_text="ann@example.com").click()
    page.locator("form[action$='/why'] button").click()
    expect(page.locator("main")).to_contain_text("it waits in trial at 'wait 3 days'")


def test_a_page_is_light_on_the_wire_and_times_are_the_readers(visit: Any, shop: Shop) -> None:
    watched = visit("ada@shop.example")
    sizes = dict[str, int]()
    watched.page.on("response", lambda one: sizes.update({one.url: int(one.headers.get("content-length", 0))}))
    page = watched.opens(customer(shop, "ann"))
    page.wait_for_load_state("networkidle")
    assert sum(sizes.values()) < 100 * 1024, sizes
    assert sum(size for url, size in sizes.items() if url.endswith(".js")) < 16 * 1024, sizes
    page = watched.opens(customer(shop, "ann"))
    expect(page.locator("footer")).to_contain_text("Times are shown in Europe/Berlin")
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", page.locator("time").first.get_attribute("title") or "")
