"""The installation's settings as they are kept: one row, asked for once in a transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from store import dialect
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
    _keep(session, {"body": body, "updated_at": now}, now)


def put_value(session: Session, value: dict[str, Any], now: datetime) -> None:
    """Keep what a fit found; the settings stay as they are."""
    _keep(session, {"value": value}, now)


def put_silences(session: Session, found: dict[str, Any], now: datetime) -> None:
    """Keep what a look found; the settings stay as they are."""
    _keep(session, {"silences": found}, now)


def _keep(session: Session, columns: Mapping[str, Any], now: datetime) -> None:
    statement = dialect.of(session).insert(Setting)
    changed = {name: statement.excluded[name] for name in columns}
    row = {"id": _ROW, "body": {}, "updated_at": now, **columns}
    session.connection().execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed), [row])
    collection_of(session, _Read).is_known = False
