"""How a file is written: its encoding, its line ends, and what stands between two cells.

It is recognised from the bytes alone, all of them, before anything is taken in; what the lines mean is not known here.
What could be read in two ways is not guessed: it is told, and the caller may say it.

    UnreadableFile          the file as a whole cannot be read
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Self

from services.errors import InvalidInput
from services.imports.files.cells import CellForms

FORMATS = ("csv", "ndjson")
"""What a file can be."""

ENCODINGS: Mapping[str, str] = {
    "utf-8": "utf-8",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "windows-1252": "cp1252",
    "windows-1254": "cp1254",
    "iso-8859-1": "latin-1",
    "iso-8859-2": "iso8859-2",
    "iso-8859-15": "iso8859-15",
    "macintosh": "mac-roman",
    "shift_jis": "cp932",
    "gb18030": "gb18030",
    "big5": "big5",
    "euc-kr": "cp949",
}
"""By the name that IANA gives an encoding, Python's codec. UTF-8, UTF-16 and Windows-1252 are recognised; the others
have every byte in common with one of these, so they have to be said."""

DELIMITERS: Mapping[str, str] = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
"""What may stand between two cells."""

LINE_ENDS: Mapping[str, str] = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}
"""How lines may end: as Unix, Windows and the Macintosh of old write them."""

SAMPLE = 64 * 1024 + 1
"""Bytes of a file's beginning in which its header stands: `lines.LONGEST_LINE`, and one more."""

PIECE = 256 * 1024
"""Bytes of a file that are looked at at a time."""

_MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8"),
          (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))  # fmt: skip
"""Marks at the beginning (https://www.unicode.org/faq/utf_bom.html), the longer first where one begins with another."""

LONGEST_MARK = 4
"""Bytes of a beginning without which nothing can be told of it."""

_NO_TEXT = ((b"PK\x03\x04", "is a workbook or an archive; save it as CSV"), (b"\x1f\x8b", "is compressed; unpack it"),
            (b"\xd0\xcf\x11\xe0", "is a workbook of old; save it as CSV"), (b"%PDF", "is a PDF"))  # fmt: skip
"""How files begin that people take for a table."""

_ESCAPED = re.compile("[\udc80-\udcff]")
"""Bytes that are no UTF-8, as `surrogateescape` shows them."""

_FOREIGN = re.compile("[\udc80-\udcff]{4}")
"""So many such bytes in a row are a word of another script: no language of Windows-1252 has so many accents."""

_UNDEFINED = frozenset("\udc81\udc8d\udc8f\udc90\udc9d")
"""Bytes that mean nothing in Windows-1252 (https://encoding.spec.whatwg.org/#legacy-single-byte-encodings)."""

MARK = "\ufeff"
"""The mark at the beginning of a text, once it is decoded."""

_SEPARATOR_LINE = re.compile(r"sep=(.)(\r\n|\r|\n|$)", re.IGNORECASE)
"""The line by which Excel says what stands between two cells."""


