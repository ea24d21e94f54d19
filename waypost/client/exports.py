"""Calls that read everything for a warehouse, from where the last run has ended."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from waypost.client.connection import Connection
from waypost.errors import Unreachable

ExportedLine = Mapping[str, Any]
"""The columns of a row by their names, with the `cursor` behind it."""

READERS: Mapping[str, Callable[[Iterable[str]], Iterable[ExportedLine]]] = {
    "ndjson": lambda lines: map(json.loads, lines),
    "csv": csv.DictReader,
}
"""How the lines of each form are read."""


class ExportCalls(Connection):
    """Events, mails and decisions."""

    def exported(
        self, kind: str, *, after: str | None = None, since: str | None = None, form: str = "ndjson"
    ) -> Iterator[ExportedLine]:
        """`events`, `messages` or `decisions`, one by one, behind the line with the cursor `after`.

        `since` is an instant of ISO 8601: what came, or changed, then or later. As `csv` each value is text, as a
        spreadsheet is shown it. A connection that is lost is opened again behind the last line.
        """
        while True:
            begun = False
            try:
                asked = {"after": after, "since": since, "format": form}
                for line in READERS[form](self._transport.lines("/v1/export/{}", kind, params=asked)):
                    begun, after = True, line["cursor"]
                    yield line
                return
            except Unreachable:
                if not begun:
                    raise
