"""A lane: one owner's hold on it claims due mails, composes them, and hands each to the provider once.

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
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, assert_never

from activities.delivery import meters
from mail.composing import Composer, Letter
from mail.message import Accepted, Mail, Misconfigured, NotSent, Outcome, Refused, Unknown
from mail.providers.sender import MailSender
from mail.rendering.templates import Stored, TemplateProblem
from mail.tracking import Tracking
from services.installation.rates import Rate
from services.messages import claiming, sending_ledger
from services.messages.circuit_breaker import FAILURES, REFUSED, Said
from services.messages.claiming import Claimed, Way
from services.messages.sending_ledger import Frozen, Result
from store.session import Database
from store.statuses import MessageStatus

BATCH = 100
UNDER_WAY = 4
"""Batches of a lane at once."""

AT_ONCE = 4
"""Mails of one template that are rendered at once: no more threads than that wait for one which takes its time."""

PATIENCE = 1.0
"""Seconds after which a batch goes on without being waited for."""

EVIDENCE_EVERY = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class _Made:
    """A mail ready to be sent, and of which version of its template it was made."""

    mail: Mail
    version: int | None
    trace: str | None


Span = Callable[..., AbstractContextManager[Any]]
"""Opens a span of a trace: its name, its parent, attributes."""


class Lane:
    """One owner's hold on a lane; `pump` does one round. The clock is handed in, since tests skip time."""

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
        self._cooks = ThreadPoolExecutor(BATCH, thread_name_prefix=f"render-{name}")
        self._stoves: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))
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
        """Claim what is due, send it, record the outcomes; return how many were claimed."""
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

    async def close_batches(self) -> None:
        """Wait for the batches that are under way."""
        await asyncio.gather(*self._under_way)
        self._raise_what_failed()

    async def close(self) -> None:
        """Finish what was begun."""
        await self.close_batches()
        self._cooks.shutdown(wait=False)

    def _raise_what_failed(self) -> None:
        for task in [one for one in self._under_way if one.done()]:
            self._under_way.discard(task)
            task.result()

    async def _carry(self, claimed: Sequence[Claimed]) -> None:
        """A batch to its end; mails whose templates take their time go after the others."""
        renders = {asyncio.create_task(self._rendered(one)) for one in claimed}
        done, late = await asyncio.wait(renders, timeout=PATIENCE)
        await self._finish([task.result() for task in done])
        for task in asyncio.as_completed(late):
            await self._finish([await task])

    async def _finish(self, made: Sequence[_Made | Result]) -> None:
        """Freeze what was rendered, send it, and record the outcomes."""
        mails = [one for one in made if isinstance(one, _Made)]
        results = [one for one in made if isinstance(one, Result)]
        if mails:
            await asyncio.to_thread(self._freeze, mails)
            results += await asyncio.gather(*(self._traced(one) for one in mails))
        if results:
            await asyncio.to_thread(self._record, results)

    async def seek_evidence(self) -> int:
        """Ask the provider about mails whose fate is unknown, a page of them each time."""
        if self._evidence_at is not None and self._clock() < self._evidence_at:
            return 0
        self._evidence_at = self._clock() + EVIDENCE_EVERY
        ids = await asyncio.to_thread(self._unknowns)
        self._looked_up_to = ids[-1] if len(ids) == sending_ledger.LOOKED_UP else ""
        for send_id in ids:
            evidence = await self._sender.look_up(send_id)
            await asyncio.to_thread(self._decide, send_id, evidence)
        return len(ids)

    def _claim(self) -> list[Claimed]:
        with self._database.reading() as session:
            if not sending_ledger.anything_due(session, self.name, self._clock()):
                return []
        claim = partial(claiming.claim, lane=self.name, fence=self.fence, limit=BATCH, now=self._clock(), way=self._way)
        claimed = self._database.write(claim)
        if claimed:  # the channel is open, or one mail may try whether it is well again
            self._failures = min(self._failures, FAILURES - 1)
        return claimed

    def _unknowns(self) -> Sequence[str]:
        with self._database.reading() as session:
            return sending_ledger.unknowns(session, self.name, self._clock(), self._looked_up_to)

    def _decide(self, send_id: str, evidence: str) -> None:
        with self._database.writing() as session:
            sending_ledger.decide_unknown(session, send_id, evidence, self._clock())

    async def _rendered(self, one: Claimed) -> _Made | Result:
        """A mail; one that cannot be rendered fails alone."""
        try:
            async with self._stoves[one.template]:
                mail = await asyncio.get_running_loop().run_in_executor(self._cooks, self._compose, one)
        except (TemplateProblem, ValueError) as problem:
            why = str(problem)[:300]
            return Result(send_id=one.send_id, status=MessageStatus.FAILED, reason="template_failed", explanation=why)
        return _Made(mail, one.source.version if one.source else None, one.trace)

    def _compose(self, one: Claimed) -> Mail:
        letter = Letter(
            send_id=one.send_id,
            to=one.to,
            customer=one.customer,
            topic=one.topic,
            topic_name=one.topic_name,
            transactional=one.transactional,
            template=one.template,
            context=one.context,
            now=self._clock(),
            subject=one.subject,
            stored=Stored(**asdict(one.source)) if one.source else None,
            locales=one.locales,
            timezone=one.timezone,
            campaign=one.campaign,
            lane=self.name,
            tracking=Tracking(opens=one.opens, clicks=one.clicks, utm=one.utm),
        )
        return self._composer.compose(letter)

    def _freeze(self, made: Sequence[_Made]) -> None:
        frozen = [
            Frozen(
                send_id=one.mail.send_id,
                subject=one.mail.subject,
                html=one.mail.html,
                text=one.mail.text,
                urls=one.mail.urls,
                locale=one.mail.locale,
                template_version=one.version,
            )
            for one in made
        ]
        self._database.write(lambda session: sending_ledger.freeze(session, frozen, self._clock()))

    async def _traced(self, one: _Made) -> Result:
        if one.trace is None:
            return await self._send(one.mail)
        with self._span("deliver", one.trace, message=one.mail.send_id, lane=self.name) as span:
            result = await self._send(one.mail)
            if span is not None:
                span.set_attribute("outcome", result.status)
            return result

    async def _send(self, mail: Mail) -> Result:
        async with self._calls:
            if self._failures >= FAILURES:
                return Result(
                    send_id=mail.send_id, status=MessageStatus.PLANNED, reason="provider_busy", wait=timedelta()
                )
            outcome = await self._sender.send(mail)
        result = result_of(mail.send_id, self._sender.name, outcome)
        if result.said is not None and result.said.heard != "nothing":
            self._failures = self._failures + 1 if result.said.heard != "well" else 0
        return result

    def _record(self, results: Sequence[Result]) -> None:
        now, channel = self._clock(), self._way.channel
        self._database.write(lambda session: sending_ledger.record(session, self.fence, results, now, channel))
        for one in results:
            meters.sent(self.name, one.status, one.reason)


