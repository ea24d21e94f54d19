"""By which names a file of events knows its customers."""

from typing import NamedTuple

from services.ingestion.segment_api import IncomingEvent
from store.queries.identity.tombstones import ANONYMOUS, USER, Identifier

ANONYMOUSLY = "anonymous:"
"""What stands before the name of somebody of whom a file has no other id than an anonymous one."""

BY_YOURS = "user:"
"""What stands before an id of yours that begins like one of these two itself."""


def name_of(message: IncomingEvent) -> str:
    """Whom a message is about, as a name within one file."""
    if message.user_id is None:
        return f"{ANONYMOUSLY}{message.anonymous_id}"
    return f"{BY_YOURS}{message.user_id}" if message.user_id.startswith((ANONYMOUSLY, BY_YOURS)) else message.user_id


def identifier(name: str) -> Identifier:
    """Of which customer that is the name."""
    if name.startswith(ANONYMOUSLY):
        return ANONYMOUS, name.removeprefix(ANONYMOUSLY)
    return USER, name.removeprefix(BY_YOURS)


class NamedOnce(NamedTuple):
    """A name of a file: the so-and-so-manieth in their order from 1, and the first of its lines."""

    number: int
    name: str
    line: int
