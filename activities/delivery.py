"""The lanes: a long activity that claims due mails and hands each to the provider once."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog
from temporalio import activity

from activities.signatures import DELIVER
from mail.links import Links, Unsubscribe
from mail.message import Accepted, Mail, Misconfigured, NotSent, Outcome, Refused, Sender, Unknown
from mail.render import Rendered, Renderer, TemplateProblem
from mail.sender import MailSender
from services import delivering
from services.delivering import Claimed, Fenced, Frozen, Result
from store.session import Database

BATCH = 50
IDLE = 0.25
SHIFT = timedelta(minutes=30)
EVIDENCE_EVERY = timedelta(seconds=5)
ALARM_PAUSE = timedelta(minutes=1)

log = structlog.get_logger("waypost.delivery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """Who writes: what every mail shows of the sender."""

    name: str
    sender: Sender
    address: str

    def as_context(self) -> dict[str, str]:
        return {"name": self.name, "address": self.address}


class Lane:
    """One owner's hold on a lane; `pump` does one round. The clock is handed in, since tests skip time."""

    def __init__(
        self,
        name: str,
        database: Database,
        renderer: Renderer,
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
        mails, results = await asyncio.to_thread(self._prepare, claimed)
        results += await asyncio.gather(*(self._send(mail) for mail in mails))
        await asyncio.to_thread(self._record, results)
        return len(claimed)

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

    def _prepare(self, claimed: list[Claimed]) -> tuple[list[Mail], list[Result]]:
        """Render each mail and freeze it; one that cannot be rendered fails alone."""
        mails: list[Mail] = []
        failures: list[Result] = []
        for one in claimed:
            try:
                mails.append(self._compose(one))
            except (TemplateProblem, ValueError) as problem:
                failures.append(
                    Result(
                        send_id=one.send_id, status="failed", reason="template_failed", explanation=str(problem)[:300]
                    )
                )
        frozen = [Frozen(send_id=m.send_id, subject=m.subject, html=m.html, text=m.text) for m in mails]
        with self._database.writing() as session:
            delivering.freeze(session, frozen)
        return mails, failures

    def _compose(self, one: Claimed) -> Mail:
        what = Unsubscribe(customer=one.customer, topic=one.topic, send_id=one.send_id)
        url = None if one.transactional else self._links.unsubscribe_url(what)
        context = {**one.context, "unsubscribe_url": url, "brand": self._brand.as_context(), "message_id": one.send_id}
        rendered: Rendered = self._renderer.render(one.template, context, one.subject)
        headers = {"Message-ID": f"<{one.send_id}@{self._brand.sender.email.rpartition('@')[2]}>"}
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
        ends = asyncio.get_running_loop().time() + SHIFT.total_seconds()
        with suppress(Fenced):
            while asyncio.get_running_loop().time() < ends and not activity.is_worker_shutdown():
                activity.heartbeat()
                if not await lane.pump():
                    await lane.seek_evidence()
                    await asyncio.sleep(IDLE)
