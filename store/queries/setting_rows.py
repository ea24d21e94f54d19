"""The installation's settings as they are kept: one row, asked for once in a transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from store.session import collection_of
from store.tables.definitions import Setting

_ROW = 1
_BODY: Any = select(Setting.body).where(Setting.id == _ROW)


class _Read:
    """What a transaction has read."""

    def __init__(self) -> None:
        self.body: Mapping[str, Any] | None = None
        self.is_known = False

    def write(self, session: Session) -> None:
        """Nothing: it only holds what was read."""


def body(session: Session) -> Mapping[str, Any] | None:
    """The settings; None where nothing was ever set."""
    read = collection_of(session, _Read)
    if not read.is_known:
        read.body, read.is_known = session.connection().execute(_BODY).scalar(), True
    return read.body


def put(session: Session, body: dict[str, Any], now: datetime) -> None:
    """Keep all settings, as a whole."""
    session.merge(Setting(id=_ROW, body=body, updated_at=now))
    session.flush()
    collection_of(session, _Read).is_known = False
