"""The lane of webhooks and notes: claims what is due, calls each at most so often, records what came of it.

When a call is due, and how often it is made, is for `services.enrollments.hooks` to say; how one is made and signed,
for `mail.webhooks`; what a note looks like, for `mail.composing`.

Calls are made beside each other and recorded each by itself: a slow receiver holds up nobody, and what is raised for
one call is that call's own result.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import structlog
from sqlmodel import Session

from activities import meters
from activities.hooks.note_outcomes import answer_of
from activities.hooks.receivers import Receivers
from journeys.language.secrets import NamedSecret
from journeys.language.words import FRAMING_HEADERS
from journeys.program.nodes import NotifyNode, WebhookNode
from mail.composing import Composer
from mail.providers.sender import MailSender
from mail.rendering.templates import TemplateProblem
from mail.webhooks.answer import HookAnswer
from services.enrollments import hooks
from services.enrollments.hooks import DueHook
from services.values import Clock
from store import dialect
from store.queries.sending import hooks as rows
from store.session import Database

if TYPE_CHECKING:
    from mail.webhooks.caller import Caller

AT_ONCE = 128
"""Calls under way at a time that have not lasted for HANGS_AFTER yet."""

HANGING = 384
"""Calls that have: each waits for somebody else's machine, ten seconds at most, and takes no place of the others. With
these a process has 512 connections, half of what it may open where nothing else is said (1,024 files)."""

HANGS_AFTER = 1.0
"""Seconds after which a call hangs: most receivers answer sooner."""

FILLS = 16
"""Texts of calls filled in at once, in threads of their own: an endless one takes seconds, and nobody else's thread."""

PATIENCE = 0.25
"""Seconds for which a round waits for the calls that it began, before the next ones are claimed beside them; it waits
for none where more is known to be due."""

SOON, SELDOM = 0.25, 4.0
"""Seconds until the next look: at the soonest, and where nothing is known to be due."""

AGAIN = 1.0
"""Seconds between two tries to record an answer while the database is away."""

SUBJECT = "{{ customer.id }}: a note from {{ brand.name }}"
"""That of a note whose step gives none."""

log = structlog.get_logger("waypost.hooks")


class NoSuchSecret(LookupError):
    """A journey names a secret that this worker was not given; it may be given it yet."""


