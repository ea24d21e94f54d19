"""By which names a file of events knows its customers."""

from typing import NamedTuple

from services.ingestion.segment_api import IncomingEvent
from store.queries.identity.tombstones import ANONYMOUS, USER, Identifier

ANONYMOUSLY = "anonymous:"
"""What stands before the name of somebody of whom a file has no other id than an anonymous one."""


def name_of(message: IncomingEvent) -> str:
    """Whom a message is about, as a name within one file."""
    return message.user_id or f"{ANONYMOUSLY}{message.anonymous_id}"


def identifier(name: str) -> Identifier:
    """Of which customer that is the name."""
    return (ANONYMOUS, name.removeprefix(ANONYMOUSLY)) if name.startswith(ANONYMOUSLY) else (USER, name)


class NamedOnce(NamedTuple):
    """A name of a file: the so-and-so-manieth in their order from 1, and the first of its lines."""

    number: int
    name: str
    line: int
