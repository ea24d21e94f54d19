"""A lane of mail: its owner claims due mails, composes them, and hands each to the provider once.

A mail goes through four hands, each with a shape of its own (`services.messages.mail_request` draws them): claimed, it
is a MailRequest; composed and frozen, a Mail; handed over, a SendOutcome; recorded, an AttemptResult. Whether it may go
is for `services.messages`, and what it looks like for `mail`, to say.

Batches overlap: one whose mails are still being rendered, or whose provider is slow, holds up nobody behind it. When
the provider fails five times in a row, what this batch has not handed over yet is put back instead
(`services.messages.circuit_breaker` then keeps every lane waiting).
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from activities.delivery import meters
from activities.delivery.outcomes import result_of
from mail.composing import Composer
from mail.message import Mail
from mail.providers.sender import MailSender
from mail.rendering.templates import TemplateProblem
from services.installation.rates import Rate
from services.messages import claiming, sending_ledger
from services.messages.circuit_breaker import FAILURES
from services.messages.claiming import Way
from services.messages.mail_request import MailRequest
from services.messages.sending_ledger import AttemptResult
from store.queries import lanes
from store.session import Database
from store.statuses import MessageStatus

BATCH = 100
"""Mails that one claim takes: the fixed cost of its transaction is shared by so many, and a lost worker leaves no more
than UNDER_WAY times as many in the middle."""

UNDER_WAY = 4
"""Batches of a lane at once: while one is composed, others are frozen, handed over and recorded."""

AT_ONCE = 4
"""Mails of one template that are rendered at once: no more threads than that wait for one which takes its time."""

PATIENCE = 1.0
"""Seconds after which a batch goes on without being waited for: a fifth of what one render may take
(`mail.rendering.limits.SECONDS`), and thousands of usual ones."""

EVIDENCE_EVERY = timedelta(seconds=5)
"""How often an idle lane asks the provider about a page of mails whose fate is unknown."""

Span = Callable[..., AbstractContextManager[Any]]
"""Opens a span of a trace: its name, its parent, attributes."""


class MailLane:
    """One owner's hold on a lane; `pump` does one round. The clock is handed in, since tests skip time.

    `rate` is what the channel bears, None where it bears anything; `span` traces each mail that belongs to a trace.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        composer: Composer,
        sender: MailSender,
        clock: Callable[[], datetime],
        rate: Rate | None = None,
        span: Span | None = None,
    ) -> None:
        self._span = span or (lambda *_, **__: nullcontext())
        self.name = name
        self.fence = secrets.token_hex(8)
        self._database = database
        self._composer = composer
        self._sender = sender
        self._clock = clock
        self._way = Way(channel=sender.name, rate=rate)
        self._threads = ThreadPoolExecutor(BATCH, thread_name_prefix=f"render-{name}")
        self._renders: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))
        self._calls = asyncio.Semaphore(sender.at_once)
        self._under_way: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._evidence_at: datetime | None = None
        self._looked_up_to = ""

    def take(self) -> int:
        """Become the owner; return how many mails the last one left in the middle."""
        with self._database.writing() as session:
            return sending_ledger.take_over(session, self.name, self.fence, self._clock())

    async def pump(self) -> int:
        """Claim what is due, send it, record the outcomes; return how many were claimed.

        Raise Fenced where the lane has another owner by now.
        """
        if len(self._under_way) >= UNDER_WAY:
            await asyncio.wait(self._under_way, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        self._raise_what_failed()
        if len(self._under_way) >= UNDER_WAY:
            return BATCH
        claimed = await asyncio.to_thread(self._claim)
        if not claimed:
            return 0
        task = asyncio.create_task(self._carry(claimed))
        self._under_way.add(task)
        await asyncio.wait({task}, timeout=PATIENCE)
        self._raise_what_failed()
        return len(claimed)

    async def when_idle(self) -> int:
        """Ask the provider about mails whose fate is unknown, a page of them each time; return how many."""
        if self._evidence_at is not None and self._clock() < self._evidence_at:
            return 0
        self._evidence_at = self._clock() + EVIDENCE_EVERY
        ids = await asyncio.to_thread(self._unknowns)
        self._looked_up_to = ids[-1] if len(ids) == sending_ledger.LOOKED_UP else ""
        for send_id in ids:
            evidence = await self._sender.look_up(send_id)
            await asyncio.to_thread(self._decide, send_id, evidence)
        return len(ids)

    async def close_batches(self) -> None:
        """Wait for the batches that are under way."""
        await asyncio.gather(*self._under_way)
        self._raise_what_failed()

    async def close(self) -> None:
        """Finish what was begun."""
        await self.close_batches()
        self._threads.shutdown(wait=False)

    def _raise_what_failed(self) -> None:
        for task in [one for one in self._under_way if one.done()]:
            self._under_way.discard(task)
            task.result()

    # -- a batch -------------------------------------------------------------------------------------------------------

    async def _carry(self, requests: Sequence[MailRequest]) -> None:
        """A batch to its end; mails whose templates take their time go after the others."""
        composing = {asyncio.create_task(self._composed(one)) for one in requests}
        done, late = await asyncio.wait(composing, timeout=PATIENCE)
        await self._finish([task.result() for task in done])
        for task in asyncio.as_completed(late):
            await self._finish([await task])

    async def _finish(self, composed: Sequence[tuple[MailRequest, Mail | AttemptResult]]) -> None:
        """Freeze what was composed, hand it over, and record what became of each."""
        ready = [(request, made) for request, made in composed if isinstance(made, Mail)]
        results = [made for _, made in composed if isinstance(made, AttemptResult)]
        if ready:
            await asyncio.to_thread(self._freeze, [mail for _, mail in ready])
            results += await asyncio.gather(*(self._traced(request, mail) for request, mail in ready))
        if results:
            await asyncio.to_thread(self._record, results)

    async def _composed(self, request: MailRequest) -> tuple[MailRequest, Mail | AttemptResult]:
        """A request and its mail; one of which there can be none has failed, alone."""
        try:
            async with self._renders[request.template]:
                return request, await asyncio.get_running_loop().run_in_executor(self._threads, self._compose, request)
        except (TemplateProblem, ValueError) as problem:
            why = str(problem)[:300]
            return request, AttemptResult(
                send_id=request.send_id, status=MessageStatus.FAILED, reason="template_failed", explanation=why
            )

    async def _traced(self, request: MailRequest, mail: Mail) -> AttemptResult:
        if request.trace is None:
            return await self._send(mail)
        with self._span("deliver", request.trace, message=mail.send_id, lane=self.name) as span:
            result = await self._send(mail)
            if span is not None:
                span.set_attribute("outcome", result.status)
            return result

    async def _send(self, mail: Mail) -> AttemptResult:
        async with self._calls:
            if self._failures >= FAILURES:
                return AttemptResult(
                    send_id=mail.send_id, status=MessageStatus.PLANNED, reason="provider_busy", wait=timedelta()
                )
            outcome = await self._sender.send(mail)
        result = result_of(mail.send_id, self._sender.name, outcome)
        if result.said is not None and result.said.heard != "nothing":
            self._failures = self._failures + 1 if result.said.heard != "well" else 0
        return result

    # -- in a thread, each in one transaction --------------------------------------------------------------------------

    def _claim(self) -> list[MailRequest]:
        with self._database.reading() as session:
            if not lanes.anything_due(session, self.name, self._clock()):
                return []
        claim = partial(claiming.claim, lane=self.name, fence=self.fence, limit=BATCH, now=self._clock(), way=self._way)
        claimed = self._database.write(claim)
        if claimed:  # the channel is open, or one mail may try whether it is well again
            self._failures = min(self._failures, FAILURES - 1)
        return claimed

    def _compose(self, request: MailRequest) -> Mail:
        return self._composer.compose(request, self._clock())

    def _freeze(self, mails: Sequence[Mail]) -> None:
        self._database.write(lambda session: sending_ledger.freeze(session, mails, self._clock()))

    def _record(self, results: Sequence[AttemptResult]) -> None:
        now, channel = self._clock(), self._way.channel
        self._database.write(lambda session: sending_ledger.record(session, self.fence, results, now, channel))
        for one in results:
            meters.sent(self.name, one.status, one.reason)

    def _unknowns(self) -> Sequence[str]:
        with self._database.reading() as session:
            return sending_ledger.unknowns(session, self.name, self._clock(), self._looked_up_to)

    def _decide(self, send_id: str, evidence: str) -> None:
        with self._database.writing() as session:
            sending_ledger.decide_unknown(session, send_id, evidence, self._clock())
