"""From composed to recorded: each mail is frozen right before it is handed over, handed over once, and recorded.

Freezing asks the fence. It is a compare-and-set on the lane's owner, the mail's fence and its attempt, and only what it
returns is handed over. Mails are frozen in groups as large as there are free calls to the provider, so whatever kills
this process leaves no more of them unknown than were in a call. A freeze vouches for its mails for FRESH seconds: where
the mail itself leaves later (a server that takes its time, a process that was stopped, a machine that is starved) the
sender is made to ask again, and what is another owner's by then is not handed over.

Whatever is raised for one mail is that mail's own result; what the provider said is written down (`recording`).
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from activities import meters
from activities.delivery.call_slots import CallSlot, CallSlots
from activities.delivery.outcomes import result_of
from activities.delivery.recording import Recording, persist
from mail.message import Mail
from mail.providers.sender import MailSender, MaybeSent, MayGo, SendOutcome, Withheld
from services.messages.sending import sending_ledger
from services.messages.sending.circuit_breaker import FAILURES
from services.messages.sending.mail_request import MailRequest
from services.messages.sending.sending_ledger import AttemptResult
from services.values import Clock
from store.session import Database
from store.statuses import MessageStatus
from store.trace_context import OpenSpan

LAST = 5.0
"""Seconds for recording what a worker that is made to stop has heard: it is killed some seconds later."""

FRESH = 5.0
"""Seconds for which a freeze vouches."""

GIVEN_UP = Withheld(explanation="its worker was made to stop")
"""Of a mail that is frozen when nobody will hear what comes of it."""

Frozen = tuple[MailRequest, Mail, CallSlot]
"""A mail that is about to be frozen, with the slot of its call."""

log = structlog.get_logger("waypost.hand_over")


class HandOver:
    """What one owner of a lane hands to the provider. `forget` is called with the send_id of each mail that is done."""

    def __init__(
        self,
        lane: str,
        fence: str,
        database: Database,
        sender: MailSender,
        slots: CallSlots,
        clock: Clock,
        span: OpenSpan,
        forget: Callable[[str], None],
    ) -> None:
        self._lane = lane
        self._fence = fence
        self._database = database
        self._sender = sender
        self._clock = clock
        self._span = span
        self._forget = forget
        self._slots = slots
        self._ready: asyncio.Queue[tuple[MailRequest, Mail]] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._recording = Recording(lane, self._write, self._written, self._turn)
        self._held: dict[str, CallSlot] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._freezing = asyncio.Lock()
        self._given_up = False
        self._loop: asyncio.Task[None] | None = None
        self._failures = 0

    def offer(self, request: MailRequest, mail: Mail) -> None:
        """Freeze this mail when a call to the provider is free, hand it over, and record what came of it."""
        if self._loop is None:
            self._loop = asyncio.create_task(self._keep_freezing())
        self._ready.put_nowait((request, mail))

    def tell(self, result: AttemptResult) -> None:
        """Record the result of a mail that came to its end without the provider."""
        self._recording.keep(result)

    def let_try(self) -> None:
        """Hand over again after failures: the channel is open, or one mail may try whether it is well.

        After FAILURES in a row nothing more is frozen until this is said, however much was offered.
        """
        self._failures = min(self._failures, FAILURES - 1)

    def is_well(self) -> bool:
        """Whether the last attempt that tells of the channel went well."""
        return self._failures == 0

    def takes_long(self) -> bool:
        """Whether a call is under way that may take minutes still."""
        return self._slots.lent > 0 and bool(self._held)

    async def stop(self) -> None:
        """Freeze nothing more. What was offered and is not frozen is certainly unsent; the caller gives it back."""
        if self._loop is not None:
            async with self._freezing:  # what is being frozen is handed over
                self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def finish(self) -> None:
        """Wait for what is with the provider, and record it; one who is cancelled waits no longer, and records."""
        try:
            while self._calls:
                await asyncio.wait(self._calls)
        except asyncio.CancelledError:
            await self.give_up()
            raise
        await self._recording.close()

    async def give_up(self) -> None:
        """Record what was heard, and wait for nothing that is with the provider still.

        What is being frozen at this instant is withheld, and says so: nobody will be there to hear of it.
        """
        self._given_up = True
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST
        stopping = asyncio.create_task(self.stop())
        await self._recording.close(LAST)  # whoever's turn it is
        await asyncio.wait({stopping}, timeout=max(0.0, until - loop.time()))
        for task in filter(None, (stopping, self._loop)):
            task.cancel()
        await self._recording.close(max(0.0, until - loop.time()))

    def failed(self) -> BaseException | None:
        """What ended the freezing or the recording, None while both go on."""
        loop = self._loop
        if loop is not None and loop.done() and not loop.cancelled():
            return loop.exception()
        return self._recording.failed()

    # -- freezing ------------------------------------------------------------------------------------------------------

    async def _keep_freezing(self) -> None:
        while True:
            request, mail = await self._ready.get()
            slot, mine = await self._slots.take(), True
            try:
                async with self._turn, self._freezing:
                    mine = False
                    await self._freeze_all_that_is_ready(request, mail, slot)
            except asyncio.CancelledError:
                if mine:  # it stops while others are frozen or recorded, or right behind them
                    slot.release()
                raise

    async def _freeze_all_that_is_ready(self, request: MailRequest, mail: Mail, slot: CallSlot) -> None:
        if self._failures >= FAILURES:
            slot.release()
            self._put_back(mail)
        else:
            await self._freeze_and_go([(request, mail, slot), *await self._as_many_as_calls_are_free()])

    async def _as_many_as_calls_are_free(self) -> list[Frozen]:
        more: list[Frozen] = []
        while not self._ready.empty() and not self._slots.locked():
            slot = await self._slots.take()  # at once, since one is free
            more.append((*self._ready.get_nowait(), slot))
        return more

    async def _freeze_and_go(self, group: Sequence[Frozen]) -> None:
        asked = asyncio.get_running_loop().time()
        try:
            mine = await persist("freeze", self._lane, lambda: self._freeze(group))
        except Exception as error:
            return await self._freeze_each(group, error)
        for request, mail, slot in group:
            if mail.send_id in mine and self._given_up:
                self._held[mail.send_id] = slot
                self.tell(result_of(mail.send_id, self._sender.name, GIVEN_UP))
            elif mail.send_id in mine:
                call = asyncio.create_task(self._hand_over(request, mail, slot, asked))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)
            else:
                log.warning("mail_of_another_owner", message=mail.send_id, lane=self._lane)
                slot.release()
                self._forget(mail.send_id)

    async def _freeze_each(self, group: Sequence[Frozen], error: Exception) -> None:
        """Something unexpected was raised for one of a group: its neighbours are frozen, each by itself."""
        if len(group) > 1:
            for one in group:
                await self._freeze_and_go([one])
            return
        ((_, mail, slot),) = group
        log.error("mail_not_frozen", message=mail.send_id, lane=self._lane, exc_info=error)
        meters.unexpected("freeze")
        slot.release()
        self.tell(
            AttemptResult(
                send_id=mail.send_id,
                status=MessageStatus.FAILED,
                reason="unexpected_error",
                explanation=type(error).__name__,
            )
        )

    def _freeze(self, group: Sequence[Frozen]) -> set[str]:
        mails = [(mail, request.attempt) for request, mail, _ in group]
        return self._database.write(
            lambda session: sending_ledger.freeze(session, self._lane, self._fence, mails, self._clock())
        )

    def _put_back(self, mail: Mail) -> None:
        """Certainly unsent: another claim may have it, at once."""
        self.tell(
            AttemptResult(send_id=mail.send_id, status=MessageStatus.PLANNED, reason="provider_busy", wait=timedelta())
        )

    # -- handing over --------------------------------------------------------------------------------------------------

    async def _hand_over(self, request: MailRequest, mail: Mail, slot: CallSlot, asked: float) -> None:
        slot.begin()
        self._held[mail.send_id] = slot
        result = await self._traced(request, mail, lambda: self._still_mine(request, mail, slot, asked))
        if result.said is not None and result.said.heard != "nothing":
            self._failures = self._failures + 1 if result.said.heard != "well" else 0
        self.tell(result)

    def _written(self, send_id: str) -> None:
        """The call of a mail is over when its outcome is written: so no more are ever frozen than there are slots."""
        slot = self._held.pop(send_id, None)
        if slot is not None:
            slot.release()
        self._forget(send_id)

    async def _still_mine(self, request: MailRequest, mail: Mail, slot: CallSlot, asked: float) -> bool:
        """Ask the fence anew where the last answer is not fresh, until one is when it comes."""
        loop = asyncio.get_running_loop()
        if self._given_up:
            return False
        while loop.time() - asked > FRESH:
            asked = loop.time()
            mine = await persist("freeze", self._lane, lambda: self._freeze([(request, mail, slot)]))
            if mail.send_id not in mine:
                log.warning("mail_of_another_owner", message=mail.send_id, lane=self._lane)
                return False
        return True

    async def _traced(self, request: MailRequest, mail: Mail, may_go: MayGo) -> AttemptResult:
        if request.trace is None:
            return result_of(mail.send_id, self._sender.name, await self._send(mail, may_go))
        with self._span("deliver", request.trace, message=mail.send_id, lane=self._lane) as span:
            result = result_of(mail.send_id, self._sender.name, await self._send(mail, may_go))
            if span is not None:
                span.set_attribute("outcome", result.status)
            return result

    async def _send(self, mail: Mail, may_go: MayGo) -> SendOutcome:
        """One attempt. A sender that raises broke its promise; nobody can tell how far it had come."""
        try:
            return await self._sender.send(mail, may_go)
        except Exception as error:
            log.error("sender_raised", message=mail.send_id, lane=self._lane, exc_info=error)
            meters.unexpected("send")
            return MaybeSent(explanation=f"the sender failed: {type(error).__name__}")

    def _write(self, results: Sequence[AttemptResult]) -> None:
        now, channel = self._clock(), self._sender.name
        self._database.write(lambda session: sending_ledger.record(session, self._fence, results, now, channel))
