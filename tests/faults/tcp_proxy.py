"""A TCP proxy that does to each connection, by seed, what networks do: it cuts it, lets bytes wait, or loses a part."""

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

KINDS = ("cut", "late", "truncated", "silent")
"""Cut at once after some pieces; each piece late; half of a piece and then cut; nothing passes any more."""

LINGER = struct.pack("ii", 1, 0)
"""Closed so, a connection is reset: what was not read is lost."""


@dataclass(slots=True)
class TcpProxy:
    """Stands before a server: a host and a port, or the path of its socket. `seen` counts what was done.

    Each kind is done once, in some order, before any is done again: where there are few connections, each has its turn.

    `after` is how many pieces pass at most before something may be done to a connection, and `share` says how often it
    is; otherwise as many may pass again, so that no connection is spared for ever. `late` are the seconds that a piece
    waits, and `lasts` how many wait so before their connection is cut. `carried` are the connections through which
    anything went, `hurt` those of them to which something was done.
    """

    target: tuple[str, int] | str
    seed: int = 7
    after: int = 16
    share: float = 1.0
    late: float = 1.5
    lasts: int = 1_000_000
    kinds: tuple[str, ...] = KINDS
    port: int = 0
    calm: bool = False
    seen: Counter[str] = field(default_factory=Counter[str])
    carried: int = 0
    hurt: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _up: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _chance: random.Random = field(default_factory=random.Random)
    _to_do: list[str] = field(default_factory=list[str])
    _open: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    def start(self) -> None:
        """Listen on a free port, in a thread."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._up.wait(10)

    def rest(self) -> None:
        """Do nothing any more; connections that something was done to are cut."""
        self.calm = True
        self._loop.call_soon_threadsafe(self._cut_all)

    def stop(self) -> None:
        """Listen no longer."""
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def fate(self) -> tuple[str, int]:
        """What is done to a connection next ("" for nothing), and behind how many pieces."""
        spared = self._chance.random() >= self.share
        if not spared and not self._to_do:
            self._to_do = self._chance.sample(self.kinds, len(self.kinds))
        return "" if spared else self._to_do.pop(), self._chance.randint(1, self.after)

    def _cut_all(self) -> None:
        for one in list(self._open):
            one.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._chance.seed(self.seed)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        self._loop.run_forever()
        server.close()
        for one in asyncio.all_tasks(self._loop):
            one.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.1))  # in which what was cancelled closes its connections
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fate = _Fate(self, *self.fate())
        try:
            there = self.target
            opened = asyncio.open_unix_connection(there) if isinstance(there, str) else asyncio.open_connection(*there)
            back, forth = await opened
        except OSError:
            writer.close()
            return
        both = (writer, forth)
        self._open.update(both)
        try:
            with suppress(asyncio.CancelledError):  # nobody listens any longer
                await asyncio.gather(fate.carry(reader, forth, both), fate.carry(back, writer, both))
        finally:
            self._open.difference_update(both)
            for one in both:
                one.close()


@dataclass(slots=True)
class _Fate:
    """What becomes of one connection, both ways together."""

    proxy: TcpProxy
    kind: str
    left: int
    carried: bool = False
    hurt: bool = False

    async def carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, both: tuple[asyncio.StreamWriter, ...]
    ) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while piece := await reader.read(65_536):
                if not self.proxy.calm and self._strikes():
                    if self.kind == "late" and self.left > -self.proxy.lasts:
                        await asyncio.sleep(self.proxy.late)
                    elif self.kind == "silent":
                        continue
                    else:
                        piece = piece[: len(piece) // 2] if self.kind == "truncated" else b""
                        writer.write(piece)
                        await writer.drain()
                        return self._reset(both)
                writer.write(piece)
                await writer.drain()
        for one in both:
            one.close()

    def _strikes(self) -> bool:
        """Count a piece; whether something is done to it."""
        self.proxy.carried += not self.carried
        self.carried = True
        self.left -= 1
        if self.left <= 0 and not self.kind:
            self.kind, self.left = self.proxy.fate()
        if self.left > 0 or not self.kind:
            return False
        self.proxy.seen[self.kind] += 1
        self.proxy.hurt += not self.hurt
        self.hurt = True
        return True

    def _reset(self, both: tuple[asyncio.StreamWriter, ...]) -> None:
        for one in both:
            found = one.get_extra_info("socket")
            if self.kind == "cut" and found is not None and found.family != socket.AF_UNIX:
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
            one.close()
