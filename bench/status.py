"""What the API answers where there are 1,000,000 enrollments, 10,000,000 decisions, 3,000,000 mails, on both databases.

A tenth of the customers has converted in a split.

The status of one customer and the data of the lifecycle page must not grow with the crowd; every list (its first page
and one in its middle), every report and what the lanes and the upkeep ask must be answered within `WANTED`
milliseconds, cold and warm. Cold means that nothing of the database is in memory: PostgreSQL starts anew, SQLite opens
its file, and the kernel lets go of it.
"""

import logging
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlmodel import Session

from bench import conversions, crowd
from bench.cold_databases import Postgresql, Server, Sqlite
from services.access.keys import api_keys
from services.messages.sending import claiming
from services.reports.health import backlog
from services.upkeep import retention
from store import keyset, migrate
from store.queries.sending import lanes
from store.session import Database
from waypost.processes.api import build
from waypost.settings import Settings
from waypost.wiring import Parts

SMALL, LARGE = 10_000, 1_000_000
ASKED = 300
WARM = 5
"""Times that each question is asked warm; the best counts, since others may use the machine."""

COLD = 2
"""Times that each is asked cold; the better one counts."""

MUCH_TOO_LATE = 3_000.0
"""Milliseconds after which nobody asks again."""

WANTED = 50.0
"""Milliseconds, for whatever somebody waits for."""

GIVEN_UP = 503

PAGES = 50
"""Times that the lifecycle page is asked for."""

FENCE = "bench"

MONTH = {"by": "day", "from": "2026-03-01", "to": "2026-03-31"}
"""In the middle of the decisions of a crowd of any size."""


