"""The pages as their users meet them: a small shop behind the API on a free port, and Debian's chromium before it."""

import asyncio
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlmodel import Session, col, select
from temporalio.testing import ActivityEnvironment

from services.access.signing_in import passwords, users
from services.definitions.journey_versions import drafts, journeys, validation_context
from services.ingestion import ingest
from store.statuses import EnrollmentStatus
from store.tables.enrollments import Enrollment
from tests.conftest import HandClock, settings_for
from tests.shells import Shell
from waypost.processes.api import build
from waypost.wiring import Parts, utc_now

AXE = Path(__file__).parent.parent / "clients/node_modules/axe-core/axe.min.js"
PASSWORD = "correct horse battery"
LONGEST = 60_000  # ms; a machine may be busy
expect.set_options(timeout=LONGEST)
NOT_BEFORE_IT_IS_READY = """
if (self === top && document.documentElement) {
  document.documentElement.style.visibility = "hidden";
  addEventListener("DOMContentLoaded", () => setTimeout(() => { document.documentElement.style.visibility = ""; }));
}"""
"""Nothing is clicked, filled or found to be visible before the page's scripts listen: a busy machine takes its time."""

JOURNEY = """journey: lifecycle
name: Tea
lifecycle: true
enter: [{on: Signed Up}]
defaults: {topic: tea-news}
start: trial
stages:
  trial:
    steps: [{send: welcome}, {wait: 3 days}, {send: thank_you}]
    transitions: [{on: Order Completed, to: buyer}]
  buyer: {steps: [{send: loyalty}, {wait: 30 days}, {send: cross_sell}]}
"""
CUSTOMERS = {
    "ann": {"email": "ann@example.com", "first_name": "Ann", "timezone": "Europe/Berlin"},
    "bob": {"email": "bob@example.com", "first_name": "<img src=x onerror=alert(1)>", "last_name": "مريم 🐝"},
    "eve": {"email": "eve@example.com", "first_name": "E" * 10_000},
}


class Shop:
    """The parts of the shop, and where its pages are."""

    def __init__(self, parts: Parts, clock: HandClock) -> None:
        self.parts, self.clock, self.url = parts, clock, ""
        self.shells = list[Shell]()

    def happens(self, *messages: dict[str, Any]) -> None:
        """Ingest, and do what follows without Temporal."""
        self.parts.database.write(lambda session: ingest.ingest(session, messages, self.clock()))
        with self.parts.database.reading() as session:
            live = select(Enrollment).where(Enrollment.status == EnrollmentStatus.LIVE).order_by(col(Enrollment.id))
            shells = [Shell(self.parts.database, one) for one in session.exec(live) if not one.wakes]
        self.shells += shells
        for one in shells:
            one.wake(self.clock())

    def works_off(self, operation: str) -> None:
        """What somebody asked for is done, and every enrollment looks at it."""
        with ThreadPoolExecutor(1) as apart:  # the browser's own loop runs in this thread
            work = ActivityEnvironment().run(self.parts.operations().operate, operation)
            assert apart.submit(asyncio.run, work).result() == "done"
        for one in self.shells:
            one.wake(self.clock())

    def delivers(self) -> None:
        """What is due is in the outbox."""
        lane = self.parts.lane("journey")
        lane.take()

        async def pump() -> None:
            while await lane.pump():
                await lane.drain()

        with ThreadPoolExecutor(1) as apart:  # the browser's own loop runs in this thread
            apart.submit(asyncio.run, pump()).result()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, sqlite: Path) -> Iterator[Shop]:
    """Three customers of whom one got a mail, an admin and a colleague of support."""
    home, clock = tmp_path_factory.mktemp("shop"), HandClock(utc_now() - timedelta(hours=1))
    shutil.copy(sqlite, home / "waypost.db")
    parts = Parts(settings_for(home), clock)
    made = Shop(parts, clock)
    parts.database.write(lambda session: _begin(session, parts, clock))
    for user, traits in CUSTOMERS.items():
        made.happens({"type": "identify", "userId": user, "traits": traits},
                     {"type": "track", "userId": user, "event": "Signed Up"})  # fmt: skip
    made.delivers()
    server = uvicorn.Server(uvicorn.Config(build(parts), port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    made.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield made
    server.should_exit = True
    thread.join()
    parts.close()


def _begin(session: Session, parts: Parts, clock: HandClock) -> None:
    known = parts.template_files()
    around = validation_context.load(session, "lifecycle", known)
    drafts.put_draft(session, drafts.read_draft("lifecycle", JOURNEY, around), clock())
    journeys.publish(session, "lifecycle", known, clock())
    for email, role in (("ada@shop.example", "admin"), ("sue@shop.example", "support")):
        made = users.invite(session, email, email.partition("@")[0].title(), [role], None, clock())
        made.password = passwords.hashed(PASSWORD)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium")
    assert found, "run `make test`, which installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu"], timeout=2 * LONGEST
        )
        yield browser
        browser.close()


class Watched:
    """A page, and everything that went wrong on it: errors of its console, breaches of its policy, other hosts."""

    def __init__(self, page: Page, shop: Shop, *, at_once: bool = False) -> None:
        self.page, self.shop, self.wrong = page, shop, list[str]()
        if not at_once:
            page.add_init_script(NOT_BEFORE_IT_IS_READY)
        page.set_default_timeout(LONGEST)
        page.on("console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda one: None if one.url.startswith((shop.url, "data:")) else self.wrong.append(one.url))

    def opens(self, path: str) -> Page:
        self.page.goto(self.shop.url + path)
        self.page.locator("body").wait_for()
        return self.page

    def signs_in(self, email: str) -> Page:
        page = self.opens("/")
        page.get_by_label("Email address").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_role("heading", name="Home").wait_for()
        return page


@pytest.fixture(scope="module")
def session_of(chromium: Browser, shop: Shop) -> Any:
    """The cookies of a colleague who is signed in, once for all tests."""
    known: dict[str, Any] = {}

    def signed(email: str) -> Any:
        if email not in known:
            context = chromium.new_context(timezone_id="Europe/Berlin")
            Watched(context.new_page(), shop).signs_in(email)
            known[email] = context.storage_state()
            context.close()
        return known[email]

    return signed


@pytest.fixture
def visit(chromium: Browser, shop: Shop, session_of: Any) -> Iterator[Any]:
    """A browser of a colleague (of nobody); at the end nothing may have gone wrong on its pages.

    `at_once` lets the test act before a page is ready.
    """
    made = list[Watched]()

    def open_one(email: str | None = None, *, at_once: bool = False, **more: Any) -> Watched:
        state = session_of(email) if email else None
        context = chromium.new_context(storage_state=state, timezone_id="Europe/Berlin", **more)
        made.append(Watched(context.new_page(), shop, at_once=at_once))
        return made[-1]

    yield open_one
    for one in made:
        one.page.context.close()
        assert one.wrong == []


@pytest.fixture(scope="session")
def node_modules() -> None:
    """The npm packages of the lock file, which `make test` installs."""
    assert AXE.exists(), "run `make test`, which installs them"
