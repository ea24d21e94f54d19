"""The proof: an installation of its own mails while its processes die, and what arrived is counted at the receiver.

It lives in a temporary folder, on free ports, and knows nothing of any other: neither its settings nor its `.env`. The
receiver is an SMTP server of its own, so nothing leaves the machine. A mail of which nobody can tell whether it went is
`unknown`: it may have arrived or not, and is never sent again by itself.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from waypost.chaos.kills import kills
from waypost.chaos.smtp_sink import SmtpSink
from waypost.chaos.traffic import KEY, STOPPED, Traffic
from waypost.client.installation import client
from waypost.errors import ApiProblem, CannotStart, Unreachable
from waypost.settings import Settings
from waypost.stack.free_port import free_port
from waypost.stack.stack import Stack

SETTLES_WITHIN = 900.0
"""Seconds after the last kill: a lane is taken over within one of them, and a channel that closed opens within five."""

MOST_LISTED = 100
"""Unknown mails that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosResult:
    """What was due, and what became of it at the receiver; `unknown_mails` are ids, `seconds` all that it took."""

    due: int
    accepted: int
    lost: int
    duplicated: int
    unexpected: int
    unknown: int
    kills: int
    seconds: float
    unknown_mails: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing was lost and nothing doubled."""
        return self.lost == self.duplicated == self.unexpected == 0

    def as_json(self) -> dict[str, Any]:
        """The same as an object."""
        return {**asdict(self), "unknown_mails": list(self.unknown_mails)}


def prove(folder: Path, mails: int, seed: int, least: int) -> ChaosResult:
    """Run it in an empty folder; at least so many kills. Raises CannotStart where it does not start.

    The process is given over to it: its environment and working directory are those of the installation.
    """
    sink = SmtpSink(seconds=0.1)
    sink.start()
    try:
        settings = _installation(folder, sink.port)
        return asyncio.run(Chaos(settings, Traffic(mails=mails), sink).run(seed, least))
    finally:
        sink.stop()


def _installation(folder: Path, smtp_port: int) -> Settings:
    """Settings of its own: whatever the environment says of another installation is forgotten first."""
    for name in [one for one in os.environ if one.startswith(("WAYPOST_", "SENDGRID_"))]:
        del os.environ[name]
    os.chdir(folder)
    ports = ("WAYPOST_PORT", "WAYPOST_TEMPORAL_PORT", "WAYPOST_TEMPORAL_UI_PORT")
    os.environ |= {
        **{name: str(free_port()) for name in ports},
        "WAYPOST_HOME": str(folder / "home"),
        "WAYPOST_PROVIDER": "smtp",
        "WAYPOST_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
        "WAYPOST_SENDER": "Chaos <chaos@chaos.example>",
        "WAYPOST_POSTAL_ADDRESS": "1 Example Street, 10115 Berlin",
        "WAYPOST_PUBLIC_URL": "http://127.0.0.1:1",
    }
    return Settings()


class Chaos:
    """One run."""

    def __init__(self, settings: Settings, traffic: Traffic, sink: SmtpSink) -> None:
        self._settings, self._traffic, self._sink = settings, traffic, sink
        self._due = traffic.due()
        self._kills = 0

    async def run(self, seed: int, least: int) -> ChaosResult:
        """Start, mail, kill, let it settle, count."""
        began = time.monotonic()
        home = self._settings.home
        self._traffic.write_templates(self._settings.template_folder)
        with (home.parent / "up.log").open("w") as log:
            stack = Stack(self._settings, Console(file=log))
            running = asyncio.create_task(stack.run())
            try:
                await self._started(stack, running)
                sending = asyncio.create_task(asyncio.to_thread(self._send, stack.stopping.is_set))
                await self._kill(stack, running, seed, least)
                await sending
                await self._settle(running)
                if running.done():
                    raise CannotStart(STOPPED)
                unsure = await asyncio.to_thread(self._unknown)
            finally:
                stack.stopping.set()
                with suppress(asyncio.CancelledError):
                    await running
        return self._counted(unsure, time.monotonic() - began)

    async def _started(self, stack: Stack, running: "asyncio.Task[None]") -> None:
        started = asyncio.create_task(stack.started.wait())
        await asyncio.wait({started, running}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if running.done():
            running.result()
            raise CannotStart("it was stopped before it had begun")

    def _send(self, is_over: Callable[[], bool]) -> None:
        with client(self._settings) as waypost:
            self._traffic.send(waypost, is_over)

    async def _kill(self, stack: Stack, running: "asyncio.Task[None]", seed: int, least: int) -> None:
        """Until nearly everything has arrived and there were kills enough, or nothing arrives any more.

        Between two kills something arrives, as long as anything is under way: a machine that is busy elsewhere needs
        longer to be at work again.
        """
        before = -1
        for pause, victims in kills(seed):
            arrived = await self.more_than(before, running)
            if arrived is None or (self._kills >= least and arrived >= len(self._due) * 0.95):
                return
            await asyncio.sleep(pause)
            before = self._arrived()
            self._kills += sum(stack.kill(name) for name in victims)

    def _arrived(self) -> int:
        return len(self._due & self._sink.letters.keys())

    async def more_than(self, before: int, running: "asyncio.Task[None]") -> int | None:
        """How many have arrived, once that is more than before, or nothing is under way; None where nothing more comes.

        What is unknown may never arrive, however long one waits.
        """
        deadline = time.monotonic() + SETTLES_WITHIN
        while time.monotonic() < deadline and not running.done():
            arrived = self._arrived()
            if arrived > before or arrived == len(self._due):
                return arrived
            if arrived >= len(self._due) * 0.95 and await asyncio.to_thread(self._is_settled):
                return self._arrived()
            await asyncio.sleep(0.1)
        return None

    async def _settle(self, running: "asyncio.Task[None]") -> None:
        deadline = time.monotonic() + SETTLES_WITHIN
        while time.monotonic() < deadline and not running.done():
            if await asyncio.to_thread(self._is_settled):
                return
            await asyncio.sleep(1)

    def _is_settled(self) -> bool:
        """Whether nobody is under way any more; not while the API cannot say."""
        with client(self._settings) as waypost, suppress(Unreachable, ApiProblem):
            books = waypost.reconciliation()
            waiting = any(one["messages"]["waiting"] for one in (*books["journeys"], *books["broadcasts"]))
            under_way = waiting or any(one["live"] for one in books["journeys"]) or books["on_their_way"]
            return not under_way and waypost.broadcast(KEY)["status"] == "sent"
        return False

    def _unknown(self) -> list[tuple[str, str, str]]:
        """Mails that the ledger calls unknown: their ids, recipients and subjects."""
        with client(self._settings) as waypost:
            found = [one for status in ("unknown", "parked") for one in waypost.messages(status=status)]
        return [(one["id"], one["email"] or "", one["template"].removeprefix("chaos_")) for one in found]

    def _counted(self, unsure: Sequence[tuple[str, str, str]], seconds: float) -> ChaosResult:
        """At the receiver; the ledger is asked alone what it calls unknown."""
        letters = Counter(self._sink.letters)
        perhaps = {(email, subject) for _, email, subject in unsure}
        return ChaosResult(
            due=len(self._due),
            accepted=len(self._due & letters.keys()),
            lost=len(self._due - letters.keys() - perhaps),
            duplicated=sum(count - 1 for count in letters.values()),
            unexpected=len(letters.keys() - self._due),
            unknown=len(unsure),
            kills=self._kills,
            seconds=round(seconds, 1),
            unknown_mails=tuple(send_id for send_id, _, _ in unsure[:MOST_LISTED]),
        )