def result_of(send_id: str, provider: str, outcome: Outcome) -> Result:
    """The ledger's words for an outcome, and what it says of the channel."""
    ledger = partial(Result, send_id=send_id, provider=provider)
    match outcome:
        case Accepted():
            return ledger(status=MessageStatus.ACCEPTED, provider_id=outcome.provider_id, said=Said(heard="well"))
        case NotSent():
            heard = Said(heard="nothing") if not outcome.lane else _busy(outcome)
            return ledger(status=MessageStatus.PLANNED, reason=outcome.reason, wait=outcome.wait, said=heard)
        case Refused():
            said = Said(heard="well" if outcome.reason == "rejected" else "nothing")  # they answered, if with a no
            return ledger(
                status=MessageStatus.FAILED, reason=outcome.reason, explanation=outcome.explanation, said=said
            )
        case Misconfigured():
            why = outcome.explanation
            said = Said(heard="refused", why=why)
            return ledger(
                status=MessageStatus.PLANNED, reason="channel_misconfigured", wait=REFUSED, explanation=why, said=said
            )
        case Unknown():
            why = outcome.explanation
            return ledger(
                status=MessageStatus.UNKNOWN,
                reason="no_answer",
                explanation=why,
                said=Said(heard="failed", why=why or "no answer"),
            )
        case _:
            assert_never(outcome)


def _busy(outcome: NotSent) -> Said:
    """A provider that asks for time is well; one that nobody reaches has failed."""
    if outcome.unreachable:
        return Said(heard="failed", why=outcome.explanation or "it cannot be reached")
    return Said(heard="busy", wait=outcome.wait)
