"""What became of mails whose fate is unknown: the provider is asked, beside everything else and never in its way."""

import asyncio
from collections.abc import Sequence

import structlog

from activities import meters
from mail.providers.sender import MailSender
from services.messages.sending import sending_ledger
from services.values import Clock
from store.session import Database

EVERY = 5.0
"""Seconds between two pages of look-ups: evidence may come for 24 hours, so nobody is in a hurry."""

AT_ONCE = 4
"""Look-ups under way at a time: they share the provider's limits with the mail itself."""

WITHIN = 30.0
"""Seconds that one look-up may take, longer than a sender waits for its provider; then it is asked again later."""

log = structlog.get_logger("waypost.evidence")


class EvidenceSearch:
    """Looks up the unknown mails of a lane, `LOOKED_UP` of them at a time, by id, round and round."""

    def __init__(self, lane: str, database: Database, sender: MailSender, clock: Clock) -> None:
        self._lane = lane
        self._database = database
        self._sender = sender
        self._clock = clock
        self._looked_up_to = ""

    async def run(self) -> None:
        """Look until cancelled; whatever a page raises, the next one comes."""
        while True:
            try:
                await self.look()
            except Exception as error:
                log.error("evidence_not_sought", lane=self._lane, exc_info=error)
            await asyncio.sleep(EVERY)

    async def look(self) -> int:
        """Ask about one page; return how many mails it had."""
        ids = await asyncio.to_thread(self._unknowns)
        self._looked_up_to = ids[-1] if len(ids) == sending_ledger.LOOKED_UP else ""
        slots = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._ask(send_id, slots) for send_id in ids))
        return len(ids)

    async def _ask(self, send_id: str, slots: asyncio.Semaphore) -> None:
        """One that raises, or takes too long, leaves its mail unknown."""
        async with slots:
            try:
                async with asyncio.timeout(WITHIN):
                    found = await self._sender.look_up(send_id)
                await asyncio.to_thread(self._decide, send_id, found)
            except Exception as error:
                log.error("look_up_failed", message=send_id, lane=self._lane, exc_info=error)
                meters.unexpected("look_up")

    def _unknowns(self) -> Sequence[str]:
        with self._database.reading() as session:
            longest = self._sender.longest
            return sending_ledger.unknowns(session, self._lane, self._clock(), longest, self._looked_up_to)

    def _decide(self, send_id: str, evidence: str) -> None:
        self._database.write(lambda session: sending_ledger.decide_unknown(session, send_id, evidence, self._clock()))
