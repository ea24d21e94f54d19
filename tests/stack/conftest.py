"""An installation of docker-compose.yml's services, and what its mails and traces go to."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from aiosmtpd.controller import Controller

from tests import postgresql
from tests.stack.receivers import Collector, Inbox
from tests.stack.services import Services
from waypost.stack.free_port import free_port


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    handler, port = Inbox(), free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture
def installation(tmp_path: Path, inbox: tuple[Inbox, int], collector: Collector) -> Iterator[Services]:
    folder = tmp_path / "data"
    folder.mkdir()
    with postgresql.server() as running:
        with psycopg.connect(running.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE waypost")
        made = Services(folder, running.get_uri("waypost", driver="psycopg"), inbox[1])
        made.here["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://{collector.address}"
        try:
            yield made
        finally:
            for name in list(made.processes):
                made.processes[name].kill()
                made.processes.pop(name).wait()
