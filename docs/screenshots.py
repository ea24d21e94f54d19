"""The pictures of the pages in README and docs: `make screenshots` takes them of the CDNOW customers, in its own stack.

Each is of one page in one theme and of one width. They are taken anew when the pages look otherwise, and looked at
before they are committed; no test compares them.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, sync_playwright
from sqlmodel import Session, col, select

from examples.cdnow import demo
from services.access.signing_in import sessions, users
from store.statuses import MessageStatus
from store.tables.messages import Message
from waypost.client import Waypost
from waypost.client.installation import client as connect
from waypost.settings import Settings
from waypost.stack.free_port import free_port
from waypost.wiring import Parts

FOLDER = Path(__file__).parent / "pictures" / "pages"

LARGEST = 150_000
"""Bytes of a picture: a page of the documentation loads in a second where the line is slow."""

ORDERS = 60
"""Customers who order while the stack runs, so that mails go to somebody."""

PATIENCE = 90.0
"""Seconds until their mails have gone."""

SETTLED = 1_500
"""Milliseconds until a page has loaded its pictures and its editor."""

WIDE, PHONE = (1280, 830), (390, 844)
"""Pixels of a window on a small laptop, and of a phone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screenshot:
    """One picture by the name of its file; `{customer}` in the path is somebody who got a mail."""

    name: str
    path: str
    theme: Literal["light", "dark"] = "light"
    phone: bool = False


SCREENSHOTS: Sequence[Screenshot] = (
    Screenshot(name="home", path="/"),
    Screenshot(name="home-phone", path="/", theme="dark", phone=True),
    Screenshot(name="customer", path="/customers/{customer}"),
    Screenshot(name="customer-phone", path="/customers/{customer}", phone=True),
    Screenshot(name="journey", path="/journeys/lifecycle", theme="dark"),
    Screenshot(name="writing", path="/journeys/lifecycle/edit"),
    Screenshot(name="history", path="/customers/{customer}/timeline?view=all"),
    Screenshot(name="template", path="/templates/thank_you?look=dark", theme="dark"),
)


def main() -> None:
    """Take all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="waypost-screenshots-") as home:
        settings = _settings(Path(home))
        with demo.running_stack(settings):
            demo.main()
            customer = _happens(settings)
            with _signed_in(settings) as cookie, _chromium() as browser:
                for one in SCREENSHOTS:
                    _take(browser, settings, cookie, one, customer)


def _settings(home: Path) -> Settings:
    """A home and ports of its own, for this process and those that it starts."""
    names = ("WAYPOST_PORT", "WAYPOST_TEMPORAL_PORT", "WAYPOST_TEMPORAL_UI_PORT")
    os.environ.update({name: str(free_port()) for name in names})
    os.environ.update(WAYPOST_HOME=str(home), WAYPOST_BRAND="CDNOW")
    return Settings()


def _happens(settings: Settings) -> str:
    """Some order once more; the id of a customer whose mail has gone."""
    client, wanted = connect(settings), sorted({customer for customer, *_ in demo.orders()})[:ORDERS]
    for customer in wanted:
        properties = {"quantity": 2, "total": 29.98, "currency": "USD"}
        client.call("POST", "/v1/track", json={
            "userId": customer, "event": "Order Completed", "properties": properties,
        })  # fmt: skip
    _until_sent(client)
    parts = Parts(settings)
    try:
        with parts.database.reading() as session:
            accepted = select(Message.customer_id).where(Message.status == MessageStatus.ACCEPTED)
            return session.exec(accepted.order_by(col(Message.planned_at).desc()).limit(1)).one()
    finally:
        parts.close()


def _until_sent(client: Waypost) -> None:
    deadline, going = time.monotonic() + PATIENCE, {"planned", "sending"}
    while time.monotonic() < deadline:
        newest = client.call("GET", "/v1/messages", params={"limit": 100, "sort": "-planned"})["items"]
        if len(newest) > ORDERS // 4 and not any(one["status"] in going for one in newest):
            return
        time.sleep(0.5)
    raise SystemExit(f"the mails had not gone within {PATIENCE:.0f} s")


@contextmanager
def _signed_in(settings: Settings) -> Generator[str]:
    """The cookie of an admin."""
    parts = Parts(settings)

    def begin(session: Session) -> str:
        ada = users.invite(session, "ada@shop.example", "Ada Berg", ["admin"], None, parts.clock())
        return sessions.start(session, ada, "Firefox", parts.clock())[1]

    try:
        yield parts.database.write(begin)
    finally:
        parts.close()


@contextmanager
def _chromium() -> Generator[Browser]:
    found = shutil.which("chromium")
    assert found, "scripts/provide chromium installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def _take(browser: Browser, settings: Settings, cookie: str, wanted: Screenshot, customer: str) -> None:
    """Take one; raise SystemExit where it is larger than a page of the documentation may load."""
    here = f"http://127.0.0.1:{settings.port}"
    width, height = PHONE if wanted.phone else WIDE
    context: Any = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=wanted.theme, timezone_id="Europe/Berlin",
        device_scale_factor=1.5 if wanted.phone else 1,
    )  # fmt: skip
    context.add_cookies([{"name": "waypost", "value": cookie, "url": here}])
    page = context.new_page()
    page.goto(here + wanted.path.format(customer=customer))
    page.wait_for_timeout(SETTLED)
    file = FOLDER / f"{wanted.name}.png"
    page.screenshot(path=file)
    context.close()
    size = file.stat().st_size
    print(f"{file.relative_to(FOLDER.parent.parent.parent)}  {size:,} bytes")
    if size > LARGEST:
        raise SystemExit(f"{file.name} is larger than {LARGEST:,} bytes: show less of the page")


if __name__ == "__main__":
    main()
