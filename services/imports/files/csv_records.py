"""CSV: a header, and records of as many cells (RFC 4180); any line end, any delimiter.

What breaks the form is an error of the record in which it stands: no cell moves to another column, no quotation mark
swallows what follows, and nobody is taken in from half a line.
"""

import csv
import io
from collections.abc import Iterator

from services.imports.files.file_form import DELIMITERS, MARK, UnreadableFile, delimiter_of, is_separator_line
from services.imports.files.record_lines import LONGEST_LINE, RecordLines, RecordTooLong

NumberedCells = Iterator[tuple[int, "list[str] | ValueError"]]
"""Of each record the number of its first line, and its cells or what is wrong with it."""

_NEVER_CLOSED = "a quotation mark is not closed"
_WITHIN = "a quotation mark stands within a cell; put the cell in marks, and write the mark within it twice"


class CsvTable:
    """The header of a file (`names`), and its records, which are read once."""

    def __init__(self, text: io.TextIOWrapper, delimiter: str | None) -> None:
        """`delimiter` by its name, or None: as the header shows. Raise UnreadableFile where the header is none."""
        self._lines = RecordLines(text)
        line = self._first_line().removeprefix(MARK)
        delimiter = delimiter or delimiter_of(line)
        if is_separator_line(line):
            self._lines.begin()
            line = self._first_line()
        self._delimiter = DELIMITERS[delimiter]
        self.names = self._names(line)

    def _first_line(self) -> str:
        try:
            return next(self._lines, "")
        except RecordTooLong:
            told = f"it is too long; a record has at most {LONGEST_LINE:,} characters"
            raise UnreadableFile(f"the header cannot be read: {told}") from None

    def _names(self, line: str) -> list[str]:
        try:
            names = next(csv.reader([line], delimiter=self._delimiter, strict=True), list[str]())
        except csv.Error:
            names = None
        if names is None or line.count('"') % 2:
            told = "a quotation mark is not closed, or a name goes on in the next line; write each name in one line"
            raise UnreadableFile(f"the header, line {self._lines.number}: {told}")
        return names

    def records(self) -> NumberedCells:
        """Every record behind the header but blank lines."""
        reader = csv.reader(self._lines, delimiter=self._delimiter, strict=True)
        while True:
            self._lines.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (csv.Error, RecordTooLong) as error:
                wrong = self._wrong(error)
                yield self._lines.number, wrong
                reader = csv.reader(self._lines, delimiter=self._delimiter, strict=True)
                continue
            yield self._lines.first, self._checked(cells)

    def _wrong(self, error: Exception) -> ValueError:
        """What breaks the form of a record, of which all lines but the first are read anew."""
        several = len(self._lines.record) > 1
        self._lines.give_back()
        if isinstance(error, RecordTooLong):
            what = _NEVER_CLOSED if several else "it is too long"
            return ValueError(f"the line is no CSV: {what}; a record has at most {LONGEST_LINE:,} characters")
        closed = not several and self._lines.record[0].count('"') % 2 == 0
        return ValueError(f"the line is no CSV: {_WITHIN if closed else _NEVER_CLOSED}")

    def _checked(self, cells: list[str]) -> list[str] | ValueError:
        """As many cells as the header has names, or what is wrong; marks come in pairs, wherever they stand."""
        if len(self._lines.record) == 1 and self._lines.record[0].count('"') % 2:
            return ValueError(f"the line is no CSV: {_NEVER_CLOSED}")
        if len(cells) != len(self.names):
            told = f"it has {_counted(len(cells))}, and the header names {len(self.names):,}"
            return ValueError(f"the line is no CSV: {told}{self._until()}")
        return cells

    def _until(self) -> str:
        lines = len(self._lines.record)
        return f"; it ends in line {self._lines.number:,}" if lines > 1 else ""


def _counted(cells: int) -> str:
    return "1 cell" if cells == 1 else f"{cells:,} cells"
