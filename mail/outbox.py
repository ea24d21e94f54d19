"""The local outbox: a mail catcher for laptops and tests. It counts what it receives and can always be asked."""

import asyncio
from pathlib import Path
from typing import Protocol

from mail.message import Accepted, Mail, Outcome, as_mime
from mail.sender import Evidence


class Inbox(Protocol):
    """Where caught mails are kept (the store, seen from here)."""

    def keep(self, mail: Mail) -> str:
        """Store a mail; return its id in the outbox."""
        ...

    def holds(self, send_id: str) -> bool: ...


class OutboxSender:
    """Keeps each mail as a row and as an `.eml` file."""

    name = "outbox"
    at_once = 100

    def __init__(self, inbox: Inbox, folder: Path) -> None:
        self._inbox = inbox
        self._folder = folder

    async def send(self, mail: Mail) -> Outcome:
        return Accepted(provider_id=await asyncio.to_thread(self._keep, mail))

    async def look_up(self, send_id: str) -> Evidence:
        return "accepted" if await asyncio.to_thread(self._inbox.holds, send_id) else "absent"

    async def close(self) -> None:
        return None

    def _keep(self, mail: Mail) -> str:
        kept = self._inbox.keep(mail)
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{kept}.eml").write_bytes(as_mime(mail).as_bytes())
        return kept
