"""From composed to recorded: each mail is frozen right before it is handed over, handed over once, and recorded.

Freezing asks the fence. It is a compare-and-set on the lane's owner, the mail's fence and its attempt, and only what it
returns is handed over. Mails are frozen in groups as large as there are free calls to the provider, so whatever kills
this process leaves no more of them unknown than were in a call. A freeze vouches for its mails for FRESH seconds; a
hand-over that comes later (a process that was stopped, a machine that is starved) asks again.

Whatever is raised for one mail is that mail's own result; what the provider said is written down however often that
has to be tried.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.exc import OperationalError

from activities import meters
from activities.delivery.outcomes import result_of
from mail.message import Mail
from mail.providers.sender import MailSender, MaybeSent, SendOutcome
from services.messages import sending_ledger
from services.messages.circuit_breaker import FAILURES
from services.messages.mail_request import MailRequest
from services.messages.sending_ledger import AttemptResult
from services.values import Clock
from store.session import Database
from store.statuses import MessageStatus
from store.trace_context import OpenSpan

FRESH = 5.0
"""Seconds for which a freeze vouches: a ninth of the time after which anybody looks for evidence (`GRACE`)."""

TOGETHER = 200
"""Results that are recorded in one transaction at most: two claims of a lane, whose commits one slow disk would hold
up."""

AGAIN = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between two tries to reach the database; the last for ever."""

log = structlog.get_logger("waypost.hand_over")


