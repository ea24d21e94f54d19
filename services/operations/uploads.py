"""Uploaded files: kept in the database in parts, since the worker that reads one may be on another machine."""

import io
from typing import Any, BinaryIO

from sqlmodel import Session

from store.queries.upkeep import operations
from store.session import Database
from store.tables.access import UploadPart

PART = 512 * 1024
"""Bytes of a row; a worker has one in memory at a time."""


def keep(session: Session, operation_id: str, number: int, data: bytes) -> None:
    """Keep a part of a file, PART bytes at most; `number` counts from 0."""
    session.add(UploadPart(operation_id=operation_id, number=number, data=data))


class UploadStream(io.RawIOBase):
    """An uploaded file as a stream of bytes, a part in memory at a time."""

    def __init__(self, database: Database, operation_id: str) -> None:
        self._database = database
        self._operation_id = operation_id
        self._number = 0
        self._rest = b""

    def readable(self) -> bool:
        """True, as a stream of bytes has to say."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the present part goes; return how many bytes that were, 0 at the end."""
        if not self._rest:
            self._rest = self._next()
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)

    def _next(self) -> bytes:
        with self._database.reading() as session:
            found = operations.part(session, self._operation_id, self._number)
        self._number += 1
        return found or b""


def open_stream(database: Database, operation_id: str) -> BinaryIO:
    """An uploaded file, to be read from its beginning; empty where there is none (any more)."""
    return io.BufferedReader(UploadStream(database, operation_id), PART)
