"""The table at the end of `make test-faults`: what was done, to how many mails, and what became of them."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.faults.installation import Books

COLUMNS = ("fault", "cases", "lost", "duplicated", "unexpected", "unknown", "recovered", "seconds")

ROW = "row of faults"
"""The name of a test's property that holds a row."""

FAILED = "FAILED: "
"""What stands before the fault of a row whose proof failed; one that failed before it could count has no numbers."""


@dataclass(slots=True)
class Measured:
    """Keeps one row of a test: `keep` gets the name, and the value of the row."""

    keep: Callable[[str, object], None]
    began: float

    def tell(self, fault: str, books: Books, cases: int) -> None:
        """What became of so many mails that were due: at the receiver, and of those that it never got, in the ledger.

        Unknown ones may have arrived or not. The recovered are all others that came to their end in spite of the fault.
        """
        unknown = sum(books.statuses[one] for one in ("unknown", "parked"))
        ended = sum(books.statuses[one] for one in ("accepted", "skipped", "failed")) - books.lost
        self.row(fault, cases, max(0, cases - ended - unknown), books.twice, books.strangers, unknown, ended)

    def row(
        self, fault: str, cases: int, lost: int, duplicated: int, unexpected: int, unknown: int, recovered: int
    ) -> None:
        """The same, by whoever counts otherwise."""
        seconds = round(time.monotonic() - self.began)
        self.keep(ROW, (fault, cases, lost, duplicated, unexpected, unknown, recovered, seconds))


def rows_of(reports: Iterable[Any]) -> list[tuple[object, ...]]:
    """The rows of these proofs, by pytest's reports of them; what failed has one, whatever it had come to."""
    found = list[tuple[object, ...]]()
    for one in reports:
        rows = [tuple(value) for name, value in one.user_properties if name == ROW]
        if one.failed and not rows:
            rows = [(one.nodeid.rpartition("::")[2], *("?" for _ in COLUMNS[1:-1]), round(one.duration))]
        found += [(f"{FAILED if one.failed else ''}{fault}", *numbers) for fault, *numbers in rows]
    return found


def lines(rows: Iterable[tuple[object, ...]]) -> list[str]:
    """The table as text: names to the left, numbers to the right, what failed at the end."""
    told = [COLUMNS, *sorted((tuple(str(one) for one in row) for row in rows), key=_failed_last)]
    widths = [max(len(row[at]) for row in told) for at in range(len(COLUMNS))]
    return [
        "  ".join(
            one.rjust(width) if at else one.ljust(width)
            for at, (one, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in told
    ]


def _failed_last(row: tuple[str, ...]) -> tuple[bool, tuple[str, ...]]:
    return row[0].startswith(FAILED), row
