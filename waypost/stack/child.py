"""A part of the stack as a process: started so that it ends with its supervisor, read to the end, and ended in time."""

import asyncio
import ctypes
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from waypost.stack.process_log import ProcessLog

LAST_LINES = 12
"""Lines of its output that are shown when it dies."""

STOPS_WITHIN = 30.0
"""Seconds: a worker drains for 25 (`waypost.processes.worker.DRAIN`)."""

Check = Callable[[], Awaitable[bool]]
"""Whether something is so by now."""


@dataclass(slots=True)
class Child:
    """A part that runs as a process; `ready` says whether it does its work yet, `log` is where its output goes."""

    name: str
    command: list[str]
    ready: Check
    log: Path
    process: asyncio.subprocess.Process | None = None
    lines: deque[str] = field(default_factory=lambda: deque[str](maxlen=LAST_LINES))

    async def spawn(self) -> None:
        """Start it; raise OSError where the machine refuses it a process."""
        self.process = await asyncio.create_subprocess_exec(
            *self.command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,
            env={"MALLOC_ARENA_MAX": "2", **os.environ, "PYTHONUNBUFFERED": "1"},
        )

    async def copy_output(self) -> None:
        """Read what the process writes, to its end, whatever becomes of the log: it would stand in a pipe unread."""
        assert self.process is not None
        assert self.process.stdout is not None
        log = ProcessLog(self.log)
        try:
            async for raw in _lines(self.process.stdout):
                line = raw.decode(errors="replace").rstrip()
                self.lines.append(line)
                log.keep(line)
        finally:
            log.close()

    def kill(self) -> bool:
        """Kill it at once; whether there was anything to kill."""
        if self.process is None or self.process.returncode is not None:
            return False
        self.process.kill()
        return True

    async def end(self) -> bool:
        """End it, by force where it does not end by itself in time; whether there was anything to end."""
        if self.process is None or self.process.returncode is not None:
            return False
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), STOPS_WITHIN)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        return True


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Line by line; one longer than the reader's buffer comes in parts instead of ending the reading."""
    while True:
        try:
            raw = await stream.readuntil()
        except asyncio.IncompleteReadError as end:
            if end.partial:
                yield end.partial
            return
        except asyncio.LimitOverrunError as long:
            raw = await stream.readexactly(long.consumed)
        yield raw


def _die_with_parent() -> None:
    """Linux: be killed when the supervisor is, so that the next start finds its ports free."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
