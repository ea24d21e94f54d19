"""A lane of mail: its owner claims due mails and composes them; `hand_over` freezes, hands over and records each.

A mail goes through four hands, each with a shape of its own (`services.messages.sending.mail_request` draws them):
claimed, it is a MailRequest; composed and frozen, a Mail; handed over, a SendOutcome; recorded, an AttemptResult.
Whether it may go is for `services.messages`, and what it looks like for `mail`, to say.

What is claimed and not frozen is certainly unsent: it goes back when its owner stops, or when another takes over.
"""

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import datetime
from functools import partial

import structlog

from activities import meters
from activities.delivery.call_slots import CallSlots
from activities.delivery.evidence import EvidenceSearch
from activities.delivery.hand_over import HandOver
from mail.composing import Composer
from mail.message import Mail
from mail.providers.sender import MailSender
from mail.rendering.templates import TemplateProblem
from services.installation.rates import Rate
from services.messages.sending import claiming, sending_ledger
from services.messages.sending.claiming import OutgoingChannel
from services.messages.sending.mail_request import MailRequest
from services.messages.sending.sending_ledger import AttemptResult
from services.values import Clock
from store.queries.sending import lanes
from store.session import Database
from store.statuses import MessageStatus
from store.trace_context import OpenSpan

BATCH = 100
"""Mails that one claim takes: the fixed cost of its transaction is shared by so many. Also the threads that render, of
which AT_ONCE a template run."""

MOST_OPEN = 400
"""Mails of a lane that are claimed and not recorded, four claims: while some are composed, others are with the
provider."""

AT_ONCE = 4
"""Mails of one template that are rendered at once: no more threads than that wait for one which takes its time."""

TOGETHER, WITHIN = 5, 0.02
"""Mails of one template that a thread renders before it tells of them, and seconds in which it begins no further one: a
usual mail takes a millisecond, and to hand one to a thread and back a fifth of that."""

PATIENCE = 1.0
"""Seconds for which a round waits for what it claimed: time for thousands of usual mails, and a fifth of what one
render may take (`mail.rendering.limits.SECONDS`)."""

SOON, SELDOM = 0.25, 4.0
"""Seconds until the next look at a lane: where mail is due and may not go yet, and where nobody knows of any."""

log = structlog.get_logger("waypost.delivery")


