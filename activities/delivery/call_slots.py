"""How many calls to a provider may be under way from this process: its lanes share them.

A mail is frozen when a slot is its own, and not before: so whatever is frozen is in a call, and none waits for a
connection behind another. A call that takes LONG (a mail server may look at a mail for ten minutes before it answers)
gives its slot to another and goes on beside it; so many as `lent_at_most` do.
"""

import asyncio

LONG = 20.0
"""Seconds after which a call is no longer one of those that are as they should be."""


class CallSlots:
    """`at_once` calls, and up to `lent_at_most` (twice as many, where nothing is said) that take long."""

    def __init__(self, at_once: int, lent_at_most: int | None = None) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._lent_at_most = 2 * at_once if lent_at_most is None else lent_at_most
        self._long: set[CallSlot] = set()
        self.lent = 0

    def locked(self) -> bool:
        """Whether the next one would have to wait."""
        return self._free.locked()

    async def take(self) -> "CallSlot":
        """A slot, as soon as one is free."""
        await self._free.acquire()
        return CallSlot(self)

    def lend(self, slot: "CallSlot") -> bool:
        """Let another call have this one's slot; False where too many take long already."""
        if self.lent >= self._lent_at_most:
            self._long.add(slot)
            return False
        self.lent += 1
        self._free.release()
        return True

    def give_back(self, slot: "CallSlot", *, lent: bool) -> None:
        """A call has ended; one that waits to lend its slot may do so now."""
        self._long.discard(slot)
        if not lent:
            self._free.release()
            return
        self.lent -= 1
        if self._long:
            self._long.pop().lend()


class CallSlot:
    """One call's slot."""

    def __init__(self, slots: CallSlots) -> None:
        self._slots = slots
        self._lent = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """The call begins now; when it has taken LONG its slot is lent."""
        self._timer = asyncio.get_running_loop().call_later(LONG, self.lend)

    def lend(self) -> None:
        """Let another call have the slot."""
        self._lent = self._slots.lend(self)

    def release(self) -> None:
        """The call has ended, or never began."""
        if self._timer is not None:
            self._timer.cancel()
        self._slots.give_back(self, lent=self._lent)
