"""Addresses on the wire: names of sites in ASCII (IDNA), and whether the rest needs SMTPUTF8 (RFC 6531)."""

from dataclasses import dataclass

import idna


@dataclass(frozen=True, slots=True)
class OnTheWire:
    """An address as a server is told it; `utf8` where it needs SMTPUTF8."""

    text: str
    utf8: bool


def on_the_wire(email: str) -> OnTheWire:
    """The address with its site in ASCII; raise ValueError where that cannot be."""
    local, _, domain = email.rpartition("@")
    try:
        site = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        raise ValueError("the address names no site that can be looked up") from None
    return OnTheWire(f"{local}@{site}", utf8=not local.isascii())
