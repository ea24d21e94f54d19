"""Connections of clients to the API: how many there are, and how long one may hold its place without asking anything.

A client that sends its head a byte at a time, or nothing, or goes on with the body of what was answered long ago, has
HEAD_SECONDS. Where all places are taken, whoever has asked nothing for longest makes room: the slow are let go, and the
others are served. How long an answer may take is for `api.edge.limits` to say.
"""

import asyncio
import time

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""From the first moment in which nothing is asked, to the end of the next head."""

MOST = 600
"""Connections of one process: well below the 1,024 files that a process may usually open."""

TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedConnection(H11Protocol):
    """One connection, let go where its client is too slow, or others need its place more."""

    _since = 0.0
    _slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take a place; where there is none, of whoever has asked nothing for longest."""
        super().connection_made(transport)
        self._begin_to_wait()
        if len(self.connections) > MOST:
            self._oldest_that_asks_nothing().let_go()

    def data_received(self, data: bytes) -> None:
        """Time runs on while the head comes, however small its pieces are."""
        super().data_received(data)
        if not self.asks_nothing():
            self._end_to_wait()
        elif self._slow is None:
            self._begin_to_wait()

    def on_response_complete(self) -> None:
        """From now on it asks nothing; uvicorn lets a connection go that says nothing at all for five seconds."""
        super().on_response_complete()
        self._since = time.monotonic()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits any more."""
        self._end_to_wait()
        super().connection_lost(exc)

    def asks_nothing(self) -> bool:
        """Whether no request of this client is under way."""
        return not self.cycle or self.cycle.response_complete

    def let_go(self) -> None:
        """Say so where the protocol has a place for it, and close at once, whether or not the client reads."""
        if self.conn.our_state is h11.IDLE:
            self.transport.write(TOO_SLOW)
            self.transport.close()
        else:
            self.transport.abort()

    def _oldest_that_asks_nothing(self) -> "BoundedConnection":
        """This one itself where all the others are being answered: it came last."""
        waiting = [one for one in self.connections if isinstance(one, BoundedConnection) and one._can_go()]
        return min(waiting, key=lambda one: one._since, default=self)

    def _can_go(self) -> bool:
        return self.asks_nothing() and not self.transport.is_closing()

    def _begin_to_wait(self) -> None:
        self._since = time.monotonic()
        self._slow = self.loop.call_later(HEAD_SECONDS, self.let_go)

    def _end_to_wait(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None
