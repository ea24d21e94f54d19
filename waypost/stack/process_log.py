"""The log of a child process in the home: bounded in size, and never a reason to stop reading the child."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

LARGEST = 20 * 1024 * 1024
"""Bytes of one file; the one before it is kept beside it."""


class ProcessLog(RotatingFileHandler):
    """A file of lines. What cannot be written is lost, and said when writing goes again."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=LARGEST, backupCount=1, encoding="utf-8", delay=True)
        self.lost = 0

    def keep(self, line: str) -> None:
        """Append a line, where the disk takes it."""
        before = self.lost
        if before:
            self._write(f"… {before} lines are missing: they could not be written")
            if self.lost > before:
                return
            self.lost = 0
        self._write(line)

    def _write(self, line: str) -> None:
        try:
            self.emit(logging.makeLogRecord({"msg": line}))
        except OSError:
            self.lost += 1

    def handleError(self, record: logging.LogRecord) -> None:
        """A line that could not be written: the stream is opened anew for the next."""
        self.lost += 1
        stream, self.stream = self.stream, None
        try:
            if stream is not None:
                stream.close()
        except OSError:
            return

    def close(self) -> None:
        """Close the file, whatever the disk says."""
        try:
            super().close()
        except OSError:
            return
