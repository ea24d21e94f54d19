"""A table as CSV, for a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any


def csv_text(names: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    """A header and its lines (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(lines)
    return text.getvalue()
