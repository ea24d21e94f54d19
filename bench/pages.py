"""What each page for colleagues takes where there are 100,000 customers and 1,000,000 decisions, on both databases.

Each is asked in process: the milliseconds are the server's own. Bytes are those that go over the wire, packed, with the
style and script that a browser loads at its first visit; the editor's stand apart. Whatever page there is and is not
asked for here is told by its path.
"""

import gzip
import logging
import os
import re
import statistics
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import Session, col, select

from api.pages.frame import static_files
from api.pages.frame.problems import PageRoute
from bench import crowd
from bench.cold_databases import Postgresql, Sqlite
from bench.status import counted
from services.access.keys import api_keys
from services.access.signing_in import sessions, users
from store import migrate
from store.tables.enrollments import Enrollment
from tests.shells import Shell
from waypost.processes.api import build
from waypost.settings import Settings
from waypost.wiring import Parts

SIZE = 100_000
"""Customers; each has ten decisions and three mails."""

ASKED = 7
"""Times that each page is asked, behind the first, which compiles its templates."""

MILLISECONDS, PACKED, SCRIPT = 200.0, 100_000, 16_000
"""What a page may take on the server, and what it and its script may have on the wire."""

HERE = "http://127.0.0.1:8000"

EDITOR = "editor.js"

WRITTEN = ("/v1/templates/t0", "/v1/templates/t1")
"""Templates that are kept here and have versions."""


