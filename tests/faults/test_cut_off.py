"""A TCP proxy before the provider, PostgreSQL and Temporal: connections are cut, answers come late, in part, or never.

`make test-faults` does it with 300 customers.
"""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests import postgresql
from tests.faults.databases import Postgres
from tests.faults.installation import TEMPLATES, Installation
from tests.faults.table import Measured
from tests.faults.tcp_proxy import TcpProxy
from waypost.chaos.smtp_sink import SmtpSink
from waypost.settings import Settings
from waypost.stack import temporal_server
from waypost.stack.free_port import free_port

FULL = "WAYPOST_FAULTS" in os.environ
CUSTOMERS = int(os.environ.get("WAYPOST_FAULTS_CUSTOMERS", 300 if FULL else 20))
LATE = 1.5 if FULL else 0.8
"""Seconds for which each piece waits of a connection that is late."""

HURT = 0.5
"""The share of a provider's connections to which something must have been done: those that are spared prove nothing."""


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    made = SmtpSink()
    made.start()
    yield made
    made.stop()


@contextmanager
def before(target: tuple[str, int] | str, **how: int | float | tuple[str, ...]) -> Iterator[TcpProxy]:
    proxy = TcpProxy(target, **how)  # type: ignore[arg-type]
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


def hurt(
    made: Installation, folder: Path, proxy: TcpProxy, measured: Measured, fault: str, hurt_share: float = 0.0
) -> None:
    """Customers sign up and are mailed through it; then it rests, and everything comes to its end."""
    try:
        proxy.calm = True
        made.start()
        proxy.calm = False
        signing = threading.Thread(target=made.sign_up, args=(range(CUSTOMERS),))
        signing.start()
        made.stack.until(lambda: all(proxy.seen[one] for one in proxy.kinds), 600)
        signing.join(900)
        made.until_settled(60)
        proxy.rest()
        made.until_settled(900)
        books = made.books()
    finally:
        made.stack.stop()
    print(f"{dict(proxy.seen)}; {books}")
    told = f"{fault}: {proxy.hurt} of {proxy.carried} connections hurt"
    measured.tell(told, books, CUSTOMERS * len(TEMPLATES))
    assert proxy.hurt >= hurt_share * proxy.carried, told
    assert (books.twice, books.strangers, books.lost, books.standing) == (0, 0, 0, 0)
    assert (books.customers, books.statuses.total()) == (CUSTOMERS, CUSTOMERS * len(TEMPLATES))
    assert set(books.statuses) <= {"accepted", "unknown"}
    assert books.unknown_that_never_began == 0


@pytest.mark.timeout(3_000)
def test_whatever_becomes_of_what_the_provider_says_no_mail_comes_twice(
    tmp_path: Path, sink: SmtpSink, measured: Measured
) -> None:
    """Something is done to about every third mail, and a connection that is late is cut in the end."""
    kinds = ("cut", "late", "truncated", *(("silent",) if FULL else ()))
    with before(("127.0.0.1", sink.port), kinds=kinds, share=0.35, late=LATE, lasts=6) as proxy:
        made = Installation(tmp_path, sink)
        made.stack.env["WAYPOST_SMTP_URL"] = f"smtp://127.0.0.1:{proxy.port}"
        hurt(made, tmp_path, proxy, measured, "proxy before the provider", HURT)


@pytest.mark.timeout(3_000)
@pytest.mark.at_size
def test_a_database_whose_connections_are_cut_loses_nobody(tmp_path: Path, sink: SmtpSink, measured: Measured) -> None:
    with postgresql.server() as running:
        server = Postgres(running)
        url = urlsplit(server.url)
        folder = parse_qs(url.query)["host"][0]
        kinds = ("cut", "late", "truncated")
        with before(f"{folder}/.s.PGSQL.5432", kinds=kinds, after=400, late=0.2, share=0.75) as proxy:
            made = Installation(tmp_path, sink, server)
            made.stack.env["WAYPOST_DATABASE_URL"] = (
                f"{url.scheme}://postgres@127.0.0.1:{proxy.port}/waypost?sslmode=disable"
            )
            hurt(made, tmp_path, proxy, measured, "proxy before PostgreSQL")


@contextmanager
def temporal(folder: Path) -> Iterator[int]:
    """A Temporal of its own, as `waypost up` runs it; its port."""
    folder.mkdir()
    ports = {"temporal_port": free_port(), "temporal_ui_port": free_port()}
    settings = Settings(_env_file=None, home=folder, **ports)  # type: ignore[call-arg,arg-type]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(temporal_server.command(settings), stdout=log, stderr=log)
    try:
        limit = time.monotonic() + 120
        while not listens(settings.temporal_port):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < limit, "Temporal never listened"
            time.sleep(0.1)
        yield settings.temporal_port
    finally:
        process.terminate()
        process.wait(60)


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.mark.timeout(3_000)
@pytest.mark.at_size
def test_a_temporal_whose_connections_are_cut_loses_nobody(tmp_path: Path, sink: SmtpSink, measured: Measured) -> None:
    """API and worker have a connection each, so none goes through for ever, and each that is late is cut in the end."""
    kinds = ("cut", "late", "truncated", "silent")
    with (
        temporal(tmp_path / "temporal") as port,
        before(("127.0.0.1", port), kinds=kinds, after=80, late=0.3, lasts=60) as proxy,
    ):
        made = Installation(tmp_path, sink)
        made.stack.env["WAYPOST_TEMPORAL_ADDRESS"] = f"127.0.0.1:{proxy.port}"
        hurt(made, tmp_path, proxy, measured, "proxy before Temporal")
