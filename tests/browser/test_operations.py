"""A file is imported in a real browser, from its choice to what became of its lines; and no page of operators bars anybody."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import AXE, Shop

PEOPLE = "userId,E-Mail,first_name,tier\nzoe,zoe@example.com,Zoe,7\nyan,yan@example.com,Yan,gold\n,none@example.com,,\n"
PAGES = (
    "/reconciliation", "/segments", "/segments/new", "/topics", "/suppressions", "/settings", "/keys", "/audit",
)  # fmt: skip


def serious(page: Any) -> list[str]:
    """What bars somebody from this page."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run({resultTypes: ['violations']}).then((all) => all.violations)")
    return [f"{page.url} {one['id']}" for one in found if one["impact"] in ("serious", "critical")]


@pytest.mark.usefixtures("node_modules")
def test_a_file_is_shown_imported_and_its_wrong_lines_downloaded(visit: Any, shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE)
    watched = visit("ada@shop.example")
    page = watched.opens("/operations")
    page.get_by_role("link", name="Import a file").first.click()
    page.get_by_label("The file").set_input_files(file)
    page.get_by_role("button", name="Show what becomes of it").click()
    row = page.get_by_role("row", name=re.compile("tier"))
    expect(row).to_contain_text("say beside it which it is")
    row.get_by_role("combobox").select_option(label="as text")
    expect(row).not_to_contain_text("say beside it which it is")
    wrong, wide = serious(page), dict[str, int]()
    page.get_by_role("button", name="Import 2 records").click()
    expect(page.locator("#progress")).to_contain_text("queued")
    shop.works_off(page.url.rpartition("/")[2])
    expect(page.locator("#progress")).to_contain_text("1 went wrong")
    with page.expect_download() as loading:
        page.get_by_role("link", name="Download all of them").click()
    assert loading.value.path().read_text().splitlines()[0] == "line,reason"
    page.set_viewport_size({"width": 360, "height": 740})
    for path in PAGES:
        wrong += serious(watched.opens(path))
        wide[path] = page.evaluate("document.documentElement.scrollWidth")
    assert (wrong, {path: width for path, width in wide.items() if width > 360}) == ([], {})
