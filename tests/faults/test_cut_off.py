"""A TCP proxy before the provider, and before PostgreSQL: connections are cut, answers come late, in part, or never.

`make test-faults` does it with 300 customers.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests import postgresql
from tests.faults.installation import TEMPLATES, Installation
from tests.faults.table import Measured
from tests.faults.tcp_proxy import TcpProxy
from tests.faults.test_everything_killed import Postgres
from waypost.chaos.smtp_sink import SmtpSink

FULL = "WAYPOST_FAULTS" in os.environ
CUSTOMERS = int(os.environ.get("WAYPOST_FAULTS_CUSTOMERS", 300 if FULL else 20))


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


def hurt(made: Installation, folder: Path, proxy: TcpProxy, measured: Measured, fault: str) -> None:
    """Customers sign up and are mailed through it; then it rests, and everything comes to its end."""
    try:
        proxy.calm = True
        made.start(folder)
        proxy.calm = False
        signing = threading.Thread(target=made.sign_up, args=(range(CUSTOMERS),))
        signing.start()
        made.stack.until(lambda: all(proxy.seen[one] for one in proxy.kinds if one != "through"), 600)
        signing.join(900)
        made.until_settled(60)
        proxy.rest()
        made.until_settled(900)
        books = made.books()
    finally:
        made.stack.stop()
    print(f"{dict(proxy.seen)}; {books}")
    measured.tell(fault, books, CUSTOMERS * len(TEMPLATES))
    assert (books.twice, books.strangers, books.lost, books.standing) == (0, 0, 0, 0)
    assert (books.customers, books.statuses.total()) == (CUSTOMERS, CUSTOMERS * len(TEMPLATES))
    assert set(books.statuses) <= {"accepted", "unknown"}
    assert books.unknown_that_never_began == 0


@pytest.mark.timeout(3_000)
def test_whatever_becomes_of_what_the_provider_says_no_mail_comes_twice(
    tmp_path: Path, sink: SmtpSink, measured: Measured
) -> None:
    kinds = ("through", "cut", "late", "truncated", *(("silent",) if FULL else ()))
    with before(("127.0.0.1", sink.port), kinds=kinds) as proxy:
        made = Installation(tmp_path, sink)
        made.stack.env["WAYPOST_SMTP_URL"] = f"smtp://127.0.0.1:{proxy.port}"
        hurt(made, tmp_path, proxy, measured, "proxy before the provider")


@pytest.mark.timeout(3_000)
@pytest.mark.skipif(not FULL, reason="make test-faults")
def test_a_database_whose_connections_are_cut_loses_nobody(tmp_path: Path, sink: SmtpSink, measured: Measured) -> None:
    with postgresql.server() as running:
        url = Postgres(running).url
        folder = parse_qs(urlsplit(url).query)["host"][0]
        kinds = ("through", "cut", "late", "truncated")
        with before(f"{folder}/.s.PGSQL.5432", kinds=kinds, after=400, late=0.2) as proxy:
            made = Installation(tmp_path, sink, url)
            made.stack.env["WAYPOST_DATABASE_URL"] = (
                f"{urlsplit(url).scheme}://postgres@127.0.0.1:{proxy.port}/waypost?sslmode=disable"
            )
            hurt(made, tmp_path, proxy, measured, "proxy before PostgreSQL")
