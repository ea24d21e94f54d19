"""The lane of webhooks and notes: claims what is due, calls once each, records what came of it.

When a call is due, and how often it is made, is for `services.enrollments.hooks` to say; how one is made and signed,
for `mail.webhooks`; what a note looks like, for `mail.composing`.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from journeys.program.program import Notify, Webhook
from mail.composing import Composer
from mail.providers.sender import Accepted, MailSender, NotSent
from mail.rendering.templates import TemplateProblem
from mail.webhooks.answer import HookAnswer
from services.enrollments import hooks
from services.enrollments.hooks import Due
from services.messages.claiming import Fenced
from store.session import Database

if TYPE_CHECKING:
    from mail.webhooks.caller import Caller

SUBJECT = "{{ customer.id }}: a note from {{ brand.name }}"
"""That of a note whose step gives none."""


class HookLane:
    """One owner's hold on the hooks. A call that was cut off is made again, under the same id.

    `caller` is asked for when the first call is due: it brings an HTTP client with it.
    """

    def __init__(
        self,
        database: Database,
        caller: Callable[[], "Caller"],
        composer: Composer,
        sender: MailSender,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._caller = caller
        self._composer = composer
        self._sender = sender
        self._clock = clock
        self._fence = secrets.token_hex(8)

    def take(self) -> int:
        """Become the owner; nothing is ever left in the middle."""
        with self._database.writing() as session:
            hooks.take_over(session, self._fence, self._clock())
        return 0

    async def pump(self) -> int:
        """Make the calls that are due, at once; return how many. Raise Fenced where there is another owner by now."""
        due = await asyncio.to_thread(self._due)
        if not due:
            return 0
        answers = await asyncio.gather(*(self._attempt(one) for one in due))
        await asyncio.to_thread(self._record, {one.id: answer for one, answer in zip(due, answers, strict=True)})
        return len(due)

    async def when_idle(self) -> int:
        """Nothing: what is not due yet comes by its time."""
        return 0

    async def close(self) -> None:
        """Nothing is left open between two rounds."""

    def _due(self) -> list[Due]:
        with self._database.reading() as session:
            if not hooks.anything_due(session, self._clock()):
                return []
            if not hooks.owned(session, self._fence):
                raise Fenced("the hooks have another owner")
            return hooks.due(session, self._clock())

    async def _attempt(self, due: Due) -> HookAnswer:
        try:
            return await self._call(due)
        except TemplateProblem as problem:
            return HookAnswer(outcome="failed", error=str(problem)[:300])

    async def _call(self, due: Due) -> HookAnswer:
        node, now = due.node, self._clock()
        if isinstance(node, Webhook):
            body = await self._fill(node.body, due) if node.body is not None else {**due.about, "at": now.isoformat()}
            headers = {name: str(value) for name, value in (await self._fill(dict(node.headers), due)).items()}
            return await self._caller().call(due.id, node.url, body, now, method=node.method, headers=headers)
        text = str(await self._fill(node.text, due))
        if node.url is not None:
            return await self._caller().call(due.id, node.url, {"text": text, **due.about}, now, headers={})
        return await self._write(due, node, text)

    async def _write(self, due: Due, node: Notify, text: str) -> HookAnswer:
        """A mail to a colleague, once: where nobody can tell whether it went, it is not written again."""
        subject = str(await self._fill(node.subject or SUBJECT, due))
        outcome = await self._sender.send(self._composer.note(due.id, node.email or "", subject, text))
        if isinstance(outcome, Accepted):
            return HookAnswer(outcome="delivered")
        reason = getattr(outcome, "reason", type(outcome).__name__)
        return HookAnswer(outcome="again" if isinstance(outcome, NotSent) else "failed", error=str(reason))

    async def _fill(self, value: Any, due: Due) -> Any:
        return await asyncio.to_thread(self._filled, value, due)

    def _filled(self, value: Any, due: Due) -> Any:
        """The texts within a value, each rendered as a template."""
        if isinstance(value, str):
            return self._composer.fill(value, due.context)
        if isinstance(value, dict):
            return {key: self._filled(inner, due) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner, due) for inner in value]
        return value

    def _record(self, answers: Mapping[str, HookAnswer]) -> None:
        with self._database.writing() as session:
            hooks.record(session, answers, self._clock())