def main() -> None:
    """`python -m bench pages`; `WAYPOST_BENCH_SIZE=10000` makes fewer, `WAYPOST_BENCH_ON=SQLite` asks one database."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    logging.disable(logging.WARNING)
    size, wanted = int(os.environ.get("WAYPOST_BENCH_SIZE", SIZE)), os.environ.get("WAYPOST_BENCH_ON", "")
    for kind in (Sqlite, Postgresql):
        if wanted in ("", kind.name):
            with _installation(kind, size) as desk:
                _table(desk)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """A filled database, and the browser of an admin before it; `run` is an enrollment that really lives."""

    name: str
    parts: Parts
    browser: TestClient
    run: Enrollment


@contextmanager
def _installation(kind: type[Any], size: int) -> Generator[_Desk]:
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as home:
        server = kind(Path(home))
        settings = Settings(_env_file=None, home=Path(home), database_url=server.url)  # type: ignore[call-arg]
        parts = Parts(settings, lambda: crowd.end(size))
        try:
            migrate.upgrade(parts.database.engine)
            begun = time.perf_counter()
            crowd.fill(parts.database, size, one_journey=True)
            print(f"{server.name}: {size:,} customers made in {time.perf_counter() - begun:.0f} s", flush=True)
            app = build(parts)
            run = _write(parts, TestClient(app, base_url=HERE))
            yield _Desk(name=server.name, parts=parts, browser=_browser(app, parts), run=run)
        finally:
            parts.close()
            server.close()


def _browser(app: Any, parts: Parts) -> TestClient:
    """An admin is signed in there."""

    def begin(session: Session) -> str:
        made = [users.invite(session, f"u{one}@shop.example", "", ["admin"], None, parts.clock()) for one in range(60)]
        return sessions.start(session, made[0], "Firefox", parts.clock())[1]

    browser = TestClient(app, client=("127.0.0.1", 50_000), base_url=HERE, follow_redirects=False)
    browser.headers.update({"Accept": "text/html", "Origin": HERE})
    browser.cookies.set("waypost", parts.database.write(begin))
    return browser


def _write(parts: Parts, api: TestClient) -> Enrollment:
    """What a colleague has written beside the crowd: versions, templates, topics; few who stand otherwise; one run."""
    with parts.database.writing() as session:
        api.headers["Authorization"] = f"Bearer {api_keys.create(session, 'bench', ['admin'], parts.clock())[1]}"
    for path, word in ((path, word) for path in WRITTEN for word in ("Hello", "Good day", "Welcome")):
        html = f'{{% extends "_layout.html" %}}{{% block body %}}<p>{word}</p>{{% endblock %}}'
        _done(api.put(path, json={"subject": word, "html": html}))
    for written in (crowd.LIFECYCLE.replace("9 days", "8 days"), crowd.LIFECYCLE.replace("9 days", "7 days")):
        _done(api.put("/v1/journeys/lifecycle", content=written))
        _done(api.post("/v1/journeys/lifecycle/publish"))
    for one in range(30):
        _done(api.put(f"/v1/topics/topic{one}", json={"name": f"Topic {one}"}))
    with parts.database.engine.begin() as connection:
        for change in OTHERWISE:
            connection.execute(text(change))
    crowd.settle(parts.database)
    for message in ({"event": "Signed Up"}, *[{"event": "Page Read"}] * 200):
        _done(api.post("/v1/track", json={"userId": "ada", **message}))
    with parts.database.reading() as session:
        newest = select(Enrollment).order_by(col(Enrollment.entered_at).desc(), col(Enrollment.id).desc())
        run = session.exec(newest.where(col(Enrollment.wakes) == 0)).one()
    Shell(parts.database, run).wake(parts.clock())
    return run


WORD = "INSERT INTO customer_word (word, email, customer_id)"
OTHERWISE = (
    f"{WORD} SELECT 'maria', email, id FROM customer WHERE id LIKE '%7' AND email IS NOT NULL",
    f"{WORD} SELECT 'rossi', email, id FROM customer WHERE id LIKE '%777' AND email IS NOT NULL",
    "UPDATE enrollment SET version = 2 WHERE id LIKE '%044' AND status = 'live'",
    "UPDATE enrollment SET paused_by = 'person' WHERE id LIKE '%0444' AND status = 'live'",
    "UPDATE enrollment SET stuck = 'RuntimeError' WHERE id LIKE '%0844' AND status = 'live'",
    "UPDATE journey SET alarm = 'too many complaints' WHERE key = 'j3'",
)
"""Words of customers; and few of many, whom a filter has to find among all the others."""


def _done(answer: Any) -> None:
    assert answer.is_success, answer.text


# -- which pages -------------------------------------------------------------------------------------------------------


def _paths(run: Enrollment) -> Sequence[str]:
    """Every page with something to show; lists by each filter, where it finds many and where few."""
    crowded, customer, mail = f"/customers/{CUSTOMER}", f"/customers/{run.customer_id}", f"/messages/{MAIL}"
    lifecycle, under_way = "/journeys/lifecycle", "/journeys/lifecycle/enrollments"
    return (
        "/", "/start/mails.svg", "/start/movements.svg", "/account",
        "/customers", "/customers?query=c_1", "/customers?query=zz", "/customers?query=shop.example",
        "/customers?query=maria+rossi", "/customers?stage=s2", "/customers?segment=all",
        "/customers?attribute=nothing", "/customers?attribute=nothing&segment=all", "/customers?attribute=email",
        "/events", "/events?name=Page+Read", "/events?name=nothing", "/events/refused",
        "/customers/suggested?query=c_1a",
        customer, f"{customer}/timeline", f"{customer}/timeline?view=all", f"{customer}/timeline?view=raw",
        f"{customer}/visits.svg?steps=true", f"{customer}/map/{run.id}.svg",
        f"{customer}/why?journey=lifecycle&step=s0m1", crowded, f"{crowded}/timeline", mail, f"{mail}/body",
        f"{mail}/send-now",
        "/messages", "/messages?status=skipped", "/messages?status=parked", "/messages?journey=lifecycle",
        "/messages?template=t0&status=accepted", "/messages?broadcast=b7",
        *(f"/enrollments/{run.id}/{verb}" for verb in ("pause", "resume", "skip", "move", "exit", "send-now")),
        "/journeys", "/journeys?archived=true", lifecycle, under_way,
        *(f"{under_way}?{one}" for one in (
            "stage=s2", "step=s2m1", "version=1", "version=2", "version=9", "since=2026-01-01", "since=2026-01-17",
            "since=2026-06-01", "state=paused", "state=stuck", "version=2&step=s2m1", "stage=s2&since=2026-01-17",
            "version=2&since=2026-01-10", "state=paused&version=2", "step=s2m1&since=2026-01-17",
        )),
        f"{lifecycle}/report", *(f"{lifecycle}/report/{one}.svg" for one in ("series", "movements")),
        f"{lifecycle}/versions", f"{lifecycle}/versions/compare?before=1&after=3",
        f"{lifecycle}/pause", f"{lifecycle}/resume", f"{lifecycle}/archive",
        "/journeys/new", "/journeys/new/lifecycle.svg", f"{lifecycle}/edit", f"{lifecycle}/edit/published/3",
        "/templates", "/templates/t0", "/templates/t0/body", "/templates/t0/compare?before=1&after=3",
        "/templates/t0/edit", "/templates/t0/test", "/templates/t0/remove", "/templates/welcome",
        "/broadcasts", "/broadcasts?status=sent", "/broadcasts/b7", "/broadcasts/b7/edit",
        "/operations", "/operations?status=failed", f"/operations/{OPERATION}", "/operations/import",
        "/reconciliation", "/reconciliation/repair", "/hooks", "/hooks?status=stuck", "/hooks?journey=lifecycle",
        f"/hooks/{HOOK}/retry", "/dispatches", "/dispatches?status=stuck", "/dispatches/1/retry",
        "/segments", "/segments/all", "/segments/new", "/segments/all/edit", "/segments/all/remove",
        "/topics", "/topics/new", "/topics/topic1/edit", "/topics/topic1/pause",
        "/suppressions", "/suppressions?reason=complaint", "/suppressions?begins=gone5",
        "/settings", "/keys", "/audit", "/audit?kind=journey", "/audit?target=lifecycle", "/users", "/outbox",
    )  # fmt: skip


CUSTOMER, OPERATION, HOOK = "cus_0000000003", "op_0000000000", "hok_0000000000"
MAIL = crowd.scattered("msg", 13)
"""Of the crowd: one who ended long ago, work that has failed, a hook that is stuck, and a mail with its body."""


# -- the table ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """One page: its status, milliseconds of each time, statements, and bytes on the wire with what it loads."""

    status: int
    took: Sequence[float]
    statements: int
    own: int
    whole: int

    @property
    def over(self) -> bool:
        return statistics.median(self.took) > MILLISECONDS or self.whole > PACKED or self.status >= 500


def _table(desk: _Desk) -> None:
    found = {path: _measured(desk, path) for path in _paths(desk.run)}
    print(f"\n| {desk.name} | median ms | most ms | statements | bytes | with style and script |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for path, one in found.items():
        mark = " **over**" if one.over else f" ({one.status})" if one.status != 200 else ""
        told = (
            f"{statistics.median(one.took):.1f} | {max(one.took):.1f} | {one.statements} | {one.own:,} | {one.whole:,}"
        )
        print(f"| {path.replace('|', ' ')}{mark} | {told} |")
    script = sum(len(static_files.files()[name].packed) for name in ("htmx.min.js", "app.js"))
    over = [path for path, one in found.items() if one.over]
    print(f"\nover {MILLISECONDS:.0f} ms, {PACKED:,} bytes, or failed: {over or 'none'}")
    print(f"script of a page, packed: {script:,} bytes (wanted {SCRIPT:,})")
    print(f"pages that are not asked for here: {_left_out(desk, list(found)) or 'none'}\n", flush=True)


def _measured(desk: _Desk, path: str) -> _Measured:
    with counted(desk.parts.database) as statements:
        answer = desk.browser.get(path)
    own = len(gzip.compress(answer.content))
    loads = {name for name in re.findall(r'"/static/[0-9a-f]+/([\w.]+)"', answer.text) if name != EDITOR}
    return _Measured(
        status=answer.status_code, took=[_asked(desk, path) for _ in range(ASKED)], statements=statements[0], own=own,
        whole=own + sum(len(static_files.files()[name].packed) for name in loads),
    )  # fmt: skip


def _asked(desk: _Desk, path: str) -> float:
    """Milliseconds until the answer is there."""
    begun = time.perf_counter()
    desk.browser.get(path)
    return (time.perf_counter() - begun) * 1000


def _left_out(desk: _Desk, asked: Sequence[str]) -> Sequence[str]:
    """The paths of pages that none of these leads to."""
    paths = [one.partition("?")[0] for one in asked]
    routes = desk.browser.app.routes
    pages = [one for one in routes if isinstance(one, PageRoute) and "GET" in (one.methods or ())]
    return sorted({one.path for one in pages if not any(map(one.path_regex.fullmatch, paths))})
