"""Who is at the other end: the address that a person really has, and whether anything stands between.

`X-Forwarded-For` is read from trusted proxies alone, and from its end: the right-most address that is no proxy of ours
is the person's, since everything to the left of it was written by whoever likes (RFC 7239 says the same of `Forwarded`,
which is not read).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Annotated

from fastapi import Depends, Request

from api.deps.backend import Backend, TheBackend

IPAddress = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

OF_PROGRAMS = re.compile(
    r"accept(-.*)?|authorization|alt-used|cache-control|connection|content-.*|cookie|dnt|host|hx-.*|idempotency-key|if-.*"
    r"|keep-alive|origin|pragma|priority|purpose|range|referer|save-data|sec-.*|te|transfer-encoding"
    r"|upgrade-insecure-requests|user-agent"
)
"""Headers that browsers and programs send by themselves. Proxies have names of their own for what they add, more than
anybody could list: one other header is enough to know that something may stand between."""

HERE = re.compile(r"(localhost|[a-z0-9.-]+\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?")
"""What this machine calls itself. Whoever was brought by a proxy that hands `Host` on asked for another name."""

_PORT = re.compile(r"\[(?P<six>[^\]]+)\](:\d+)?|(?P<four>[^:]+):\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Whoever asks.

    `address` is None where it cannot be told. `direct`: a program on this machine asks, with nobody between. Where the
    installation is known elsewhere nobody is: a proxy that hands on nothing but `Host: 127.0.0.1`, as nginx does by
    itself since 1.29.7, cannot be told from a browser here.
    """

    address: str | None
    direct: bool


def visitor(request: Request, parts: TheBackend) -> Visitor:
    """Who asks."""
    peer = _address(request.client.host) if request.client is not None else None
    claimed = [one for line in request.headers.getlist("x-forwarded-for") for one in line.split(",")]
    address = _behind(peer, claimed, parts.trusted_proxies)
    return Visitor(
        address=str(address) if address is not None else None,
        direct=peer is not None and peer.is_loopback and _known_here_alone(parts) and _from_here(request),
    )


def _known_here_alone(parts: Backend) -> bool:
    """Whether no setting names a proxy, or a name by which somebody from elsewhere would come."""
    return not parts.trusted_proxies and all(HERE.fullmatch(name) for name in parts.hosts)


def _from_here(request: Request) -> bool:
    """Whether nothing tells of a proxy; one that adds no header speaks HTTP/1.0, as nginx does by itself."""
    return (
        request.scope.get("http_version") != "1.0"
        and HERE.fullmatch(request.headers.get("host", "").lower()) is not None
        and all(OF_PROGRAMS.fullmatch(name) for name in request.headers)
    )


TheVisitor = Annotated[Visitor, Depends(visitor)]


def _behind(peer: IPAddress | None, claimed: Sequence[str], trusted: Sequence[Network]) -> IPAddress | None:
    """The last address, from the right, that a proxy of ours vouches for."""
    found = peer
    for text in reversed(claimed):
        if found is None or not any(found in network for network in trusted):
            break
        before = _address(text)
        if before is None:
            break
        found = before
    return found


def _address(text: str) -> IPAddress | None:
    """An address, with or without a port; an IPv4 address in IPv6's clothes is taken out of them."""
    text = text.strip().strip('"')
    port = _PORT.fullmatch(text)
    try:
        read = ip_address(port["six"] or port["four"] if port is not None else text)
    except ValueError:
        return None
    return read.ipv4_mapped or read if isinstance(read, IPv6Address) else read
