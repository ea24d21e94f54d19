"""The local outbox: a mail catcher for laptops and tests. It counts what it receives and can always be asked.

Mails that come together are kept together, in one transaction: that of a broadcast comes by the hundred.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from mail.message import Mail
from mail.providers.sender import Accepted, Evidence, MayGo, SendOutcome, Withheld, always


class Inbox(Protocol):
    """Where caught mails are kept (the store, seen from here)."""

    def keep(self, mails: Sequence[Mail]) -> Sequence[str]:
        """Store mails; return their ids in the outbox, in the same order."""
        ...

    def holds(self, send_id: str) -> bool:
        """Whether this mail was ever caught."""
        ...


class OutboxSender:
    """Keeps each mail in its inbox."""

    name = "outbox"
    at_once = 100
    """A whole batch of a lane (`activities.delivery.lane.BATCH`), which is then kept in one transaction."""
    longest = timedelta(seconds=90)
    """As long as a transaction waits for the write lock (`store.dialects.sqlite.BUSY_MS`), and half of it again."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._waiting: list[tuple[Mail, asyncio.Future[str]]] = []
        self._keeper: asyncio.Task[None] | None = None

    async def send(self, mail: Mail, may_go: MayGo = always) -> SendOutcome:
        """Accepted when it is kept."""
        if not await may_go():
            return Withheld()
        kept: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((mail, kept))
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep_all())
        return Accepted(provider_id=await kept)

    async def look_up(self, send_id: str) -> Evidence:
        """It is complete at every moment, so that what it does not hold was never sent."""
        return "accepted" if await asyncio.to_thread(self._inbox.holds, send_id) else "absent"

    async def close(self) -> None:
        """There is nothing to give up."""

    async def _keep_all(self) -> None:
        """Keep whatever waits, as long as something does."""
        while self._waiting:
            together, self._waiting = self._waiting, []
            try:
                ids = await asyncio.to_thread(self._inbox.keep, [mail for mail, _ in together])
            except Exception as error:
                for _, kept in together:
                    kept.set_exception(error)
            else:
                for (_, kept), name in zip(together, ids, strict=True):
                    kept.set_result(name)
