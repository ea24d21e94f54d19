"""The hold of all lanes: every statement that finds something to claim asks whether there is one."""

from datetime import datetime

from sqlmodel import Session, select

from store.tables.messages import Hold

_ROW = 1

NOTHING_HELD = ~select(Hold.id).exists()
"""The condition that lanes may claim; it stands in the statement that finds what is due."""


def current(session: Session) -> Hold | None:
    """The hold, where all lanes are held."""
    return session.get(Hold, _ROW)


def place(session: Session, by: str, reason: str, now: datetime) -> Hold:
    """Hold all lanes; the caller knows that they are not held yet."""
    hold = Hold(id=_ROW, since=now, by=by, reason=reason)
    session.add(hold)
    session.flush()
    return hold


def lift(session: Session, hold: Hold) -> None:
    """Let the lanes go."""
    session.delete(hold)
    session.flush()
