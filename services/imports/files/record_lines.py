"""The lines of a file, of which no more than a record's are ever in memory; what they hold is not known here.

RecordTooLong           a record that does not end within LONGEST_LINE characters
"""

import io
from collections import deque

LONGEST_LINE = 64 * 1024
"""Characters of a record, bytes of a line of JSON: twice what an event may have (`values.LARGEST`), so that its error
says so and not that the line is long."""

_BLANK = ("\n", "\r\n", "\r")
"""Lines that are no record."""


class RecordTooLong(Exception):
    """A record that does not end within LONGEST_LINE characters."""


class RecordLines:
    """The lines of a text, record by record.

    A record may go on over several lines, within quotation marks. Where one turns out to be wrong the lines behind its
    first can be read anew: a mark that was never closed must not swallow them.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._again = deque[str]()
        self._size = 0
        self.record: list[str] = []
        self.number = 0

    def __iter__(self) -> "RecordLines":
        """Itself, as an iterator has to say."""
        return self

    @property
    def first(self) -> int:
        """The number, from 1, of the record's first line."""
        return self.number - max(0, len(self.record) - 1)

    def begin(self) -> None:
        """A record begins with the next line."""
        self.record, self._size = [], 0

    def give_back(self) -> None:
        """Read all lines of the record but the first anew, each as the beginning of a record."""
        self._again.extendleft(reversed(self.record[1:]))
        self.number -= max(0, len(self.record) - 1)
        del self.record[1:]

    def __next__(self) -> str:
        """The next line of the record. Raise RecordTooLong."""
        line = self._read()
        while line in _BLANK and not self.record:
            line = self._read()
        self.record.append(line)
        self._size += len(line)
        if self._size > LONGEST_LINE:
            raise RecordTooLong
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
