"""Which addresses outside may be called: what Python calls global holds more than the public internet.

Each of these leads, or may lead, back into the own network, or to nobody in particular. Sources: the IANA registries of
special-purpose addresses (RFC 6890) and the RFCs named beside each.

A name is looked up here before anything is connected to, and every one of its addresses must be reachable: a name that
has one inside the own network beside one outside is nobody's by mistake.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

SPECIAL_4 = (
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

AT_ONCE = 16
"""Names looked up at a time, each in a thread, since a resolver may take half a minute; a name has one at most."""

ResolveName = Callable[[str, int], Sequence[str]]
"""The addresses of a name and port; raises OSError where it has none."""


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a name, each once, in the resolver's order; it may take half a minute.

    Raise OSError where it has none.
    """
    found = socket.getaddrinfo(host.encode(), port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def is_reachable(hostname: str, address: IPv4Address | IPv6Address, port: int) -> bool:
    """Whether an address belongs to one machine of the public internet; the guard asks with name and port."""
    if not address.is_global:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in SPECIAL_4)
    if address in NAT64:
        return is_reachable(hostname, IPv4Address(address.packed[-4:]), port)
    if address.ipv4_mapped is not None:
        return is_reachable(hostname, address.ipv4_mapped, port)
    return not any(address in network for network in SPECIAL_6)


class Lookups:
    """Looks names up in threads of its own, so that a slow resolver takes none from anybody else."""

    def __init__(self, resolve: ResolveName = resolved) -> None:
        self._resolve = resolve
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lookup")
        self._pending: dict[tuple[str, int], asyncio.Future[Sequence[str]]] = {}

    async def all_reachable(self, host: str, port: int) -> bool:
        """Whether all addresses of a name are; raise OSError where it has none."""
        name = (host, port)
        if name not in self._pending:
            looking = asyncio.get_running_loop().run_in_executor(self._threads, self._resolve, host, port)
            self._pending[name] = looking
            looking.add_done_callback(lambda _: self._forget(name))
        found = await asyncio.shield(self._pending[name])
        return all(is_reachable(host, ip_address(one.partition("%")[0]), port) for one in found)

    def _forget(self, name: tuple[str, int]) -> None:
        """Look at what came of it, too, where whoever waited has gone."""
        done = self._pending.pop(name)
        if not done.cancelled():
            done.exception()

    def close(self) -> None:
        """Wait for nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)
