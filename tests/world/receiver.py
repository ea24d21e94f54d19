"""The provider: it counts what it has accepted, and misbehaves as it is told. No mail is handed over twice: it says so.

A mail that has left its process may arrive although that is dead, or has lost the lane, up to `longest` after it left.
"""

import asyncio
from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

import detangle

from mail.message import Mail
from mail.providers.sender import (
    Accepted,
    Evidence,
    MailRefused,
    MaybeSent,
    MayGo,
    Misconfigured,
    NotSent,
    SendOutcome,
    Withheld,
    always,
)

if TYPE_CHECKING:
    from tests.world.process import Process
    from tests.world.world import World

LONGEST = timedelta(seconds=30)


class Receiver:
    """Everybody's inbox."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.accepted: Counter[str] = Counter()
        self.inboxes: defaultdict[str, list[str]] = defaultdict(list)
        self.in_flight = 0

    def of(self, process: "Process") -> "Connection":
        """As one process reaches it."""
        return Connection(self, process)

    def accept(self, mail: Mail) -> None:
        """It is ours now, once."""
        self.accepted[mail.send_id] += 1
        self.inboxes[mail.to].append(mail.send_id)
        self.world.holds(lambda: self.world.invariants.after_acceptance(mail))
        self.world.reports_follow(mail.send_id)

    async def arrive_late(self, mail: Mail, seconds: float) -> None:
        """A mail that was on its way arrives, whoever may have died."""
        self.in_flight += 1
        try:
            await asyncio.sleep(seconds)
            self.world.faults.sometimes("a late mail arrived")
            self.accept(mail)
        finally:
            self.in_flight -= 1


class Connection:
    """`mail.providers.sender.MailSender` of one process."""

    name = "provider"
    at_once = 1
    longest = LONGEST

    def __init__(self, receiver: Receiver, process: "Process") -> None:
        self._receiver, self._process, self._world = receiver, process, receiver.world

    async def send(self, mail: Mail, may_go: MayGo = always) -> SendOutcome:
        """One attempt."""
        self._process.passes("before provider")
        receiver, loop, left = self._receiver, asyncio.get_running_loop(), 0.0
        receiver.in_flight += 1
        try:
            await self._on_the_way()
            if not await may_go():
                self._world.faults.sometimes("a mail was withheld")
                return Withheld()
            self._process.lives()
            left = loop.time()
            outcome = await self._answer(mail, self._world.faults.provider())
            left = 0.0
            self._process.passes("after provider")
            return outcome
        finally:
            receiver.in_flight -= 1
            if left and not self._process.alive and detangle.flip(0.5):
                longest = left + LONGEST.total_seconds() - loop.time()
                late = min(detangle.choice((0.1, 8.0, 25.0)), longest)
                detangle.spawn(receiver.arrive_late(mail, late), host="outside")

    async def _on_the_way(self) -> None:
        """A server takes its time, or the process is stopped before the mail leaves, and Temporal hears nothing."""
        if self._world.faults.calm:
            return await asyncio.sleep(0.01)
        seconds = detangle.choice((0.01, 0.01, 0.2, 7.0, 70.0))
        self._process.cut_off = self._process.cut_off or seconds > 60.0
        await asyncio.sleep(seconds)
        if seconds > 60.0:
            self._process.cut_off = False
            self._world.faults.sometimes("a process was starved")

    async def _answer(self, mail: Mail, what: str) -> SendOutcome:
        await asyncio.sleep(0.05)
        self._process.passes("in provider")
        match what:
            case "late":
                await asyncio.sleep(8.0)
            case "later than a heartbeat":  # Temporal hears nothing meanwhile: another takes the lane
                self._process.cut_off = True
                await asyncio.sleep(25.0)
                self._process.cut_off = False
            case "reset":
                return MaybeSent(explanation="reset")
            case "busy":
                return NotSent(wait=timedelta(seconds=5))
            case "away":
                return NotSent(wait=timedelta(seconds=5), unreachable=True)
            case "refused":
                return MailRefused()
            case "key refused":
                return Misconfigured(explanation="401")
            case _:
                pass
        self._receiver.accept(mail)
        if what == "taken, then an error":
            raise ConnectionError("the sender broke its promise")
        if what == "taken, then reset":
            return MaybeSent(explanation="reset")
        return Accepted(provider_id=f"p-{mail.send_id}")

    async def look_up(self, send_id: str) -> Evidence:
        """Its log is complete at every moment, or late."""
        self._process.lives()
        await asyncio.sleep(0.01)
        found: Evidence = "accepted" if self._receiver.accepted[send_id] else "absent"
        told: Evidence = found if detangle.flip(0.6) else "unknowable"
        self._world.faults.sometimes(f"evidence: {told}")
        return told

    async def close(self) -> None:
        """Nothing is kept open."""