class MailLane:
    """One owner's hold on a lane; `pump` does one round. The clock is handed in, since tests skip time.

    `rate` is what the channel bears, None where it bears anything; `span` traces each mail that belongs to a trace;
    `slots` are the calls to the provider, shared by the lanes of a process.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        composer: Composer,
        sender: MailSender,
        clock: Clock,
        rate: Rate | None = None,
        span: OpenSpan | None = None,
        slots: CallSlots | None = None,
    ) -> None:
        self.name = name
        self.fence = secrets.token_hex(8)
        self._database = database
        self._composer = composer
        self._clock = clock
        self._way = OutgoingChannel(channel=sender.name, rate=rate)
        self._threads = ThreadPoolExecutor(BATCH, thread_name_prefix=f"render-{name}")
        self._renders: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))
        self._open: dict[str, asyncio.Task[None] | None] = {}
        self._less_open = asyncio.Event()
        self._hand_over = HandOver(
            name,
            self.fence,
            database,
            sender,
            slots or CallSlots(sender.at_once),
            clock,
            span or (lambda *_, **__: nullcontext()),
            self._done,
        )
        self._evidence = EvidenceSearch(name, database, sender, clock)
        self._seeking: asyncio.Task[None] | None = None
        self._next_due: datetime | None = None

    def take(self) -> int:
        """Become the owner; return how many mails the last one left in the middle."""
        return self._database.write(
            lambda session: sending_ledger.take_over(session, self.name, self.fence, self._clock(), self._way.channel)
        )

    async def pump(self) -> int:
        """Claim what is due and set it going; return how many were claimed, or are under way where no more may be.

        Raise Fenced where the lane has another owner by now.
        """
        self._raise_what_failed()
        if len(self._open) > MOST_OPEN - BATCH:
            await self.drain(PATIENCE, MOST_OPEN - BATCH)
            return len(self._open)
        claimed = await asyncio.to_thread(self._claim)
        for together in _together(claimed):
            task = asyncio.create_task(self._compose(together))
            self._open.update((request.send_id, task) for request in together)
        if claimed:
            self._hand_over.let_try()
            more = len(claimed) == BATCH and self._hand_over.is_well()
            await self.drain(PATIENCE, BATCH if more else 0)
        return len(claimed)

    async def when_idle(self) -> int:
        """Nothing: evidence is sought beside everything else."""
        if self._seeking is None:
            self._seeking = asyncio.create_task(self._evidence.run())
        return 0

    async def seek_evidence(self) -> int:
        """Ask the provider about one page of mails whose fate is unknown; return how many."""
        return await self._evidence.look()

    def rest(self) -> float:
        """Seconds until something may be due here, as far as anybody knows."""
        if self._next_due is None:
            return SELDOM
        return min(SELDOM, max(SOON, (self._next_due - self._clock()).total_seconds()))

    async def drain(self, seconds: float | None = None, down_to: int = 0) -> None:
        """Wait until no more than `down_to` mails are under way, at most so many seconds."""
        loop = asyncio.get_running_loop()
        until = None if seconds is None else loop.time() + seconds
        while len(self._open) > down_to and (until is None or loop.time() < until):
            self._raise_what_failed()
            self._less_open.clear()
            waiting = asyncio.create_task(self._less_open.wait())
            await asyncio.wait({waiting}, timeout=0.5 if until is None else max(0.0, min(0.5, until - loop.time())))
            waiting.cancel()

    async def close(self) -> None:
        """Claim nothing more, finish what is frozen, give the rest back to be claimed at once by whoever comes."""
        if self._seeking is not None:
            self._seeking.cancel()
        for task in self._open.values():
            if task is not None:
                task.cancel()
        try:
            await self._hand_over.stop()
            if self._open:  # of what is frozen, nothing is given back
                await self._give_the_rest_back()
        except asyncio.CancelledError:
            await self._hand_over.give_up()
            raise
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)
        await self._hand_over.finish()

    async def _give_the_rest_back(self) -> None:
        """Where this cannot be written, whoever takes the lane over does it; what is in a call is waited for anyway."""
        try:
            await asyncio.to_thread(self._give_back, list(self._open))
        except Exception as error:
            log.error("mails_not_given_back", lane=self.name, count=len(self._open), exc_info=error)
            meters.unexpected("give_back")

    def takes_long(self) -> bool:
        """Whether a call is under way that may take minutes still."""
        return self._hand_over.takes_long()

    def _done(self, send_id: str) -> None:
        self._open.pop(send_id, None)
        self._less_open.set()

    def _raise_what_failed(self) -> None:
        failed = self._hand_over.failed()
        if failed is not None:
            raise failed

    async def _compose(self, requests: Sequence[MailRequest]) -> None:
        """Mails of requests of one template, offered for the hand-over; one of which there can be none fails alone."""
        left = requests
        while left:
            async with self._renders[left[0].template]:
                made = await self._in_a_thread(left)
            for request, mail in zip(left, made, strict=False):
                if isinstance(mail, Mail):
                    self._hand_over.offer(request, mail)
                else:
                    self._not_composed(request, mail)
            left = left[len(made) :]

    async def _in_a_thread(self, requests: Sequence[MailRequest]) -> Sequence[Mail | Exception]:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._some_composed, requests)
        except Exception as error:  # no thread could be begun
            return [error]

    def _not_composed(self, request: MailRequest, error: Exception) -> None:
        if isinstance(error, TemplateProblem | ValueError):
            unread = error.unread if isinstance(error, TemplateProblem) else None
            return self._fail(request, "template_failed", str(error)[:300], unread)
        log.error("mail_not_composed", message=request.send_id, lane=self.name, exc_info=error)
        meters.unexpected("compose")
        self._fail(request, "unexpected_error", type(error).__name__)

    def _fail(self, request: MailRequest, reason: str, why: str, unread: tuple[str, str] | None = None) -> None:
        failed = MessageStatus.FAILED
        self._hand_over.tell(
            AttemptResult(send_id=request.send_id, status=failed, reason=reason, explanation=why, unread=unread)
        )

    def _some_composed(self, requests: Sequence[MailRequest]) -> Sequence[Mail | Exception]:
        """In a thread: the first of these at least, and as many as there is time for; what was raised in its place."""
        until, made = time.monotonic() + WITHIN, [self._composed(requests[0])]
        while len(made) < len(requests) and time.monotonic() < until:
            made.append(self._composed(requests[len(made)]))
        return made

    def _composed(self, request: MailRequest) -> Mail | Exception:
        try:
            return self._composer.compose(request, self._clock())
        except Exception as error:
            return error

    # -- in a thread, each in one transaction --------------------------------------------------------------------------

    def _claim(self) -> list[MailRequest]:
        with self._database.reading() as session:
            self._next_due = lanes.next_due(session, self.name)
        if self._next_due is None or self._next_due > self._clock():
            return []
        claim = partial(
            claiming.claim,
            lane=self.name,
            fence=self.fence,
            limit=BATCH,
            now=self._clock(),
            way=self._way,
            unexpected=partial(meters.unexpected, "claim"),
        )
        return self._database.write(claim)

    def _give_back(self, ids: list[str]) -> None:
        channel = self._way.channel
        self._database.write(lambda session: sending_ledger.give_back(session, self.fence, ids, self._clock(), channel))


def _together(requests: Sequence[MailRequest]) -> Iterator[Sequence[MailRequest]]:
    """Requests of one template, few enough for each of its threads to have some."""
    by_template = defaultdict[str, list[MailRequest]](list)
    for request in requests:
        by_template[request.template].append(request)
    for those in by_template.values():
        size = max(1, min(TOGETHER, len(those) // AT_ONCE))
        yield from (those[first : first + size] for first in range(0, len(those), size))
