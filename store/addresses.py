"""The normal form of an email address: the same inbox, however it is written.

The whole of it in small letters and composed (NFC), the domain as it is read (IDNA, UTS 46). Servers may tell letters
of the local part apart, and none does; nothing else about it is guessed, since dots and tags mean something to most.
Whether an address can be written to is not decided here.
"""

import unicodedata

import idna

LONGEST = 320
"""Characters of an address: 64 before the @ and 255 behind it (RFC 3696)."""


def normal(address: str) -> str:
    """The address in its normal form; empty where nothing is left. A domain that is none stays as it is written."""
    text = address.strip().lower()
    if text.isascii() and "xn--" not in text:
        return text[:LONGEST]
    local, at, domain = unicodedata.normalize("NFC", text).rpartition("@")
    return f"{local}{at}{_domain(domain)}"[:LONGEST]


def _domain(written: str) -> str:
    try:
        return idna.decode(idna.encode(written, uts46=True))
    except idna.IDNAError:
        return written