def main() -> None:
    """`python -m bench status`; with `WAYPOST_BENCH_SIZE=100000` it takes a tenth of the time and the disk."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    large = int(os.environ.get("WAYPOST_BENCH_SIZE", LARGE))
    for kind in (Sqlite, Postgresql):
        with _installation(kind, SMALL) as small:
            before, page_before = _status(small), _page(small)
        with _installation(kind, large) as whole:
            after, page_after = _status(whole), _page(whole)
            for what, ratio in (("status", after / before), ("lifecycle page", page_after / page_before)):
                print(f"{kind.name}: {what} from {SMALL:,} to {large:,} enrollments: x {ratio:.2f} (wanted 1.30)")
            _table(whole, large)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Installation:
    """A filled database, and a client of its API."""

    server: Server
    parts: Parts
    client: TestClient
    size: int

    def get(self, path: str, params: Mapping[str, Any]) -> float:
        """Milliseconds until the answer is there, or until the API has given up."""
        begun = time.perf_counter()
        answer = self.client.get(path, params=params)
        took = (time.perf_counter() - begun) * 1000
        assert answer.status_code in (200, GIVEN_UP), (path, answer.text)
        return took


@contextmanager
def _installation(kind: type[Any], size: int) -> Iterator[_Installation]:
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as home:
        server: Server = kind(Path(home))
        parts = Parts(Settings(_env_file=None, home=Path(home), database_url=server.url))  # type: ignore[call-arg]
        try:
            migrate.upgrade(parts.database.engine)
            begun = time.perf_counter()
            crowd.fill(parts.database, size)
            conversions.fill(parts.database, size)
            print(f"{server.name}: {size:,} enrollments made in {time.perf_counter() - begun:.0f} s", flush=True)
            with parts.database.writing() as session:
                key = api_keys.create(session, "bench", ["admin"], parts.clock())[1]
                lanes.take_ownership(session, lanes.JOURNEY, FENCE, parts.clock())
            client = TestClient(build(parts), headers={"Authorization": f"Bearer {key}"})
            yield _Installation(server=server, parts=parts, client=client, size=size)
        finally:
            parts.close()
            server.close()


def _status(here: _Installation) -> float:
    """Milliseconds for the status and the timeline of one customer, the median of many."""
    names = [f"u{one}" for one in random.Random(7).sample(range(here.size), ASKED)]
    took = [here.get(f"/v1/customers/{one}", {}) + here.get(f"/v1/customers/{one}/timeline", {}) for one in names]
    print(f"{here.size:>9,} enrollments: status and timeline in {statistics.median(took):.1f} ms (median of {ASKED})")
    return statistics.median(took)


def _page(here: _Installation) -> float:
    """Milliseconds for what the lifecycle page shows of a month, nothing of it cached: the best of some.

    The small and the large database are asked minutes apart, and others may use the machine meanwhile.
    """
    begun = time.process_time()
    took = [here.get("/v1/reports/lifecycle", MONTH) for _ in range(PAGES)]
    cpu = (time.process_time() - begun) / PAGES * 1000
    told = f"{statistics.median(took):.1f} ms (best {min(took):.1f}; {cpu:.1f} ms of our CPU)"
    print(f"{here.size:>9,} enrollments: lifecycle of a month by day in {told}", flush=True)
    return min(took)


# -- what is asked -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _List:
    """A list of the API: what filters it is asked with, and where its middle is (the columns of its order)."""

    path: str
    filters: tuple[Mapping[str, str], ...] = ({},)
    middle: Mapping[str, Any] = field(default_factory=dict[str, Any])
    sort: str | None = None

    def cursor(self) -> str:
        descending = (self.sort or "").startswith("-")
        return keyset.write(list(self.middle.values()), list(self.middle), descending)


def _lists(size: int) -> tuple[_List, ...]:
    half = size // 2
    planned = {"planned_at": crowd.BEGIN + timedelta(seconds=crowd.APART * 3 * half), "id": "msg_8"}
    mails = ({}, *({one: value} for one, value in MAIL_FILTERS.items()), *MAIL_PAIRS)
    runs = ({}, {"journey": "lifecycle"}, {"status": "live"}, {"stage": "s2"}, {"step": "s2m1"}, *RUN_PAIRS)
    return (
        _List(path="/v1/messages", filters=mails, middle=planned, sort="-planned"),
        _List(path="/v1/messages", middle=planned, sort="planned"),
        _List(path="/v1/enrollments", filters=runs, middle={"id": f"enr_{half:010d}"}, sort="entered"),
        _List(path="/v1/enrollments", filters=runs[:2], middle={"id": f"enr_{half:010d}"}, sort="-entered"),
        _List(
            path="/v1/customers",
            filters=({}, {"stage": "s2"}, {"segment": "all"}, *({"query": one} for one in BEGINNINGS)),
            middle={"id": f"cus_{half:010d}"},
            sort="created",
        ),
        _List(
            path="/v1/customers",
            filters=({}, {"stage": "s2"}, {"segment": "all"}, *({"query": one} for one in BEGINNINGS)),
            middle={"email": "c_8", "id": ""},
            sort="email",
        ),
        _List(path="/v1/suppressions", filters=({}, {"reason": "complaint"}), middle={"email": "gone5"}),
        _List(
            path="/v1/audit",
            filters=({}, {"kind": "journey"}, {"target": "lifecycle"}, {"actor": "key_3"}),
            middle={"id": f"aud_{half // 5:010d}"},
            sort="-at",
        ),
        _List(
            path="/v1/hooks",
            filters=({}, {"journey": "lifecycle"}, {"status": "stuck"}, {"status": "delivered"}, {"customer": "u4"}),
            middle={"id": f"hok_{half // 5:010d}"},
            sort="id",
        ),
        _List(
            path="/v1/dispatches",
            filters=({}, {"status": "stuck"}, {"status": "ready"}),
            middle={"id": half // 50},
            sort="id",
        ),
        _List(
            path="/v1/operations",
            filters=({}, {"kind": "simulate"}, {"status": "failed"}),
            middle={"id": f"op_{half // 20:010d}"},
            sort="-created",
        ),
        _List(path="/v1/broadcasts", filters=({}, {"status": "sent"}), middle={"key": "b5"}),
        _List(
            path="/v1/rejections",
            filters=({}, {"type": "identify"}),
            middle={"id": f"rej_{half // 5:010d}"},
            sort="received",
        ),
        _List(path="/v1/segments/all/members", middle={"customer_id": f"cus_{half:010d}"}),
        _List(path="/v1/journeys"),
    )


BEGINNINGS = ("c_1", "c_1a2", "zz", "u77777")
"""Of 62,500 addresses, of 244, of none, and of an id and ten others."""

MAIL_FILTERS = {
    "customer": "u77", "journey": "lifecycle", "broadcast": "b7", "step": "s0m1", "status": "failed", "template": "t7",
}  # fmt: skip
MAIL_PAIRS = (
    {"status": "planned"}, {"status": "unknown"}, {"journey": "lifecycle", "status": "accepted"},
    {"journey": "j3", "status": "failed"}, {"journey": "j3", "template": "t7"}, {"step": "s0m1", "status": "failed"},
    {"template": "t7", "status": "skipped"}, {"broadcast": "b7", "status": "failed"},
    {"broadcast": "b7", "template": "t7"},
)  # fmt: skip
RUN_PAIRS = (
    {"journey": "j3", "status": "ended"}, {"journey": "lifecycle", "stage": "s2", "status": "live"},
    {"stage": "s2", "status": "ended"}, {"customer": "u77"},
)  # fmt: skip

REPORTS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("/v1/reports/messages", {}),
    ("/v1/reports/messages", {"journey": "lifecycle"}),
    ("/v1/reports/messages", {"since": (crowd.BEGIN + timedelta(days=60)).isoformat()}),
    ("/v1/journeys/lifecycle/report", {}),
    ("/v1/journeys/lifecycle/map", {"counts": True}),
    (f"/v1/journeys/{conversions.JOURNEY}/report", {}),
    ("/v1/reports/lifecycle", {}),
    ("/v1/reports/lifecycle", MONTH),
    ("/v1/reports/lifecycle", {**MONTH, "by": "month", "from": "2026-01-01", "to": "2026-06-30"}),
    ("/v1/reports/silences", {}),
    ("/v1/reports/reconciliation", {}),
    (f"/v1/customers/{crowd.scattered('c', 77)}@shop.example", {}),
    ("/v1/customers/u77", {}),
    ("/v1/customers/u77/timeline", {}),
    ("/v1/customers/u77/messages", {}),
    ("/v1/channels", {}),
    ("/v1/broadcasts/b7", {}),
    ("/metrics", {}),
)


def _claim(session: Session, size: int) -> None:
    now = crowd.end(size) + timedelta(hours=1)
    claimed = claiming.claim(session, lanes.JOURNEY, FENCE, 10, now)
    assert len(claimed) == 10, claimed


def _retention(session: Session, size: int) -> None:
    assert retention.prune(session, crowd.end(size) + timedelta(days=400)) > 0


def _depths(session: Session, size: int) -> None:
    backlog.measure(session, crowd.end(size))


WRITTEN: Mapping[str, Callable[[Session, int], None]] = {
    "ten due mails claimed": _claim,
    "a round of retention": _retention,
    "the backlog": _depths,
}


# -- the table ---------------------------------------------------------------------------------------------------------


def _table(here: _Installation, size: int) -> None:
    """Each question warm, then each cold; those that take too long are marked."""
    asked = dict(_questions(here, size))
    warm = {name: _warm(ask) for name, ask in asked.items()}
    print(f"\n| {here.server.name}, milliseconds | warm | cold | statements |\n| --- | ---: | ---: | ---: |")
    for name, ask in asked.items():
        colds = list[float]()
        for _ in range(COLD):
            here.server.cool(here.parts.database)
            here.get("/v1/keys", {})  # a connection is there; what is asked for is not
            with counted(here.parts.database) as statements:
                colds.append(ask())
        cold = min(colds)
        mark = " **late**" if max(warm[name], cold) > WANTED else ""
        print(f"| {name}{mark} | {warm[name]:.1f} | {cold:.1f} | {statements[0]} |", flush=True)
    late = [name for name in asked if warm[name] > WANTED]
    print(f"\nlater than {WANTED:.0f} ms when warm: {late or 'none'}\n")


def _warm(ask: Callable[[], float]) -> float:
    first = ask()
    return first if first > MUCH_TOO_LATE else min(ask() for _ in range(WARM))


def _questions(here: _Installation, size: int) -> Iterator[tuple[str, Callable[[], float]]]:
    for one in _lists(size):
        for filters in one.filters:
            params = {**filters} if one.sort is None else {**filters, "sort": one.sort}
            yield _named(here, one.path, params)
            if one.middle:
                yield _named(here, one.path, {**params, "cursor": one.cursor()}, "in the middle")
    for path, params in REPORTS:
        yield _named(here, path, params)
    for name, work in WRITTEN.items():
        yield name, lambda work=work: _written(here.parts.database, work, size)


def _named(
    here: _Installation, path: str, params: Mapping[str, Any], place: str = ""
) -> tuple[str, Callable[[], float]]:
    shown = "&".join(f"{name}={value}" for name, value in params.items() if name != "cursor")
    return f"{path}{'?' * bool(shown)}{shown} {place}".rstrip(), lambda: here.get(path, params)


def _written(database: Database, work: Callable[[Session, int], None], size: int) -> float:
    """Milliseconds of a transaction, its commit among them."""
    begun = time.perf_counter()
    database.write(lambda session: work(session, size))
    return (time.perf_counter() - begun) * 1000


@contextmanager
def counted(database: Database) -> Iterator[list[int]]:
    """How many statements are asked meanwhile."""
    count = [0]

    def note(*_: Any) -> None:
        count[0] += 1

    for engine in database.engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield count
    finally:
        for engine in database.engines:
            event.remove(engine, "before_cursor_execute", note)
