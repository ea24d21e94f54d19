"""A file of another encoding as one of UTF-8, a piece in memory at a time."""

import codecs
import io
from typing import Any, BinaryIO

from services.imports.files.file_form import ENCODINGS

PIECE = 64 * 1024
"""Bytes that are read at a time."""


class Utf8Stream(io.RawIOBase):
    """The text of a file as UTF-8. Reading raises UnicodeDecodeError where the file is not in its encoding."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(ENCODINGS[encoding])()
        self._rest = b""
        self._ended = False

    def readable(self) -> bool:
        """True, as a stream of bytes has to say."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the present piece goes; return how many bytes that were, 0 at the end."""
        while not self._rest and not self._ended:
            piece = self._file.read(PIECE)
            self._ended = not piece
            self._rest = self._decoder.decode(piece, self._ended).encode()
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def as_utf8(file: BinaryIO, encoding: str) -> BinaryIO:
    """A file as UTF-8, from its beginning; itself where it is that already."""
    return file if encoding == "utf-8" else io.BufferedReader(Utf8Stream(file, encoding))
