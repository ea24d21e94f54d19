"""Topics: what a customer can unsubscribe from, and on what terms mail about it goes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from sqlmodel import Session

from journeys.facts import calendar
from journeys.program.nodes import SendNode
from journeys.program.program import Program
from services.errors import InvalidInput, NotFound, Refused
from services.installation.installation_settings import CapIn
from store.tables.definitions import JourneyVersion, Topic

ConsentRule = Literal["opt_in", "opt_out", "double_opt_in"]
"""Whether mail needs a yes, needs no no, or needs a yes that was confirmed by a link in a mail."""


def get(session: Session, key: str) -> Topic:
    """The terms of a topic; raise NotFound where it has none, though mail may belong to it."""
    found = session.get(Topic, key)
    if found is None:
        raise NotFound(f"there is no topic {key!r}")
    return found


def label(session: Session, key: str, wanted: Sequence[str] = ()) -> str:
    """What customers read as the name of a topic; see `label_of`."""
    return label_of(session.get(Topic, key), key, wanted)


def label_of(row: Topic | None, key: str, wanted: Sequence[str] = ()) -> str:
    """What customers read as the name of a topic: its name, else its key in words.

    `wanted` are the languages of whoever reads it, the best first, the last the installation's: that of its `name`.
    """
    names = row.names if row is not None else {}
    for tag in wanted:
        if tag in names:
            return names[tag]
        if tag == wanted[-1]:
            break
    return row.name if row is not None and row.name else key.replace("-", " ").replace("_", " ")


def put(
    session: Session,
    key: str,
    *,
    name: str | None,
    consent: ConsentRule,
    transactional: bool,
    cap: CapIn | None,
    now: datetime,
    names: Mapping[str, str] | None = None,
) -> Topic:
    """Create or change a topic, as a whole. Raise InvalidInput where transactional mail would ask for consent."""
    if transactional and consent != "opt_out":
        raise InvalidInput("transactional mail asks for no consent", "consent")
    found = session.get(Topic, key) or Topic(key=key, created_at=now, updated_at=now)
    found.name, found.consent, found.transactional, found.updated_at = name, consent, transactional, now
    found.names = dict(names or {})
    found.cap_max = cap.max if cap else None
    found.cap_seconds = int(calendar.parse_span(cap.per).elapsed.total_seconds()) if cap else None
    session.add(found)
    session.flush()
    return found


def pause(session: Session, key: str, now: datetime) -> Topic:
    """Hold all mail about a topic, which need have no terms; what is planned waits. Raise Refused where it is held."""
    found = session.get(Topic, key) or Topic(key=key, created_at=now, updated_at=now)
    if found.paused_at is not None:
        raise Refused(f"the topic {key!r} is paused already")
    found.paused_at = found.updated_at = now
    session.add(found)
    session.flush()
    return found


def resume(session: Session, key: str, now: datetime) -> Topic:
    """Let it go again, its alarm forgotten. Raise Refused where it is not held."""
    found = get(session, key)
    if found.paused_at is None:
        raise Refused(f"the topic {key!r} is not paused")
    found.paused_at, found.alarm, found.updated_at = None, None, now
    session.add(found)
    return found


def delete(session: Session, key: str, used_by: list[str]) -> None:
    """Remove a topic's terms; what customers said about it stays.

    `used_by` are the journeys that send mail about it; raise Refused where there are any.
    """
    found = get(session, key)
    if used_by:
        raise Refused(f"mail of {', '.join(used_by)} belongs to the topic {key!r}; publish these without it first")
    session.delete(found)


def used_by(live: Sequence[tuple[JourneyVersion, Program]], key: str) -> list[str]:
    """The keys of the live journeys that send mail about this topic."""
    return [
        version.journey
        for version, program in live
        if any(isinstance(node, SendNode) and node.terms.topic == key for node in program.nodes.values())
    ]
