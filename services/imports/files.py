"""Files of lines: CSV (with a header; commas or semicolons) or NDJSON, in UTF-8, a mark at the beginning or not.

A line that is wrong is an error with its number, and stops nobody else's.

    UnreadableFile          the file as a whole cannot be read
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from services.errors import InvalidInput
from services.ingestion import segment_api

LONGEST_LINE = 64 * 1024
"""Bytes: twice what an event may have (`values.LARGEST`), so that its error says so and not that the line is long."""

FORMATS = ("csv", "ndjson")
"""What a file can be."""

SAMPLE = 64 * 1024
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
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        header = text.readline(LONGEST_LINE)
        delimiter = _delimiter(header)
        reader = csv.DictReader(text, next(csv.reader([header], delimiter=delimiter), []), delimiter=delimiter)
        _check_columns(reader.fieldnames, required)
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield reader.line_num + 1, ValueError(f"the line is no CSV: {error}")
                continue
            yield reader.line_num + 1, {name: value for name, value in row.items() if name and value}
    except UnicodeDecodeError:
        raise UnreadableFile("the file is not UTF-8; save it as UTF-8 and import it again") from None


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
