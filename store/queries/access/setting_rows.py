"""The installation's settings as they are kept: one row, asked for once in a transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from store.session import collection_of
from store.tables.definitions import Setting

_ROW = 1
_KEPT: Any = select(Setting.body, Setting.value, Setting.silences).where(Setting.id == _ROW)


class _Read:
    """What a transaction has read."""

    def __init__(self) -> None:
        self.body: Mapping[str, Any] | None = None
        self.value: Mapping[str, Any] | None = None
        self.silences: Mapping[str, Any] | None = None
        self.is_known = False

    def write(self, session: Session) -> None:
        """Nothing: it only holds what was read."""


def body(session: Session) -> Mapping[str, Any] | None:
    """The settings; None where nothing was ever set."""
    return _read(session).body


def value(session: Session) -> Mapping[str, Any]:
    """What is kept of the last fit of the value of customers; empty before one."""
    return _read(session).value or {}


def silences(session: Session) -> Mapping[str, Any]:
    """What is kept of the last look for what has stopped happening; empty before one."""
    return _read(session).silences or {}


def _read(session: Session) -> _Read:
    read = collection_of(session, _Read)
    if not read.is_known:
        kept: Any = session.connection().execute(_KEPT).first() or (None, None, None)
        read.body, read.value, read.silences = kept
        read.is_known = True
    return read


def put(session: Session, body: dict[str, Any], now: datetime) -> None:
    """Keep all settings, as a whole."""
    row = session.get(Setting, _ROW) or Setting(id=_ROW, updated_at=now)
    row.body, row.updated_at = body, now
    _keep(session, row)


def put_value(session: Session, value: dict[str, Any], now: datetime) -> None:
    """Keep what a fit found; the settings stay as they are."""
    row = session.get(Setting, _ROW) or Setting(id=_ROW, updated_at=now)
    row.value = value
    _keep(session, row)


def put_silences(session: Session, found: dict[str, Any], now: datetime) -> None:
    """Keep what a look found; the settings stay as they are."""
    row = session.get(Setting, _ROW) or Setting(id=_ROW, updated_at=now)
    row.silences = found
    _keep(session, row)


def _keep(session: Session, row: Setting) -> None:
    session.add(row)
    session.flush()
    collection_of(session, _Read).is_known = False
