"""Files of lines: CSV (with a header; commas or semicolons) or NDJSON, in UTF-8, a mark at the beginning or not.

A line that is wrong is an error with its number, and stops nobody else's.

    UnreadableFile          the file as a whole cannot be read
"""

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from services.errors import InvalidInput
from services.ingestion import segment_api

LONGEST_LINE = 64 * 1024
"""Bytes: twice what an event may have (`values.LARGEST`), so that its error says so and not that the line is long."""

FORMATS = ("csv", "ndjson")
"""What a file can be."""

SAMPLE = 64 * 1024 + 1
"""Bytes of a file's beginning that are looked at before it is taken: the header stands in them."""


class UnreadableFile(InvalidInput):
    """The file as a whole cannot be read."""


def format_of(path: Path) -> str:
    """By its name: CSV, else NDJSON."""
    return "csv" if path.suffix.lower() == ".csv" else "ndjson"


def records(file: BinaryIO, format: str, required: Sequence[str] = ()) -> Iterator[tuple[int, Any]]:
    """Line number (from 1) and record, or line number and ValueError.

    A CSV record is a mapping of text, without empty cells. Raise UnreadableFile where the file is no UTF-8, or its
    header lacks a column.
    """
    return _csv(file, required) if format == "csv" else _ndjson(file)


def check_header(sample: bytes, format: str, required: Sequence[str]) -> None:
    """Raise UnreadableFile where the beginning of a file shows that it cannot be taken.

    Raise InvalidInput where there is no such format.
    """
    if format not in FORMATS:
        raise InvalidInput(f"must be one of {', '.join(FORMATS)}", "format")
    if not sample.strip():
        raise UnreadableFile("the file is empty")
    if format == "csv":
        if b"\n" not in sample and len(sample) > LONGEST_LINE:
            raise UnreadableFile(f"the header is longer than {LONGEST_LINE:,} bytes")
        text = _decoded(sample[:SAMPLE].rpartition(b"\n")[0] or sample[:SAMPLE])
        _check_columns(csv.DictReader([text.partition("\n")[0]], delimiter=_delimiter(text)).fieldnames, required)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableFile("the file is not UTF-8; save it as UTF-8 and import it again") from None


def _check_columns(found: Sequence[str] | None, required: Sequence[str]) -> None:
    missing = [name for name in required if name not in (found or ())]
    if missing:
        names = ", ".join(found or ()) or "nothing"
        raise UnreadableFile(f"the header lacks {', '.join(missing)}; it names {names}"[:300])


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return ";" if header.count(";") > header.count(",") else ","


def _csv(file: BinaryIO, required: Sequence[str]) -> Iterator[tuple[int, Any]]:
    lines = _Lines(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""))
    try:
        header = _header(lines)
        delimiter = _delimiter(header)
        names = next(csv.reader([header], delimiter=delimiter), [])
        _check_columns(names, required)
        reader = csv.DictReader(lines, names, delimiter=delimiter)
        while True:
            lines.begin()
            try:
                row = next(reader)
            except StopIteration:
                return
            except (csv.Error, _TooLong) as error:
                yield lines.number, ValueError(f"the line is no CSV: {error}")
                continue
            yield lines.number, {name: value for name, value in row.items() if name and value}
    except UnicodeDecodeError:
        raise UnreadableFile("the file is not UTF-8; save it as UTF-8 and import it again") from None


def _header(lines: "_Lines") -> str:
    try:
        return next(lines, "")
    except _TooLong as error:
        raise UnreadableFile(f"the header cannot be read: {error}") from None


_BLANK = ("\n", "\r\n", "\r")
"""Lines that are no record."""


class _TooLong(Exception):
    """A record that does not end within LONGEST_LINE characters."""


class _Lines:
    """The lines of a text, of which no more than a record's are ever in memory.

    A record may go on over several lines, within quotation marks. One that is too long is an error of its first line
    alone: those after it are read anew, since a mark that was never closed must not swallow them.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._again = deque[str]()
        self._record: list[str] = []
        self._size = 0
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def begin(self) -> None:
        """A record begins with the next line."""
        self._record, self._size = [], 0

    def __next__(self) -> str:
        line = self._read()
        while line in _BLANK and not self._record:
            line = self._read()
        self._record.append(line)
        self._size += len(line)
        if self._size > LONGEST_LINE:
            self._again.extendleft(reversed(self._record[1:]))
            self.number -= len(self._record) - 1
            what = "a quotation mark is not closed" if len(self._record) > 1 else "it is too long"
            raise _TooLong(f"{what}; a record has at most {LONGEST_LINE:,} characters")
        return line

    def _read(self) -> str:
        """The next line, or its beginning where it is too long: the rest is read over."""
        line = self._again.popleft() if self._again else self._text.readline(LONGEST_LINE + 1)
        if not line:
            raise StopIteration
        self.number += 1
        rest = line
        while len(line) > LONGEST_LINE and rest and not rest.endswith(("\n", "\r")):
            rest = self._text.readline(LONGEST_LINE)
        return line


def _ndjson(file: BinaryIO) -> Iterator[tuple[int, Any]]:
    number = 0
    while raw := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(raw) > LONGEST_LINE:
            while not raw.endswith(b"\n") and raw:
                raw = file.readline(LONGEST_LINE)
            yield number, ValueError(f"the line is longer than {LONGEST_LINE:,} bytes")
            continue
        text = raw.strip().removeprefix(b"\xef\xbb\xbf")
        if text:
            yield number, _parsed(text)


def _parsed(text: bytes) -> Any:
    try:
        return segment_api.parsed(text)[0]
    except UnicodeDecodeError:
        return ValueError("the line is not UTF-8")
    except (ValueError, RecursionError):
        return ValueError("the line is not JSON")
