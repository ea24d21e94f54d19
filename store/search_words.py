"""The words by which a customer is found: parts of their names and of their address, however they are written.

A word is kept whole and from each of its letters on, so that what it begins with is found anywhere in it by an index;
what is left of it is SHORTEST letters at least. The domain of an address is kept from each of its labels on: most
customers share it. Small letters, without accents. Which attributes are names is said by `NAMES`.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

NAMES = ("name", "first_name", "last_name")
"""Attributes that say what somebody is called."""

SHORTEST = 3
"""Letters of the end of a word that is kept: shorter ones would find everybody."""

LONGEST = 64
"""Letters of a word that are kept: as long as the local part of an address may be (RFC 5321)."""

MOST = 100
"""Words of one customer: some ten is usual, and a name that is a novel costs no more than this."""


MOST_WANTED = 10
"""Words of what somebody types that are asked about: each is a look into an index."""


def names(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """What a customer is called, by each of NAMES; a name that is no text is none."""
    found = (attributes.get(name) for name in NAMES)
    return tuple(one for one in found if isinstance(one, str))


def words(email: str | None, called: Sequence[str]) -> frozenset[str]:
    """The words of a customer with this address (in its normal form, or None) who is called so; MOST of them."""
    found = [*_of_address(email or ""), *(part for name in called for part in _ends(_folded(name)))]
    return frozenset(list(dict.fromkeys(found))[:MOST])


def wanted(text: str) -> list[str]:
    """What somebody types, as beginnings of words that must all be there: MOST_WANTED of them, the longest first."""
    parts = {one[:LONGEST] for one in _folded(text).replace("@", " ").split()}
    return sorted(parts, key=lambda one: (-len(one), one))[:MOST_WANTED]


def _of_address(email: str) -> Iterator[str]:
    local, _, domain = _folded(email).rpartition("@")
    yield from _ends(local)
    labels = domain.split(".")
    for index in range(max(1, len(labels) - 1)):
        if label := ".".join(labels[index:])[:LONGEST]:
            yield label


def _ends(text: str) -> Iterator[str]:
    for word in text.split():
        yield word[:LONGEST]
        for index in range(1, len(word) - SHORTEST + 1):
            yield word[index : index + LONGEST]


def _folded(text: str) -> str:
    if text.isascii():
        return text.casefold().replace("\0", " ")
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in plain if not unicodedata.combining(one)).replace("\0", " ")
