"""An SMTP server that counts: what it accepted by send_id, and how many mails were being given to it at an instant."""

import asyncio
import random
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

_ID = re.compile(rb"^Message-ID: <([^@>]+)@", re.MULTILINE | re.IGNORECASE)
_SUBJECT = re.compile(rb"^Subject: ([^\r\n]*)", re.MULTILINE | re.IGNORECASE)


@dataclass(slots=True)
class SmtpSink:
    """Accepts everything, each after up to `seconds`. A mail counts when its last byte is there, whoever hears the yes.

    `got` are mails by their send_id, `ended` when the data of each were there, `letters` by recipient and subject, for
    whoever knows no ids of ours. `begun` are the recipients that were ever named; `history` says how many mails were
    under way (from MAIL to the answer after the data), as (instant, how many). Instants are by `time.time`.
    """

    seconds: float = 0.3
    port: int = 0
    got: Counter[str] = field(default_factory=Counter[str])
    letters: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    ended: dict[str, float] = field(default_factory=dict[str, float])
    begun: Counter[str] = field(default_factory=Counter[str])
    history: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    under_way: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _up: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen on a free port, in a thread."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._up.wait(10)

    def stop(self) -> None:
        """Listen no longer; every connection is closed then."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._thread = None

    def under_way_between(self, first: float, last: float) -> int:
        """How many different mails were under way at any instant between two, by `time.time`."""
        earlier = [count for when, count in self.history if when <= first][-1:]
        counts = [*(earlier or [0]), *(count for when, count in self.history if first < when <= last)]
        return counts[0] + sum(after > before for before, after in pairwise(counts))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        self._loop.run_forever()
        server.close()
        for one in asyncio.all_tasks(self._loop):
            one.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.1))  # in which what was cancelled closes its connection
        self._loop.close()

    def _now_under_way(self, by: int) -> None:
        self.under_way += by
        self.history.append((time.time(), self.under_way))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        giving, recipient = False, ""
        try:
            writer.write(b"220 sink\r\n")
            while line := await reader.readline():
                command = line[:4].upper()
                if command == b"MAIL" and not giving:
                    giving = True
                    self._now_under_way(1)
                if command == b"RCPT":
                    recipient = line.decode().partition("<")[2].partition(">")[0]
                    self.begun[recipient] += 1
                if command == b"DATA":
                    writer.write(b"354 go on\r\n")
                    await self._take(recipient, await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"221 bye\r\n" if command == b"QUIT" else b"250 OK\r\n")
                await writer.drain()
                if giving and command in (b"DATA", b"RSET"):
                    giving = False
                    self._now_under_way(-1)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # it went away, or nobody listens any longer
        finally:
            if giving:
                self._now_under_way(-1)
            writer.close()

    async def _take(self, recipient: str, mail: bytes) -> None:
        found, subject = _ID.search(mail), _SUBJECT.search(mail)
        assert found is not None
        self.got[found.group(1).decode()] += 1
        self.ended[found.group(1).decode()] = time.time()
        self.letters[recipient, subject.group(1).decode() if subject else ""] += 1
        await asyncio.sleep(random.uniform(0, self.seconds))
