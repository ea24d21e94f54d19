"""`waypost up`: one command supervises the Temporal dev server, the API and the worker.

Each part is a child process with a log of its own in HOME/logs; one that dies is restarted, with its last lines shown.
Children end with their supervisor, however it ends (Linux tells them).
"""

import asyncio
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import IO

import httpx
from rich.console import Console
from sqlmodel import Session

from services.access import audit_log
from services.access.signing_in import sign_in
from services.messages.sending import held_lanes
from store import migrate
from store.availability import has_room
from store.queries.sending import holds
from waypost.errors import CannotStart
from waypost.processes.admin_key import AdminKey, ensure_admin_key
from waypost.processes.supervision import until
from waypost.settings import Settings
from waypost.stack import home, temporal_server
from waypost.stack.child import Check, Child
from waypost.wiring import Parts, check_catalogues, check_identity, utc_now
from workflows.gateway import TemporalUnavailable

STARTS_WITHIN = 240.0
"""Seconds: a small machine that is busy elsewhere needs a minute for the worker."""

QUIET_AFTER = 10.0
"""Seconds after which a part counts as well, so that its next death is its first."""

ROOM_EVERY = 2.0
"""Seconds between two looks at the room on the disk."""


class Stack:
    """Everything that runs on a laptop; with `hold`, all lanes are held before the worker begins."""

    def __init__(self, settings: Settings, console: Console, *, hold: bool = False) -> None:
        self._hold = hold
        self.settings = settings
        self.console = console
        self.stopping = asyncio.Event()
        self.started = asyncio.Event()
        self._lock: IO[str] | None = None
        self._watchers: dict[asyncio.Future[None], str] = {}
        self._children: list[Child] = []

    async def run(self) -> None:
        """Start, say where everything is, and stay until a signal comes."""
        check_identity(self.settings)
        check_catalogues(self.settings)
        self._lock = home.take(self.settings.home)
        home.check_whole(self.settings.home)
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
            self._watchers[asyncio.create_task(self._watch_room())] = "room"
            if not self.stopping.is_set():
                self._say_where(key, parts)
                self._say_held(parts)
                self.started.set()
            await until(self.stopping, self._watchers)
        finally:
            await self._stop()
            parts.close()

    # -- before anything starts ----------------------------------------------------------------------------------------

    def _prepare(self, parts: Parts) -> AdminKey:
        settings = self.settings
        ports = {"WAYPOST_PORT": settings.port}
        if settings.temporal_address is None:
            ports |= {"WAYPOST_TEMPORAL_PORT": settings.temporal_port, "WAYPOST_TEMPORAL_UI_PORT": settings.ui_port}
            temporal_server.binary()
        home.check_ports(ports)
        migrate.upgrade(parts.database.engine)
        self.console.print(f"[green]✓[/] database   {_without_password(settings.database)}, migrations applied")
        if self._hold:
            parts.database.write(self._hold_lanes)
        settings.make_secrets()
        return ensure_admin_key(parts)

    def _hold_lanes(self, session: Session) -> None:
        held_lanes.hold(session, audit_log.COMMAND_LINE, "waypost up --hold", utc_now())

    def _plan(self, parts: Parts) -> tuple[list[Child], list[Child]]:
        """What must run first, and what then starts together."""
        logs, waypost = self.settings.home / "logs", [sys.executable, "-m", "waypost.processes"]
        others = [
            Child("api", [*waypost, "api"], self._api_ready, logs / "api.log"),
            Child("worker", [*waypost, "worker"], self._worker_ready, logs / "worker.log"),
        ]
        if self.settings.temporal_address is not None:
            return [], others
        command = temporal_server.command(self.settings)
        return [Child("temporal", command, _temporal_ready(parts), logs / "temporal.log")], others

    # -- children ------------------------------------------------------------------------------------------------------

    async def _start(self, child: Child) -> None:
        if self.stopping.is_set():
            return
        self._children.append(child)
        await child.spawn()
        self._watchers[asyncio.create_task(self._watch(child))] = child.name
        await self._await_ready(child)

    def kill(self, name: str) -> bool:
        """Kill a part at once, as a crash would, and have it started again; whether it ran."""
        return any(child.kill() for child in self._children if child.name == name)

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
                await child.spawn()
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
            if await child.end():
                self._say(f"[dim]✓ {child.name} stopped[/]")
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    # -- readiness -----------------------------------------------------------------------------------------------------

    async def _api_ready(self) -> bool:
        return await _answers(f"{self.settings.url}/healthz")

    async def _worker_ready(self) -> bool:
        worker = next(child for child in self._children if child.name == "worker")
        return any("worker_ready" in line for line in worker.lines)

    def _say_where(self, key: AdminKey, parts: Parts) -> None:
        settings, show = self.settings, self.console.print
        show("")
        show(f"  Pages              {settings.url}/", highlight=False)
        first = parts.database.write(lambda session: sign_in.first_admin_link(session, utc_now()))
        if first is not None:
            url = parts.links.sign_in_url(first.id, settings.url)
            show(f"  Sign in            {url}   (once: you become the admin)", highlight=False, soft_wrap=True)
        show(f"  API documentation  {settings.url}/docs", highlight=False)
        if settings.temporal_address is None:
            show(f"  Temporal UI        http://127.0.0.1:{settings.ui_port}/", highlight=False)
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

    def _say_held(self, parts: Parts) -> None:
        with parts.database.reading() as session:
            held = holds.current(session) is not None
        if held:
            self.console.print("[yellow]![/] All lanes are held: nothing goes out until `waypost release`.")
        self.console.print("\nCtrl-C stops everything.")


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


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    return f"{head.partition('://')[0]}://…@{tail}" if at else url
