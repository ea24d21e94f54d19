"""The pulses of parts: when each last did a round. A part that does no work is known by the age of its pulse."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, select

from store import bulk
from store.tables.access import Pulse


def beat(session: Session, rounds: Mapping[str, datetime]) -> None:
    """Keep when these parts did their last round (UTC)."""
    bulk.put(session, Pulse, [{"part": part, "at": at} for part, at in sorted(rounds.items())])


def last_rounds(session: Session) -> dict[str, datetime]:
    """When each part that ever ran did its last round, whichever process it was in."""
    return {one.part: one.at for one in session.exec(select(Pulse)).all()}