class UnreadableFile(InvalidInput):
    """The file as a whole cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileForm:
    """How a file is written, by the names of FORMATS, ENCODINGS, DELIMITERS and LINE_ENDS, and how its cells are.

    `delimiter` is None where that is to be seen from the header; `lines` is how many there are, the header among them.
    """

    format: str
    encoding: str = "utf-8"
    delimiter: str | None = None
    line_ends: str = "lf"
    lines: int = 0
    cells: CellForms = CellForms()

    @property
    def records(self) -> int:
        """How many records there are at most: a table has a header, and a record may go on over several lines."""
        return max(0, self.lines - (self.format == "csv"))

    def as_json(self) -> dict[str, Any]:
        """As an operation keeps it for the worker."""
        return {
            "format": self.format,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "line_ends": self.line_ends,
            **self.cells.as_json(),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """As it was kept; what a file of an older version lacks is what that version took every file for."""
        return cls(
            format=kept["format"],
            encoding=kept.get("encoding") or "utf-8",
            delimiter=kept.get("delimiter"),
            line_ends=kept.get("line_ends") or "lf",
            cells=CellForms.from_json(kept),
        )


class FormRecognition:
    """Looks at a whole file, a piece at a time, and says how it is written.

    `encoding`, `delimiter` and `cells` are what the caller knows of it. Raise InvalidInput where something is none.
    """

    def __init__(
        self,
        format: str,
        encoding: str | None = None,
        delimiter: str | None = None,
        cells: CellForms = CellForms(),
    ) -> None:
        if format not in FORMATS:
            raise InvalidInput(f"must be one of {', '.join(FORMATS)}", "format")
        if encoding is not None and encoding not in ENCODINGS:
            raise InvalidInput(f"must be one of {', '.join(ENCODINGS)}", "encoding")
        if delimiter is not None and delimiter not in DELIMITERS:
            raise InvalidInput(f"must be one of {', '.join(DELIMITERS)}", "delimiter")
        self._format, self._said, self._delimiter, self._cells = format, encoding, delimiter, cells
        self._encoding = encoding or ""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._beginning, self._held = b"", ""
        self._ends, self._last, self._tail = Counter[str](), "\n", ""
        self._multibyte, self._foreign = False, False
        self._wrong, self._first_wrong = set[str](), 0

    def feed(self, piece: bytes) -> None:
        """The next bytes. Raise UnreadableFile where they cannot be of a text."""
        known = len(self._beginning)
        if known < SAMPLE:
            self._beginning += piece[: SAMPLE - known]
        if self._decoder is not None:
            self._look(self._decoded(piece))
        elif known + len(piece) >= LONGEST_MARK:
            self._begin(self._beginning[:known] + piece)

    def form(self) -> FileForm:
        """How the file is written, once all of it was seen. Raise UnreadableFile."""
        if not self._beginning.strip():
            raise UnreadableFile("the file is empty")
        if self._decoder is None:
            self._begin(self._beginning)
        self._look(self._decoded(b"", final=True), final=True)
        encoding = self._told_apart() if self._format == "csv" else self._encoding
        return FileForm(
            format=self._format,
            encoding=encoding,
            delimiter=self._delimiter or self._by_the_header(encoding),
            line_ends=max(LINE_ENDS, key=lambda name: self._ends[name]),
            lines=self._ends.total() + (self._last not in "\r\n"),
            cells=self._cells,
        )

    def _by_the_header(self, encoding: str) -> str | None:
        if self._format != "csv":
            return None
        return delimiter_of(self._beginning.decode(ENCODINGS[encoding], errors="replace"))

    def _begin(self, beginning: bytes) -> None:
        for mark, what in _NO_TEXT:
            if beginning.startswith(mark):
                raise UnreadableFile(f"the file {what}")
        self._encoding = self._said or _by_its_beginning(beginning)
        errors = "strict" if self._said or self._encoding != "utf-8" else "surrogateescape"
        self._decoder = codecs.getincrementaldecoder(ENCODINGS[self._encoding])(errors)
        self._look(self._decoded(beginning))

    def _decoded(self, piece: bytes, final: bool = False) -> str:
        assert self._decoder is not None
        try:
            return self._decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            line = self._ends.total() + 1 + piece[: error.start].count(b"\n")
            raise UnreadableFile(f"line {line:,} or the one behind it cannot be read as {self._encoding}") from None

    def _look(self, text: str, final: bool = False) -> None:
        """Count the ends of lines; one of two characters may stand across two pieces."""
        text, self._held = self._held + text, ""
        if text.endswith("\r") and not final:
            text, self._held = text[:-1], "\r"
        if not text:
            return
        if not text.isascii():
            self._look_at_bytes(text)
        both = text.count("\r\n")
        self._ends.update(crlf=both, lf=text.count("\n") - both, cr=text.count("\r") - both)
        self._last, self._tail = text[-1], text[-3:]

    def _look_at_bytes(self, text: str) -> None:
        wrong = set(_ESCAPED.findall(text))
        self._multibyte = self._multibyte or any(not one.isascii() for one in set(text) - wrong)
        if wrong and not self._wrong:
            at = next(_ESCAPED.finditer(text)).start()
            self._first_wrong = self._ends.total() + 1 + len(re.findall(r"\r\n|\r|\n", text[:at]))
        self._wrong |= wrong
        self._foreign = self._foreign or _FOREIGN.search(self._tail + text) is not None

    def _told_apart(self) -> str:
        """UTF-8, unless it cannot be: then Windows-1252, unless the file has letters of UTF-8 as well."""
        if not self._wrong:
            return self._encoding
        if self._multibyte:
            told = f"line {self._first_wrong:,} is not UTF-8, while other lines are"
            raise UnreadableFile(f"{told}: save the file in one encoding, or name one", "encoding")
        if self._foreign or self._wrong & _UNDEFINED:
            told = f"line {self._first_wrong:,} is neither UTF-8 nor Windows-1252"
            raise UnreadableFile(f"{told}: name the encoding ({', '.join(ENCODINGS)})", "encoding")
        return "windows-1252"


def _by_its_beginning(data: bytes) -> str:
    """By the mark; without one UTF-16 shows by the zeros beside its first letter, which is one of ASCII."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            if encoding == "utf-32":
                raise UnreadableFile("the file is UTF-32; save it as UTF-8")
            return encoding
    if data[1:2] == b"\0" and data[:1] != b"\0":
        return "utf-16-le"
    return "utf-16-be" if data[:1] == b"\0" and data[1:2] > b"\0" else "utf-8"


def delimiter_of(beginning: str) -> str:
    """What stands most often between the names of the header; a comma where there is but one name."""
    beginning = beginning.removeprefix(MARK)
    said = _SEPARATOR_LINE.match(beginning)
    if said is not None:
        return _named(said[1])
    header = re.split(r"\r\n|\r|\n", beginning, maxsplit=1)[0]
    counts = {name: len(next(csv.reader([header], delimiter=one), [])) for name, one in DELIMITERS.items()}
    return max(counts, key=lambda name: counts[name])


def _named(delimiter: str) -> str:
    for name, one in DELIMITERS.items():
        if one == delimiter:
            return name
    raise UnreadableFile(f"the first line says that {delimiter!r} stands between cells; take {', '.join(DELIMITERS)}")


def is_separator_line(line: str) -> bool:
    """Whether a first line is no header, but says what stands between two cells."""
    return _SEPARATOR_LINE.fullmatch(line) is not None


def recognise(file: BinaryIO, recognition: FormRecognition) -> FileForm:
    """How a file is written, which is read once for that and left at its beginning. Raise UnreadableFile."""
    while piece := file.read(PIECE):
        recognition.feed(piece)
    file.seek(0)
    return recognition.form()


def as_text(file: BinaryIO, encoding: str, errors: str = "strict") -> io.TextIOWrapper:
    """A file as text: a mark at its beginning stands in the first line, the ends of lines are as they are written."""
    return io.TextIOWrapper(file, encoding=ENCODINGS[encoding], errors=errors, newline="")
