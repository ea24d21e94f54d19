"""Every proof here adds a row to a table, which is shown when all are done."""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.databases import Postgres, server_of
from tests.faults.table import Measured, lines, rows_of

FULL = "WAYPOST_FAULTS" in os.environ


@pytest.fixture
def measured(record_property: Any) -> Measured:
    """Its row of the table; its seconds begin here."""
    return Measured(record_property, time.monotonic())


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Postgres | None]:
    """A server of its own of the kind that is asked for, None where the database is in the home."""
    with server_of(request.param) as running:
        yield running


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave those out that take minutes each, but for `make test-faults`."""
    left = [] if FULL else [one for one in items if one.get_closest_marker("at_size")]
    items[:] = [one for one in items if one not in left]
    config.hook.pytest_deselected(items=left)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Show the table, where there is one: also of what failed, before or while it began."""
    told = [one for some in terminalreporter.stats.values() for one in some if isinstance(one, pytest.TestReport)]
    proofs = [one for one in told if "tests/faults" in one.nodeid and (one.when == "call" or one.failed)]
    if rows := rows_of(proofs):
        terminalreporter.section("faults")
        for line in lines(rows):
            terminalreporter.write_line(line)