class HookLane:
    """One owner's hold on the hooks. A call that was cut off is made again, under the same id.

    `secrets` are those that journeys name, and stay in this process. `caller` is asked for when the first call is due:
    it brings an HTTP client with it.
    """

    def __init__(
        self,
        database: Database,
        caller: Callable[[], "Caller"],
        composer: Composer,
        sender: MailSender,
        clock: Clock,
        secrets: Mapping[str, str],
    ) -> None:
        self._secrets = secrets
        self._database = database
        self._caller = caller
        self._composer = composer
        self._sender = sender
        self._clock = clock
        self._fence = token_hex(8)
        self._calls: set[asyncio.Task[None]] = set()
        self._hanging: set[asyncio.Task[None]] = set()
        self._receivers = Receivers()
        self._threads = ThreadPoolExecutor(FILLS, thread_name_prefix="fill")
        self._next_due: datetime | None = None
        self._more = False
        """Whether the last claim put back what its receivers had no room for: others are due behind these."""

    def take(self) -> int:
        """Become the owner; return how many calls the last one left in the middle."""
        left = page = self._database.write(lambda session: hooks.take_over(session, self._fence, self._clock()))
        while page == hooks.LEFT_AT_ONCE:
            page = self._database.write(lambda session: hooks.settle_left(session, self._fence, self._clock()))
            left += page
        return left

    async def pump(self) -> int:
        """Make the calls that are due; return how many. Raise Fenced where there is another owner by now."""
        free = min(AT_ONCE - len(self._calls - self._hanging), AT_ONCE + HANGING - len(self._calls))
        if free <= 0:
            await asyncio.wait(self._calls, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            return len(self._calls)
        due = await asyncio.to_thread(self._claim, free)
        if not due:
            return 0
        await asyncio.wait([self._begin(one) for one in due], timeout=0 if self._more else PATIENCE)
        return len(due)

    def _begin(self, due: DueHook) -> asyncio.Task[None]:
        call = asyncio.create_task(self._make(due))
        self._calls.add(call)
        self._receivers.begun(due)
        hangs = asyncio.get_running_loop().call_later(HANGS_AFTER, self._hangs, call, due)
        call.add_done_callback(lambda _: self._ended(call, due, hangs))
        return call

    def _hangs(self, call: asyncio.Task[None], due: DueHook) -> None:
        self._hanging.add(call)
        self._receivers.hangs(due)

    def _ended(self, call: asyncio.Task[None], due: DueHook, hangs: asyncio.TimerHandle) -> None:
        hangs.cancel()
        self._receivers.ended(due, quickly=call not in self._hanging)
        self._calls.discard(call)
        self._hanging.discard(call)

    async def when_idle(self) -> int:
        """Nothing: what is not due yet comes by its time."""
        return 0

    def rest(self) -> float:
        """Seconds until a call may be due."""
        if self._next_due is None:
            return SELDOM
        return min(SELDOM, max(SOON, (self._next_due - self._clock()).total_seconds()))

    def takes_long(self) -> bool:
        """Whether a call may take minutes still: a note by a mail server that takes its time."""
        return bool(self._calls)

    async def drain(self) -> None:
        """Wait for the calls that are under way, and for their records."""
        if self._calls:
            await asyncio.wait(set(self._calls))

    async def close(self) -> None:
        """Finish the calls that are under way."""
        await self.drain()
        self._threads.shutdown(wait=False)

    async def _make(self, due: DueHook) -> None:
        """Each call ends in a result that is kept: its own, or that this is what the database refuses to keep."""
        answer = await self._attempt(due)
        try:
            await self._keep(partial(self._record, due, answer))
        except Exception as error:
            self._not_recorded(due, error)
            told = f"{answer.outcome}{f' (HTTP {answer.status})' if answer.status else ''}"
            why = f"the call ended, {told}, and what came of it cannot be recorded: {type(error).__name__}"
            try:
                await self._keep(partial(self._set_aside, due, why))
            except Exception as last:
                self._not_recorded(due, last)

    async def _keep(self, work: Callable[[], None]) -> None:
        """Do it in a thread, as often as the database is away; raise what it refuses for good."""
        while True:
            try:
                return await asyncio.shield(asyncio.to_thread(work))
            except Exception as error:
                if not dialect.is_at_fault(error):
                    raise
                log.warning("database_away", doing="record a hook", error=type(error).__name__)
                await asyncio.sleep(AGAIN)

    def _not_recorded(self, due: DueHook, error: Exception) -> None:
        log.error("hook_not_recorded", hook=due.id, exc_info=error)
        meters.unexpected("record_hook")

    async def _attempt(self, due: DueHook) -> HookAnswer:
        try:
            return await self._call(due)
        except TemplateProblem as problem:
            return HookAnswer(outcome="failed", error=str(problem)[:300])
        except NoSuchSecret as unknown:
            return HookAnswer(outcome="again", error=str(unknown))
        except Exception as error:
            log.error("hook_not_called", hook=due.id, exc_info=error)
            meters.unexpected("call")
            once = isinstance(due.step, NotifyNode) and due.step.url is None
            why = f"{type(error).__name__}; the worker's log tells more"
            return HookAnswer(outcome="failed" if once else "again", error=why)

    async def _call(self, due: DueHook) -> HookAnswer:
        step, now = due.step, self._clock()
        if isinstance(step, WebhookNode):
            body = await self._fill(step.body, due) if step.body is not None else {**due.about, "at": now.isoformat()}
            own = {name: value for name, value in step.headers.items() if name.lower() not in FRAMING_HEADERS}
            headers = {name: str(value) for name, value in (await self._fill(own, due)).items()}
            url = self._revealed(step.url)
            return await self._caller().call(due.id, url, body, now, method=step.method, headers=headers)
        text = str(await self._fill(step.text, due))
        if step.url is not None:
            url = self._revealed(step.url)
            return await self._caller().call(due.id, url, {"text": text, **due.about}, now, headers={})
        return await self._write(due, step, text)

    async def _write(self, due: DueHook, step: NotifyNode, text: str) -> HookAnswer:
        """A mail to a colleague, once: where nobody can tell whether it went, it is not written again."""
        subject = str(await self._fill(step.subject or SUBJECT, due))
        mail = self._composer.hand_over(due.id, step.email or "", subject, text, self._clock())
        return answer_of(await self._sender.send(mail))

    async def _fill(self, value: Any, due: DueHook) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._filled, value, due)

    def _filled(self, value: Any, due: DueHook) -> Any:
        """The texts within a value, each rendered as a template; a secret stands for what it is."""
        if isinstance(value, NamedSecret):
            return self._revealed(value)
        if isinstance(value, str):
            return self._composer.fill(value, due.context)
        if isinstance(value, dict):
            return {key: self._filled(inner, due) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner, due) for inner in value]
        return value

    def _revealed(self, value: str | NamedSecret) -> str:
        """What goes out; raise NoSuchSecret."""
        if isinstance(value, str):
            return value
        if value.secret not in self._secrets:
            raise NoSuchSecret(f"there is no secret {value.secret!r} in WAYPOST_HOOKS_SECRETS")
        return self._secrets[value.secret]

    # -- in a thread, each in one transaction --------------------------------------------------------------------------

    def _claim(self, limit: int) -> list[DueHook]:
        with self._database.reading() as session:
            self._next_due = rows.next_due(session)
        if self._next_due is None or self._next_due > self._clock():
            return []
        return self._database.write(lambda session: self._claimed(session, limit, self._clock()))

    def _claimed(self, session: Session, limit: int, now: datetime) -> list[DueHook]:
        unexpected = partial(meters.unexpected, "claim_hook")
        due = hooks.claim(session, self._fence, limit, now, self._receivers.crowded(), unexpected)
        admitted = self._receivers.admitted(due)
        hooks.put_back(session, self._fence, {one.id for one in due} - {one.id for one in admitted}, now)
        self._more = len(admitted) < len(due)
        return admitted

    def _set_aside(self, due: DueHook, why: str) -> None:
        self._database.write(
            lambda session: hooks.set_aside(session, self._fence, due.id, due.attempt, why, self._clock())
        )

    def _record(self, due: DueHook, answer: HookAnswer) -> None:
        self._database.write(
            lambda session: hooks.record(session, self._fence, due.id, due.attempt, answer, self._clock())
        )
