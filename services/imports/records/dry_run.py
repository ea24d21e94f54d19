"""What an import would do, before it is done: what each column becomes, the first records, how many errors.

The whole file is read, some hundred lines at a time, and nothing stays stored: not even the file.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO, cast

from sqlmodel import Session

from services.customers.attributes.unreadable import unread_in
from services.errors import ServiceError
from services.imports.files import csv_and_ndjson
from services.imports.files.columns import Column, ColumnRules
from services.imports.files.file_form import FileForm
from services.imports.histories import event_histories
from services.imports.records.import_kinds import KINDS, ImportKind, Line, mapping, reason
from services.operations.operations import LineError
from services.values import Rejected
from store.session import Database

ROWS = 10
"""Records that are shown: enough to see a column that slipped, few enough to read them."""

MOST_ERRORS_SHOWN = 100
"""Wrong lines that are shown; all are counted."""

MOST_FIELDS = 1_000
"""Fields of JSON that are told apart: twice what a customer may have of attributes."""

BATCH = 500
"""Lines whose customers are looked up by one statement."""

Numbered = Sequence[tuple[int, Any]]
"""Lines with their records."""


@dataclass(slots=True, kw_only=True)
class ColumnPreview:
    """A column: its name in the header, what it becomes, and how many of its values are what.

    `other` values are lists, objects, yes and no of JSON; `hint` is what may be wrong with it.
    """

    column: str
    becomes: str
    texts: int = 0
    numbers: int = 0
    other: int = 0
    empty: int = 0
    hint: str | None = None

    def count(self, value: Any) -> None:
        """One more value."""
        if isinstance(value, str):
            self.texts += 1
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.numbers += 1
        else:
            self.other += 1


@dataclass(slots=True, kw_only=True)
class ImportPreview:
    """What would become of a file: `records` of them would be looked at, `error_count` not taken.

    `placing` is the result of placing customers in a journey; None where none is named, or the file is too large.
    """

    form: FileForm
    records: int = 0
    columns: list[ColumnPreview] = field(default_factory=list[ColumnPreview])
    rows: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list[tuple[int, Mapping[str, Any]]])
    error_count: int = 0
    errors: list[LineError] = field(default_factory=list[LineError])
    placing: Mapping[str, Any] | None = None

    def refuse(self, refused: Sequence[LineError]) -> None:
        """Some lines more that would not be taken."""
        self.error_count += len(refused)
        self.errors = sorted([*self.errors, *refused], key=lambda one: one.line)[:MOST_ERRORS_SHOWN]


def preview(database: Database, kind: str, file: BinaryIO, form: FileForm, now: datetime) -> ImportPreview:
    """What an import of this file would do. Raise InvalidInput where it would be refused at once."""
    rules = rules_of(kind)
    seen = _Seen(csv_and_ndjson.columns(file, form, rules))
    shown = ImportPreview(form=form)
    numbered = csv_and_ndjson.records(file, form, rules)
    while batch := list(islice(numbered, BATCH)):
        shown.records += len(batch)
        seen.look_at(batch)
        shown.rows += islice(_readable(batch), ROWS - len(shown.rows))
        with database.reading() as session:
            for error in sorted(_errors(session, kind, form, batch, now), key=lambda one: one.line):
                shown.error_count += 1
                if len(shown.errors) < MOST_ERRORS_SHOWN:
                    shown.errors.append(error)
    shown.columns = seen.columns()
    return shown


def rules_of(kind: str) -> ColumnRules:
    """The columns of a kind of file."""
    return event_histories.RULES if kind == "events" else KINDS[kind].rules


def _readable(batch: Numbered) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, record in batch:
        if isinstance(record, dict):
            yield line, cast(dict[str, Any], record)


def _errors(session: Session, kind: str, form: FileForm, batch: Numbered, now: datetime) -> Iterator[LineError]:
    return _wrong_events(form, batch, now) if kind == "events" else _wrong_lines(session, KINDS[kind], batch, now)


def _wrong_events(form: FileForm, batch: Numbered, now: datetime) -> Iterator[LineError]:
    for line, record in batch:
        try:
            event_histories.read(event_histories.from_row(record) if form.format == "csv" else record, now)
        except Rejected as rejected:
            yield LineError(line=line, reason=str(rejected))


def _wrong_lines(session: Session, kind: ImportKind, batch: Numbered, now: datetime) -> Iterator[LineError]:
    lines: list[Line] = []
    for line, record in batch:
        try:
            lines.append((line, mapping(record)))
        except Rejected as rejected:
            yield LineError(line=line, reason=str(rejected))
    read = kind.reader(session, "", lines, now)
    for line in lines:
        try:
            read(line)
        except (Rejected, ServiceError) as refused:
            yield LineError(line=line[0], reason=reason(refused))


class _Seen:
    """What stands in each column, or in each field of JSON, in the order of their appearance."""

    def __init__(self, header: Iterable[Column]) -> None:
        self._columns = {one.name: ColumnPreview(column=one.written, becomes=one.name) for one in header if one.name}
        self._records, self._filled, self._unread = 0, Counter[str](), Counter[str]()

    def look_at(self, batch: Numbered) -> None:
        """Count what some records hold; lines that are none are left out."""
        for _, record in _readable(batch):
            self._records += 1
            self._unread.update(unread_in(dict(_fields(record))).keys())
            for name, value in _fields(record):
                if name not in self._columns and len(self._columns) < MOST_FIELDS:
                    self._columns[name] = ColumnPreview(column=name, becomes=name)
                if value is not None and name in self._columns:
                    self._filled[name] += 1
                    self._columns[name].count(value)

    def columns(self) -> list[ColumnPreview]:
        """All of them."""
        for name, one in self._columns.items():
            one.empty = self._records - self._filled[name]
            if self._unread[name]:
                one.hint = f"{self._unread[name]:,} of its values cannot be read, and count as if they were not there"
            elif one.texts and one.numbers:
                one.hint = f"holds texts and numbers: say text={one.becomes} or number={one.becomes}"
        return list(self._columns.values())


def _fields(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of a record, and those of its traits and properties as if they stood in it."""
    for name, value in record.items():
        if name in ("traits", "properties") and isinstance(value, dict):
            yield from cast(dict[str, Any], value).items()
        else:
            yield name, value
