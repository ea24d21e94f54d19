"""The one reader of hosts: which of them are an address, and whether that is one machine of the public internet.

What Python calls global holds more than that: each of the networks below leads, or may lead, back into the own network,
or to nobody in particular. Sources: the IANA registries of special-purpose addresses (RFC 6890) and the RFCs named
beside each. No name is looked up here.
"""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

SPECIAL_4 = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments, RFC 6890; some releases of Python except a few of them
    IPv4Network("192.88.99.0/24"),  # relays of 6to4, RFC 7526
    IPv4Network("224.0.0.0/4"),  # multicast, RFC 5771
)
"""Networks of IPv4 that Python calls global, and that are no single machine outside."""

SPECIAL_6 = (
    IPv6Network("::/96"),  # IPv4-compatible, RFC 4291
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of the own network, RFC 8215
    IPv6Network("2001::/32"),  # Teredo, RFC 4380: holds an IPv4 address
    IPv6Network("2002::/16"),  # 6to4, RFC 3056: holds an IPv4 address
    IPv6Network("3fff::/20"),  # documentation, RFC 9637
    IPv6Network("5f00::/16"),  # segment routing, RFC 9602
    IPv6Network("fec0::/10"),  # site-local, RFC 3879
    IPv6Network("ff00::/8"),  # multicast, RFC 4291
)
"""The same of IPv6."""

NAT64 = IPv6Network("64:ff9b::/96")
"""Leads to the IPv4 address in its last four bytes, RFC 6052."""


def address_in(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is written as, also as resolvers take it (`127.1`, `0x7f000001`); None for a name."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host)) if host[-1:].isalnum() else None
    except (OSError, UnicodeError):
        return None


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address belongs to one machine of the public internet."""
    if not address.is_global:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in SPECIAL_4)
    if address in NAT64:
        return is_public(IPv4Address(address.packed[-4:]))
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    return not any(address in network for network in SPECIAL_6)
