"""The lanes: a long activity that claims due mails and hands each to the provider once."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog
from temporalio import activity

from activities.signatures import DELIVER
from mail.brand import Brand, context
from mail.links import Links, Unsubscribe
from mail.message import Accepted, Mail, Misconfigured, NotSent, Outcome, Refused, Unknown
from mail.sender import MailSender
from mail.templates import Renders, Stored, TemplateProblem
from services import delivering
from services.delivering import Claimed, Fenced, Frozen, Result
from store.session import Database

BATCH = 50
IDLE = 0.25
PATIENCE = 1.0
"""Seconds after which a batch goes without the mails that are still being rendered."""

SHIFT = timedelta(minutes=30)
EVIDENCE_EVERY = timedelta(seconds=5)
ALARM_PAUSE = timedelta(minutes=1)

log = structlog.get_logger("waypost.delivery")


class Lane:
    """One owner's hold on a lane; `pump` does one round. The clock is handed in, since tests skip time."""

    def __init__(
        self,
        name: str,
        database: Database,
        renderer: Renders,
        sender: MailSender,
        links: Links,
        brand: Brand,
        clock: Callable[[], datetime],
    ) -> None:
        self.name = name
        self.fence = secrets.token_hex(8)
        self._database = database
        self._renderer = renderer
        self._sender = sender
        self._links = links
        self._brand = brand
        self._clock = clock
        self._cooks = ThreadPoolExecutor(BATCH, thread_name_prefix=f"render-{name}")
        self._late: set[asyncio.Task[None]] = set()
        self._rest_until: datetime | None = None
        self._evidence_at: datetime | None = None

    def take(self) -> int:
        """Become the owner; return how many mails the last one left in the middle."""
        with self._database.writing() as session:
            return delivering.take_over(session, self.name, self.fence, self._clock())

    async def pump(self) -> int:
        """Claim what is due, send it, record the outcomes; return how many were claimed."""
        if self._rest_until is not None and self._clock() < self._rest_until:
            return 0
        self._rest_until = None
        claimed = await asyncio.to_thread(self._claim)
        if not claimed:
            return 0
        renders = {asyncio.create_task(self._rendered(one)) for one in claimed}
        done, late = await asyncio.wait(renders, timeout=PATIENCE)
        if late:
            self._late.add(task := asyncio.create_task(self._finish_late(late)))
            task.add_done_callback(self._late.discard)
        await self._finish([task.result() for task in done])
        return len(claimed)

    async def close(self) -> None:
        """Wait for mails whose templates take their time."""
        await asyncio.gather(*self._late)
        self._cooks.shutdown(wait=False)

    async def _finish_late(self, late: set["asyncio.Task[Mail | Result]"]) -> None:
        """Mails whose templates take their time hold up nobody else."""
        for task in asyncio.as_completed(late):
            await self._finish([await task])

    async def _finish(self, made: Sequence[Mail | Result]) -> None:
        """Freeze what was rendered, send it, and record the outcomes."""
        mails = [one for one in made if isinstance(one, Mail)]
        results = [one for one in made if isinstance(one, Result)]
        await asyncio.to_thread(self._freeze, mails)
        results += await asyncio.gather(*(self._send(mail) for mail in mails))
        await asyncio.to_thread(self._record, results)

    async def seek_evidence(self) -> int:
        """Ask the provider about mails whose fate is unknown."""
        if self._evidence_at is not None and self._clock() < self._evidence_at:
            return 0
        self._evidence_at = self._clock() + EVIDENCE_EVERY
        ids = await asyncio.to_thread(self._unknowns)
        for send_id in ids:
            evidence = await self._sender.look_up(send_id)
            with self._database.writing() as session:
                delivering.decide_unknown(session, send_id, evidence, self._clock())
        return len(ids)

    def _claim(self) -> list[Claimed]:
        with self._database.reading() as session:
            if not delivering.anything_due(session, self.name, self._clock()):
                return []
        with self._database.writing() as session:
            return delivering.claim(session, self.name, self.fence, BATCH, self._clock())

    def _unknowns(self) -> Sequence[str]:
        with self._database.reading() as session:
            return delivering.unknowns(session, self.name, self._clock())

    async def _rendered(self, one: Claimed) -> Mail | Result:
        """A mail; one that cannot be rendered fails alone."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._cooks, self._compose, one)
        except (TemplateProblem, ValueError) as problem:
            why = str(problem)[:300]
            return Result(send_id=one.send_id, status="failed", reason="template_failed", explanation=why)

    def _freeze(self, mails: Sequence[Mail]) -> None:
        frozen = [Frozen(send_id=m.send_id, subject=m.subject, html=m.html, text=m.text) for m in mails]
        with self._database.writing() as session:
            delivering.freeze(session, frozen)

    def _compose(self, one: Claimed) -> Mail:
        what = Unsubscribe(customer=one.customer, topic=one.topic, send_id=one.send_id)
        url = None if one.transactional else self._links.unsubscribe_url(what)
        known = context(self._brand, one.context, url, one.send_id)
        stored = Stored(**asdict(one.source)) if one.source else None
        rendered = self._renderer.render(one.template, known, one.subject, stored)
        headers = {"Message-ID": self._brand.message_id(one.send_id)}
        if url is not None:
            headers["List-Unsubscribe"] = f"<{url}>"
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return Mail(
            send_id=one.send_id,
            to=one.to,
            sender=self._brand.sender,
            subject=rendered.subject,
            html=rendered.html,
            text=rendered.text,
            headers=headers,
        )

    async def _send(self, mail: Mail) -> Result:
        outcome = await self._sender.send(mail)
        if isinstance(outcome, NotSent) and outcome.lane:
            self._rest_until = self._clock() + outcome.wait
        if isinstance(outcome, Misconfigured):
            self._rest_until = self._clock() + ALARM_PAUSE
        return _result(mail.send_id, self._sender.name, outcome)

    def _record(self, results: Sequence[Result]) -> None:
        alarms = [one.explanation for one in results if one.reason == "channel_misconfigured"]
        accepted = any(one.status == "accepted" for one in results)
        with self._database.writing() as session:
            delivering.record(session, self.fence, results, self._clock())
            if alarms or accepted:
                delivering.alarm(session, self.name, alarms[0] if alarms else None)


def _result(send_id: str, provider: str, outcome: Outcome) -> Result:
    """The ledger's words for an outcome."""
    ledger = partial(Result, send_id=send_id, provider=provider)
    match outcome:
        case Accepted():
            return ledger(status="accepted", provider_id=outcome.provider_id)
        case NotSent():
            return ledger(status="planned", reason=outcome.reason, wait=outcome.wait)
        case Refused():
            return ledger(status="failed", reason=outcome.reason, explanation=outcome.explanation)
        case Misconfigured():
            why = outcome.explanation
            return ledger(status="planned", reason="channel_misconfigured", wait=ALARM_PAUSE, explanation=why)
        case Unknown():
            return ledger(status="unknown", reason="no_answer", explanation=outcome.explanation)


