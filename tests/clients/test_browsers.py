"""The libraries that stand in pages already, unchanged but for their host, in a real browser on a page of another origin."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from sqlmodel import col, select

from services.access.keys import api_keys
from store.tables.access import Rejection
from store.tables.customers import Customer, Event
from tests.clients.conftest import HERE, Flaky
from waypost.wiring import Parts

SEGMENT = HERE / "node_modules/@segment/analytics-next/dist/umd/index.js"
RUDDER = HERE / "node_modules/@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js"
LIBRARY = {"segment": SEGMENT, "segment, in batches": SEGMENT, "rudder": RUDDER, "rudder, by sendBeacon": RUDDER}
PATHS = {
    "segment": {"/v1/p", "/v1/t"},
    "segment, in batches": {"/v1/b"},
    "rudder": {"/v1/page", "/v1/track"},
    "rudder, by sendBeacon": {"/beacon/v1/batch"},
    "no library": {"/v1/page", "/v1/track"},
}
PATIENCE = 90.0
"""Seconds for a browser to start and say what it has to, on a machine that does other things too."""


class Pages(SimpleHTTPRequestHandler):
    """A shop of one page, with one library."""

    def __init__(self, *args: Any, library: Path | None, **more: Any) -> None:
        self.script = library
        super().__init__(*args, **more)

    def translate_path(self, path: str) -> str:
        wanted = urlsplit(path).path
        return str(self.script if wanted == "/sdk.js" else HERE / "page.html")

    def log_message(self, format: str, *args: Any) -> None:
        return None


@contextmanager
def shop(by: str) -> Generator[str]:
    """The shop on a free port; its origin."""
    library = LIBRARY.get(by, Path(os.devnull))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, library=library)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def browser(address: str, home: Path) -> Generator[None]:
    """Chromium, without a window, on this page; it reaches nothing but this machine."""
    found = shutil.which("chromium")
    assert found, "run `make test`, which installs it"
    nowhere = "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", f"--host-resolver-rules={nowhere}",
             f"--user-data-dir={home}", "--remote-debugging-port=0"]  # fmt: skip
    with (home.parent / "chromium.log").open("wb") as log:
        process = subprocess.Popen([found, *flags, address], stdout=log, stderr=log, start_new_session=True)
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def until(true: Callable[[], bool]) -> bool:
    """Wait until it is true; whether it was, within PATIENCE."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.1)
    return true()


def rows(parts: Parts, table: Any) -> list[Any]:
    with parts.database.reading() as session:
        return list(session.exec(select(table).order_by(col(table.id))).all())


def key_for(parts: Parts, scope: str, origin: str) -> str:
    with parts.database.writing() as session:
        return api_keys.create(session, "page", [scope], parts.clock(), origins=[origin])[1]


@pytest.mark.parametrize("by", PATHS)
@pytest.mark.usefixtures("node_modules")
def test_what_a_page_says_is_stored_once(live: Parts, flaky: Flaky, host: str, by: str, tmp_path: Path) -> None:
    with shop(by) as origin:
        asked = {"by": by, "host": host, "key": key_for(live, "browser", origin)}
        with browser(f"{origin}/?{urlencode(asked)}", tmp_path / "chromium"):
            assert until(lambda: len(rows(live, Event)) >= 2), (tmp_path / "chromium.log").read_text()[-2_000:]
    told = {one.name: one for one in rows(live, Event)}
    (visitor,) = rows(live, Customer)
    assert sorted(told) == ["Page Viewed", "Product Viewed"]
    assert (told["Page Viewed"].properties["name"], told["Product Viewed"].properties["sku"]) == ("Home", "a")
    assert (visitor.external_id, visitor.anonymous_id is not None) == (None, True)
    assert (rows(live, Rejection), flaky.posted) == ([], PATHS[by])


@pytest.mark.parametrize("by", ["segment", "rudder"])
@pytest.mark.usefixtures("node_modules")
def test_a_page_whose_key_may_says_who_somebody_is(live: Parts, host: str, by: str, tmp_path: Path) -> None:
    with shop(by) as origin:
        asked = {"by": by, "host": host, "key": key_for(live, "ingest", origin), "user": "ann"}
        with browser(f"{origin}/?{urlencode(asked)}", tmp_path / "chromium"):
            assert until(lambda: len(rows(live, Event)) >= 3), (tmp_path / "chromium.log").read_text()[-2_000:]
    (ann,) = rows(live, Customer)
    assert (ann.external_id, ann.email, ann.attributes["first_name"]) == ("ann", "ann@example.com", "Ann")
    assert sorted(one.name for one in rows(live, Event)) == ["Identify", "Page Viewed", "Product Viewed"]
