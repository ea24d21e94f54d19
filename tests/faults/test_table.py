"""The table at the end of `make test-faults` tells of every proof, also of one that failed before it could count."""

from types import SimpleNamespace
from typing import Any

from tests.faults.table import COLUMNS, ROW, lines, rows_of


def report(name: str, *rows: tuple[object, ...], failed: bool = False) -> Any:
    told = [("worker", "gw0"), *((ROW, row) for row in rows)]
    return SimpleNamespace(nodeid=f"tests/faults/test_x.py::{name}", failed=failed, duration=61.4, user_properties=told)


def test_each_proof_has_its_row_and_what_failed_stands_at_the_end_whatever_it_had_come_to() -> None:
    counted = ("a worker killed", 30, 1, 0, 0, 2, 27, 12)
    reports = [
        report("test_killed", counted, failed=True),
        report("test_that_never_began", failed=True),
        report("test_of_no_mail"),
        report("test_well", ("a full disk", 60, 0, 0, 0, 1, 59, 40)),
    ]
    told = [tuple(" ".join(line.split("  ")).split()) for line in lines(rows_of(reports))]
    assert told == [
        COLUMNS,
        ("a", "full", "disk", "60", "0", "0", "0", "1", "59", "40"),
        ("FAILED:", "a", "worker", "killed", "30", "1", "0", "0", "2", "27", "12"),
        ("FAILED:", "test_that_never_began", *("?" for _ in COLUMNS[1:-1]), "61"),
    ]
