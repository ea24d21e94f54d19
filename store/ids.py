"""The ids of rows and workflows, in one place: what is made the same way is the same thing."""

import hashlib
import os
import time
import uuid
from datetime import datetime
from functools import lru_cache

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(one + other for one in _ALPHABET for other in _ALPHABET)


def new_id(prefix: str) -> str:
    """An opaque id that sorts by the time it was made: `cus_` and 24 characters of base 32, 70 of its bits random."""
    millisecond = time.time_ns() // 1_000_000
    number = ((millisecond & 255) << 72) | int.from_bytes(os.urandom(9))
    return f"{prefix}_{_begin(millisecond >> 8)}{''.join([_PAIRS[(number >> place) & 1023] for place in _PLACES])}"


def least_id(prefix: str, at: datetime) -> str:
    """No id that `new_id` makes at an instant or later sorts below it; each made 0.3 s before it, or earlier, does."""
    return f"{prefix}_{_begin(int(at.timestamp() * 1_000) >> 8)}"


_PLACES = tuple(range(70, -1, -10))


@lru_cache(maxsize=4)
def _begin(quarter: int) -> str:
    """The first characters of an id, the same for a quarter of a second."""
    return "".join(_PAIRS[(quarter >> place) & 1023] for place in (30, 20, 10, 0))


_MESSAGES = uuid.UUID("6f1d2c0a-51c5-5f0e-9d2b-7a3f0f6b1e11")
"""What ids of messages are made under (RFC 9562, version 5). It never changes, or the same step would be another mail.
"""


def message_of_step(enrollment: str, step: str, visit: int) -> str:
    """The id of a message for ever: the same step of the same visit is the same mail."""
    return str(uuid.uuid5(_MESSAGES, f"{enrollment}\0{step}\0{visit}"))


def message_of_broadcast(broadcast: str, customer: str) -> str:
    """The same of a broadcast's: it goes to a customer once."""
    return str(uuid.uuid5(_MESSAGES, f"broadcast\0{broadcast}\0{customer}"))


def message_of_question(customer: str, topic: str, at: datetime) -> str:
    """The same of the mail that asks whether a yes to a topic is meant: once for each yes."""
    return str(uuid.uuid5(_MESSAGES, f"confirm\0{customer}\0{topic}\0{at.isoformat()}"))


def workflow_id(journey: str, customer: str, key: str, run: int) -> str:
    """The id of an enrollment's workflow; nothing in it is personal, so of a key only a hash."""
    keyed = f"{hashlib.sha256(key.encode()).hexdigest()[:16]}/" if key else ""
    return f"enrollment/{journey}/{customer}/{keyed}{run}"