class HandOver:
    """What one owner of a lane hands to the provider. `forget` is called with the send_id of each mail that is done."""

    def __init__(
        self,
        lane: str,
        fence: str,
        database: Database,
        sender: MailSender,
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
        self._ready: asyncio.Queue[tuple[MailRequest, Mail]] = asyncio.Queue()
        self._results: asyncio.Queue[AttemptResult] = asyncio.Queue()
        self._slots = asyncio.Semaphore(sender.at_once)
        self._calls: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._freezing = asyncio.Lock()
        self._recording = asyncio.Lock()
        self._failures = 0

    def offer(self, request: MailRequest, mail: Mail) -> None:
        """Freeze this mail when a call to the provider is free, hand it over, and record what came of it."""
        self._start()
        self._ready.put_nowait((request, mail))

    def tell(self, result: AttemptResult) -> None:
        """Record the result of a mail that came to its end without the provider."""
        self._start()
        self._results.put_nowait(result)

    def let_try(self) -> None:
        """Hand over again after failures: the channel is open, or one mail may try whether it is well.

        After FAILURES in a row nothing more is frozen until this is said, however much was offered.
        """
        self._failures = min(self._failures, FAILURES - 1)

    async def close(self) -> None:
        """Freeze nothing more; finish what is with the provider, and record it. What is ready goes back."""
        if not self._loops:
            return
        freezing, recording = self._loops
        async with self._freezing:  # what is being frozen is handed over
            freezing.cancel()
        await asyncio.gather(freezing, return_exceptions=True)
        while not self._ready.empty():
            self._put_back(self._ready.get_nowait()[1])
        if self._calls:
            await asyncio.wait(self._calls)
        async with self._recording:  # not in the middle of a transaction
            recording.cancel()
        await asyncio.gather(recording, return_exceptions=True)
        while rest := self._some_results():
            await self._record(rest)

    def failed(self) -> BaseException | None:
        """What ended one of the loops, None while both run."""
        for loop in self._loops:
            if loop.done() and not loop.cancelled():
                return loop.exception()
        return None

    def _start(self) -> None:
        if not self._loops:
            self._loops = [asyncio.create_task(self._keep_freezing()), asyncio.create_task(self._keep_recording())]

    # -- freezing ------------------------------------------------------------------------------------------------------

    async def _keep_freezing(self) -> None:
        while True:
            first = await self._ready.get()
            try:
                await self._slots.acquire()
                await self._freezing.acquire()
            except asyncio.CancelledError:
                self._put_back(first[1])
                raise
            try:
                if self._failures >= FAILURES:
                    self._slots.release()
                    self._put_back(first[1])
                else:
                    await self._freeze_and_go([first, *await self._as_many_as_calls_are_free()])
            finally:
                self._freezing.release()

    async def _as_many_as_calls_are_free(self) -> list[tuple[MailRequest, Mail]]:
        more: list[tuple[MailRequest, Mail]] = []
        while not self._ready.empty() and not self._slots.locked():
            await self._slots.acquire()  # at once, since one is free
            more.append(self._ready.get_nowait())
        return more

    async def _freeze_and_go(self, group: Sequence[tuple[MailRequest, Mail]]) -> None:
        asked = asyncio.get_running_loop().time()
        try:
            mine = await self._persist("freeze", lambda: self._freeze(group))
        except Exception as error:
            return await self._freeze_each(group, error)
        for request, mail in group:
            if mail.send_id in mine:
                call = asyncio.create_task(self._hand_over(request, mail, asked))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)
            else:
                log.warning("mail_of_another_owner", message=mail.send_id, lane=self._lane)
                self._slots.release()
                self._forget(mail.send_id)

    async def _freeze_each(self, group: Sequence[tuple[MailRequest, Mail]], error: Exception) -> None:
        """Something unexpected was raised for one of a group: its neighbours are frozen, each by itself."""
        if len(group) > 1:
            for one in group:
                await self._freeze_and_go([one])
            return
        ((_, mail),) = group
        log.error("mail_not_frozen", message=mail.send_id, lane=self._lane, exc_info=error)
        meters.unexpected("freeze")
        self._slots.release()
        self._results.put_nowait(
            AttemptResult(
                send_id=mail.send_id,
                status=MessageStatus.FAILED,
                reason="unexpected_error",
                explanation=type(error).__name__,
            )
        )

    def _freeze(self, group: Sequence[tuple[MailRequest, Mail]]) -> set[str]:
        mails = [(mail, request.attempt) for request, mail in group]
        return self._database.write(
            lambda session: sending_ledger.freeze(session, self._lane, self._fence, mails, self._clock())
        )

    def _put_back(self, mail: Mail) -> None:
        """Certainly unsent: another claim may have it, at once."""
        self._results.put_nowait(
            AttemptResult(send_id=mail.send_id, status=MessageStatus.PLANNED, reason="provider_busy", wait=timedelta())
        )

    # -- handing over --------------------------------------------------------------------------------------------------

    async def _hand_over(self, request: MailRequest, mail: Mail, asked: float) -> None:
        try:
            if asyncio.get_running_loop().time() - asked > FRESH and not await self._still_mine(request, mail):
                log.warning("mail_of_another_owner", message=mail.send_id, lane=self._lane)
                self._forget(mail.send_id)
                return
            result = await self._traced(request, mail)
        finally:
            self._slots.release()
        if result.said is not None and result.said.heard != "nothing":
            self._failures = self._failures + 1 if result.said.heard != "well" else 0
        self._results.put_nowait(result)

    async def _still_mine(self, request: MailRequest, mail: Mail) -> bool:
        """Ask the fence anew, until an answer is fresh when it comes."""
        while True:
            asked = asyncio.get_running_loop().time()
            if mail.send_id not in await self._persist("freeze", lambda: self._freeze([(request, mail)])):
                return False
            if asyncio.get_running_loop().time() - asked <= FRESH:
                return True

    async def _traced(self, request: MailRequest, mail: Mail) -> AttemptResult:
        if request.trace is None:
            return result_of(mail.send_id, self._sender.name, await self._send(mail))
        with self._span("deliver", request.trace, message=mail.send_id, lane=self._lane) as span:
            result = result_of(mail.send_id, self._sender.name, await self._send(mail))
            if span is not None:
                span.set_attribute("outcome", result.status)
            return result

    async def _send(self, mail: Mail) -> SendOutcome:
        """One attempt. A sender that raises broke its promise; nobody can tell how far it had come."""
        try:
            return await self._sender.send(mail)
        except Exception as error:
            log.error("sender_raised", message=mail.send_id, lane=self._lane, exc_info=error)
            meters.unexpected("send")
            return MaybeSent(explanation=f"the sender failed: {type(error).__name__}")

    # -- recording -----------------------------------------------------------------------------------------------------

    async def _keep_recording(self) -> None:
        while True:
            first = await self._results.get()
            async with self._recording:
                await self._record([first, *self._some_results(TOGETHER - 1)])

    def _some_results(self, most: int = TOGETHER) -> list[AttemptResult]:
        return [self._results.get_nowait() for _ in range(min(most, self._results.qsize()))]

    async def _record(self, results: Sequence[AttemptResult]) -> None:
        """Write results down, together; where something unexpected is raised, each by itself."""
        try:
            await self._persist("record", lambda: self._write(results))
        except Exception as error:
            if len(results) > 1:
                for one in results:
                    await self._record([one])
                return
            log.error("outcome_not_recorded", message=results[0].send_id, status=results[0].status, exc_info=error)
            meters.unexpected("record")
        for one in results:
            meters.sent(self._lane, one.status, one.reason)
            self._forget(one.send_id)

    def _write(self, results: Sequence[AttemptResult]) -> None:
        now, channel = self._clock(), self._sender.name
        self._database.write(lambda session: sending_ledger.record(session, self._fence, results, now, channel))

    async def _persist(self, what: str, work: Callable[[], Any]) -> Any:
        """Do it in a thread, until the database answers; anything but its absence is raised."""
        tries = 0
        while True:
            try:
                return await asyncio.shield(asyncio.to_thread(work))
            except OperationalError as error:
                log.warning("database_away", doing=what, lane=self._lane, error=type(error.orig).__name__)
                await asyncio.sleep(AGAIN[min(tries, len(AGAIN) - 1)])
                tries += 1