class Pumped(Protocol):
    """Work that one owner at a time does round by round: a lane of mail, the hooks, the upkeep."""

    def take(self) -> int:
        """Become the owner; return how much the last one left in the middle."""
        ...

    async def pump(self) -> int:
        """Do one round; return how much there was to do."""
        ...

    async def seek_evidence(self) -> int:
        """What is done when there is nothing else to do."""
        ...

    async def close(self) -> None:
        """Finish what was begun."""
        ...


class Delivery:
    """Keeps one lane running for a shift, heartbeating; the workflow starts the next shift."""

    def __init__(self, open_lane: Callable[[str], Pumped]) -> None:
        self._open_lane = open_lane

    @activity.defn(name=DELIVER)
    async def deliver(self, lane_name: str) -> None:
        lane = self._open_lane(lane_name)
        left = await asyncio.to_thread(lane.take)
        if left:
            log.warning("mails_left_in_the_middle", lane=lane_name, count=left)
        try:
            await self._shift(lane)
        finally:
            await lane.close()

    async def _shift(self, lane: Pumped) -> None:
        ends = asyncio.get_running_loop().time() + SHIFT.total_seconds()
        with suppress(Fenced):
            while asyncio.get_running_loop().time() < ends and not activity.is_worker_shutdown():
                activity.heartbeat()
                if not await lane.pump():
                    await lane.seek_evidence()
                    await asyncio.sleep(IDLE)
