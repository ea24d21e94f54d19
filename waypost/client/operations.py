"""Calls about long work: imports, and operations with their progress."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from waypost.client import models as m
from waypost.client.connection import Connection

ENDED = ("done", "failed", "cancelled")
"""The statuses of an operation that change no more."""


TABLES = (".csv", ".tsv", ".tab")
"""How the names of files end that are taken for tables."""


class OperationCalls(Connection):
    """Imports and operations."""

    def import_file(
        self,
        path: Path,
        kind: str,
        format: str | None = None,
        journey: str | None = None,
        broadcast: str | None = None,
        **written: Any,
    ) -> m.OperationOut:
        """Import a file of customers, events, consents, enrollments or recipients, as an operation to `watch`.

        CSV or NDJSON by its name, or by `format`. `journey`: enrollments go into it, and events place their customers
        in it; `broadcast`: whose recipients they are. `written` says how it is written, where that is known:
        `encoding`, `delimiter`, `decimal`, `dates`, and the columns `text` and `number`. Raises ApiProblem
        `invalid-input` where it begins otherwise.
        """
        return self._import(path, kind, format, journey=journey, broadcast=broadcast, **written)

    def preview_import(
        self,
        path: Path,
        kind: str,
        format: str | None = None,
        journey: str | None = None,
        broadcast: str | None = None,
        **written: Any,
    ) -> m.ImportPreviewOut:
        """What `import_file` would do: what each column becomes, ten records, how many errors. Nothing is kept."""
        return self._import(path, kind, format, journey=journey, broadcast=broadcast, dry_run=True, **written)

    def _import(self, path: Path, kind: str, format: str | None, **asked: Any) -> Any:
        chosen = format or ("csv" if path.suffix.lower() in TABLES else "ndjson")
        with path.open("rb") as file:
            return self.call(
                "POST", "/v1/imports", params={"kind": kind, "format": chosen, **asked}, content=_chunks(file)
            )

    def operation(self, operation: str) -> m.OperationOut:
        """How far an operation is: done, total, rate (a second), seconds left, and its result at the end."""
        return self.call("GET", "/v1/operations/{}", operation)

    def operation_errors(self, operation: str) -> Iterator[m.OperationErrorOut]:
        """The lines that were not taken, with reasons; the first 10,000 are kept."""
        return self._list("/v1/operations/{}/errors", operation)

    def cancel(self, operation: str) -> m.OperationOut:
        """Stop an operation soon; what was done stays done."""
        return self.call("POST", "/v1/operations/{}/cancel", operation)

    def watch(self, operation: str, every: float = 0.5) -> Iterator[m.OperationOut]:
        """The operation again and again, until it has ended; `every` is seconds between two looks."""
        while True:
            shown = self.operation(operation)
            yield shown
            if shown["status"] in ENDED:
                return
            time.sleep(every)

    def wait(self, operation: str) -> m.OperationOut:
        """The operation when it has ended, done or not: `status` says which. It looks ten times a second."""
        return list(self.watch(operation, 0.1))[-1]


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(256 * 1024):
        yield chunk
