"""Files of lines, a table (CSV) or JSON line by line (NDJSON): record by record, whatever they hold.

A line that is wrong is an error with its number, and stops nobody else's. How a file is written says `file_form`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from services.imports.files.columns import Column, ColumnRules, read_header, row_of
from services.imports.files.csv_records import CsvTable
from services.imports.files.file_form import SAMPLE, FileForm, UnreadableFile, as_text
from services.imports.files.record_lines import LONGEST_LINE
from services.imports.files.transcoding import as_utf8
from services.ingestion import segment_api
from services.values import Rejected

NumberedRecords = Iterator[tuple[int, Any]]
"""Of each record the number of its first line, from 1, and what it says; or a ValueError."""

_TABLES, _JSON = (".csv", ".tsv", ".tab"), (".ndjson", ".jsonl", ".json")


def format_of(path: Path) -> str:
    """By a file's name; where that says nothing, by its first character. Raise OSError where it cannot be read."""
    with path.open("rb") as file:
        return format_of_stream(file, path.name)


def format_of_stream(file: BinaryIO, name: str) -> str:
    """The same of a file of this name, which is left at its beginning."""
    suffix = Path(name).suffix.lower()
    if suffix in _TABLES or suffix in _JSON:
        return "csv" if suffix in _TABLES else "ndjson"
    first = file.read(SAMPLE).lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1]
    file.seek(0)
    return "ndjson" if first in (b"{", b"") else "csv"


def records(file: BinaryIO, form: FileForm, rules: ColumnRules) -> NumberedRecords:
    """The records of a file from its beginning on; one of a table is a mapping, without empty cells.

    Raise UnreadableFile where the file is not in its encoding, or its header is none that these rules allow.
    """
    return _rows(file, form, rules) if form.format == "csv" else _json_records(as_utf8(file, form.encoding))


def columns(file: BinaryIO, form: FileForm, rules: ColumnRules) -> list[Column]:
    """The columns of a table, as its header has them, and none of another file; it is left at its beginning.

    Raise UnreadableFile, as `records` does.
    """
    if form.format != "csv":
        return []
    text = as_text(file, form.encoding)
    try:
        return read_header(CsvTable(text, form.delimiter).names, rules, form.cells)
    except UnicodeDecodeError:
        raise _not_in(form.encoding) from None
    finally:
        text.detach()
        file.seek(0)


def _not_in(encoding: str) -> UnreadableFile:
    return UnreadableFile(f"the file is not {encoding.upper()}; save it as UTF-8 and import it again")


def _rows(file: BinaryIO, form: FileForm, rules: ColumnRules) -> NumberedRecords:
    text = as_text(file, form.encoding)
    try:
        table = CsvTable(text, form.delimiter)
        named = read_header(table.names, rules, form.cells)
        for line, found in table.records():
            yield line, found if isinstance(found, ValueError) else _row(named, found)
    except UnicodeDecodeError:
        raise _not_in(form.encoding) from None
    finally:
        if not text.closed:  # whose file stays its caller's
            text.detach()


def _row(named: list[Column], found: list[str]) -> Any:
    try:
        return row_of(named, found)
    except Rejected as rejected:
        return rejected


def _json_records(file: BinaryIO) -> NumberedRecords:
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
