"""Channels: what is known of each way out, shared by all lanes and workers."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from store.tables.messages import Channel


def listed(session: Session) -> Sequence[Channel]:
    """Every channel that has a row, by name: one that nothing was said of has none."""
    return session.exec(select(Channel).order_by(col(Channel.name))).all()


_LOCKED: Any = select(Channel).where(Channel.name == bindparam("name")).with_for_update()


def locked(session: Session, name: str) -> Channel | None:
    """A channel that nobody else changes until the transaction ends; None where it has no row yet."""
    return session.exec(_LOCKED, params={"name": name}).first()
