"""Which names outside may be called: those whose every address is one machine of the public internet.

A name is looked up here before anything is connected to, and every one of its addresses must be reachable: a name that
has one inside the own network beside one outside is nobody's by mistake.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address

from readers.hosts import is_public

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
    return is_public(address)


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
