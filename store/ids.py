"""The ids of rows and workflows, in one place: what is made the same way is the same thing."""

import hashlib
import os
import time
from functools import lru_cache

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(one + other for one in _ALPHABET for other in _ALPHABET)


def new_id(prefix: str) -> str:
    """An opaque id that sorts by the time it was made: `cus_` and 24 characters of base 32, 70 of its bits random."""
    millisecond = time.time_ns() // 1_000_000
    number = ((millisecond & 255) << 72) | int.from_bytes(os.urandom(9))
    return f"{prefix}_{_begin(millisecond >> 8)}{''.join([_PAIRS[(number >> place) & 1023] for place in _PLACES])}"


_PLACES = tuple(range(70, -1, -10))


@lru_cache(maxsize=4)
def _begin(quarter: int) -> str:
    """The first characters of an id, the same for a quarter of a second."""
    return "".join(_PAIRS[(quarter >> place) & 1023] for place in (30, 20, 10, 0))


def workflow_id(journey: str, customer: str, key: str, run: int) -> str:
    """The id of an enrollment's workflow; nothing in it is personal, so of a key only a hash."""
    keyed = f"{hashlib.sha256(key.encode()).hexdigest()[:16]}/" if key else ""
    return f"enrollment/{journey}/{customer}/{keyed}{run}"
