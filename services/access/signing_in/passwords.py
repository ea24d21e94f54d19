"""Passwords: kept as argon2id (RFC 9106) in its own text form, which names its cost, and compared outside transactions.

A hash takes 19 MiB and some 20 ms of one core, so few are made at once.
"""

import threading
from functools import cache

from services.errors import InvalidInput

SHORTEST, LONGEST = 12, 1_000
"""Characters: NIST SP 800-63B asks for eight and more where a password is all there is; and a bound for whoever posts
a novel."""

PASSES, MEMORY = 2, 19 * 1024 * 1024
"""The cost of a hash: passes, and bytes (OWASP's first choice for argon2id)."""

AT_ONCE = threading.Semaphore(4)
"""Hashes that are made at the same time in this process: 76 MiB of memory at most."""


def check(password: str, email: str) -> None:
    """Raise InvalidInput where a password is too easy, or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(f"a password has {SHORTEST} to {LONGEST:,} characters", "password")
    if len(set(password)) < 5 or password.lower() in (email, email.partition("@")[0]):
        raise InvalidInput("this password is guessed too easily", "password")


def hashed(password: str) -> str:
    """What is kept of a password."""
    from nacl.pwhash import argon2id  # three megabytes, for whoever uses it

    with AT_ONCE:
        return argon2id.str(password.encode(), opslimit=PASSES, memlimit=MEMORY).decode()


def fits(kept: str | None, password: str) -> bool:
    """Whether this is the password that was kept; it takes as long where none was, so nobody learns who is here."""
    from nacl.exceptions import InvalidkeyError
    from nacl.pwhash import argon2id

    with AT_ONCE:
        try:
            return argon2id.verify((kept or _nobodys()).encode(), password[:LONGEST].encode()) and kept is not None
        except InvalidkeyError:
            return False


@cache
def _nobodys() -> str:
    from nacl.pwhash import argon2id

    return argon2id.str(b"nobody's", opslimit=PASSES, memlimit=MEMORY).decode()
