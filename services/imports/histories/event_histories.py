"""Files of events: each line checked, the events of each customer together and in the order of their instants.

A large file is sorted on disk, so that memory does not grow with it.
"""

import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from journeys.simulation.backtest import CustomerHistory
from journeys.simulation.simulator import RecordedEvent
from services import values
from services.imports.files import csv_and_ndjson, file_form
from services.imports.files.columns import ColumnRules
from services.imports.files.file_form import FileForm, FormRecognition, UnreadableFile
from services.imports.histories.names_in_files import NamedOnce, name_of
from services.ingestion import segment_api
from services.ingestion.segment_api import IncomingEvent
from services.operations.item_pages import line_error
from services.operations.operations import LineError
from services.values import Rejected

MOST_ERRORS_KEPT = 1_000
"""Wrong lines that are told of a file that is only simulated: nobody reads more in a terminal, and a file of nothing
else must not fill the memory."""

AHEAD = timedelta(days=1)
"""How far a file may be in the future: by a zone that was forgotten, which is less than a day."""

_PLAIN = ("userId", "anonymousId", "messageId", "type", "event", "timestamp")
_MEASURES = ("value", "price", "quantity", "subtotal", "shipping", "tax", "discount")

RULES = ColumnRules(
    required=("userId", "timestamp", "messageId"),
    texts=(*_PLAIN, "email", "phone"),
    numbers=("revenue", "total"),
    measures=_MEASURES,
)
"""The columns of a table of events. What an order came to is added up, so it is a number or an error of its line; what
else Segment's e-commerce names measure is a number where it reads as one."""


@dataclass(slots=True)
class LineErrors:
    """The lines of a file that were not taken: how many, and the first MOST_ERRORS_KEPT of them."""

    count: int = 0
    first: list[LineError] = field(default_factory=list[LineError])

    def add(self, error: LineError) -> None:
        """Count one more."""
        self.count += 1
        if len(self.first) < MOST_ERRORS_KEPT:
            self.first.append(error)


Grouped = dict[str, list[IncomingEvent]]
"""Events by the name of their customer within the file."""


def read(record: Any, now: datetime, *, need_id: bool = True) -> IncomingEvent:
    """One record of a file as a message.

    Raise Rejected where it is none, lies in the future, or lacks the `messageId` that an import needs.
    """
    if isinstance(record, Exception):
        raise Rejected("", str(record))
    message = segment_api.read(record, now, recorded=True)
    stamp = record.get("timestamp")
    if stamp is not None and values.instant(stamp, "timestamp") > now + AHEAD:
        # a live client's clock may be wrong and is put right; a file that speaks of the future is a mistake
        raise Rejected("timestamp", f"lies in the future, found {stamp!r:.40}")
    if need_id and message.message_id is None:
        raise Rejected("messageId", "an imported event needs one, so that a second import repeats nothing")
    return message


def from_row(row: Any) -> Any:
    """A row of columns type, userId, event, timestamp, messageId as an event; any other column is a property."""
    if isinstance(row, Exception):
        return row
    item: dict[str, Any] = {name: row[name] for name in _PLAIN if name in row}
    item["type"] = item.get("type") or "track"
    extra = {name: value for name, value in row.items() if name not in _PLAIN}
    item["traits" if item["type"] == "identify" else "properties"] = extra
    return item


def records(file: Any, form: FileForm, need_ids: bool = True) -> Iterator[tuple[int, Any]]:
    """The events of a file by line number (from 1); a line that cannot be read is an exception in its place."""
    rules = RULES if need_ids else replace(RULES, required=RULES.required[:2])
    for line, record in csv_and_ndjson.records(file, form, rules):
        yield line, from_row(record) if form.format == "csv" else record


def read_file(path: Path, now: datetime, errors: LineErrors, *, need_ids: bool = True) -> Grouped:
    """Events by customer, in the order of their instants; a line that is wrong is counted among the errors."""
    grouped: Grouped = defaultdict(list)
    with path.open("rb") as file:
        try:
            form = file_form.recognise(file, FormRecognition(csv_and_ndjson.format_of(path)))
            for line, record in records(file, form, need_ids):
                try:
                    message = read(record, now, need_id=need_ids)
                    grouped[name_of(message)].append(message)
                except Rejected as rejected:
                    errors.add(LineError(line=line, reason=str(rejected)))
        except UnreadableFile as unreadable:
            errors.add(LineError(line=1, reason=unreadable.message))
    for messages in grouped.values():
        messages.sort(key=lambda one: one.at)
    return grouped


def cohort(grouped: Grouped) -> Iterator[CustomerHistory]:
    """Customers as the simulator takes them, without anything stored; events are numbered from 1."""
    for name, messages in grouped.items():
        events = [
            RecordedEvent(seq=seq, name=one.name, at=one.at, properties=_properties(one))
            for seq, one in enumerate(messages, start=1)
        ]
        yield CustomerHistory(id=name, events=events)


def _properties(message: IncomingEvent) -> dict[str, Any]:
    """What guards see: of an identify call its traits."""
    return dict(message.traits if message.type == "identify" else message.properties)


# -- large files -------------------------------------------------------------------------------------------------------


class Sorted:
    """A file of events, sorted by customer and instant in a temporary database on disk."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="waypost-import-")
        self._database = sqlite3.connect(Path(self._folder.name) / "events.db", check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("CREATE TABLE event (name TEXT, at TEXT, line INTEGER, record BLOB)")
        self.lines = 0

    def __enter__(self) -> "Sorted":
        """The sorter itself, whose files go at the end of the block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Take the files away; what was raised in the block goes on."""
        self._database.close()
        self._folder.cleanup()

    def add(self, records: Iterable[tuple[int, Any]], now: datetime) -> list[LineError]:
        """Take some records in; return those that are wrong."""
        errors: list[LineError] = []
        rows: list[tuple[str, str, int, bytes]] = []
        for line, record in records:
            try:
                message = read(record, now)
                rows.append((name_of(message), message.at.isoformat(), line, orjson.dumps(record)))
            except Rejected as rejected:
                errors.append(LineError(line=line, reason=str(rejected)))
            except Exception as error:
                errors.append(line_error(line, error))
        self._database.executemany("INSERT INTO event VALUES (?, ?, ?, ?)", rows)
        self.lines += len(rows)
        return errors

    @property
    def named(self) -> int:
        """How many names there are in it."""
        return self._database.execute("SELECT count(DISTINCT name) FROM event").fetchone()[0]

    def names(self) -> Iterator[NamedOnce]:
        """Each name of the file once, in the order of `customers`, with the first of its lines."""
        rows = self._database.execute("SELECT name, min(line) FROM event GROUP BY name ORDER BY name")
        for number, (name, line) in enumerate(rows, start=1):
            yield NamedOnce(number, name, line)

    def customers(self, now: datetime) -> Iterator[tuple[str, list[IncomingEvent]]]:
        """Each customer with their events, which carry their line numbers; the same file always gives the same order.

        So an import can go on behind so many customers. Ask once: it sorts.
        """
        self._database.execute("CREATE INDEX event_order ON event (name, at, line)")
        rows = self._database.execute("SELECT name, line, record FROM event ORDER BY name, at, line")
        for name, mine in groupby(rows, key=lambda row: row[0]):
            yield name, [replace(read(orjson.loads(record), now), line=line) for _, line, record in mine]
