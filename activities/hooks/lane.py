"""The lane of webhooks and notes: claims what is due, calls once each, records what came of it."""

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from journeys.program.program import Notify, Webhook
from mail.brand import Brand
from mail.message import Accepted, Mail, NotSent
from mail.providers.sender import MailSender
from mail.rendering.templates import Renders, TemplateProblem
from mail.webhooks.answer import Answer
from services.enrollments import hooks
from services.enrollments.hooks import Due, Result
from services.messages.claiming import Fenced
from store.session import Database

if TYPE_CHECKING:
    from mail.webhooks.caller import Caller


class HookLane:
    """One owner's hold on the hooks. A call that was cut off is made again, under the same id.

    `caller` is asked for when the first call is due: it brings an HTTP client with it.
    """

    def __init__(
        self,
        database: Database,
        caller: Callable[[], "Caller"],
        renderer: Renders,
        sender: MailSender,
        brand: Brand,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._caller = caller
        self._renderer = renderer
        self._sender = sender
        self._brand = brand
        self._clock = clock
        self._fence = secrets.token_hex(8)

    def take(self) -> int:
        with self._database.writing() as session:
            hooks.take_over(session, self._fence, self._clock())
        return 0

    async def pump(self) -> int:
        due = await asyncio.to_thread(self._due)
        if not due:
            return 0
        results = await asyncio.gather(*(self._attempt(one) for one in due))
        await asyncio.to_thread(self._record, results)
        return len(due)

    async def seek_evidence(self) -> int:
        return 0

    async def close(self) -> None:
        return None

    def _due(self) -> list[Due]:
        with self._database.reading() as session:
            if not hooks.anything_due(session, self._clock()):
                return []
            if not hooks.owned(session, self._fence):
                raise Fenced("the hooks have another owner")
            return hooks.due(session, self._clock())

    async def _attempt(self, due: Due) -> Result:
        try:
            answer = await self._call(due)
        except TemplateProblem as problem:
            answer = Answer(outcome="failed", error=str(problem)[:300])
        return Result(id=due.id, outcome=answer.outcome, answer=answer.status, error=answer.error)

    async def _call(self, due: Due) -> Answer:
        node, now = due.node, self._clock()
        if isinstance(node, Webhook):
            body = await self._fill(node.body, due) if node.body is not None else {**due.about, "at": now.isoformat()}
            headers = {name: str(value) for name, value in (await self._fill(dict(node.headers), due)).items()}
            return await self._caller().call(due.id, node.url, body, now, method=node.method, headers=headers)
        text = str(await self._fill(node.text, due))
        if node.url is not None:
            return await self._caller().call(due.id, node.url, {"text": text, **due.about}, now, headers={})
        return await self._write(due, node, text)

    async def _write(self, due: Due, node: Notify, text: str) -> Answer:
        """A mail to a colleague, once: where nobody can tell whether it went, it is not written again."""
        subject = str(await self._fill(node.subject or "{{ customer.id }}: a note from {{ brand.name }}", due))
        sender = self._brand.sender
        mail = Mail(
            send_id=due.id,
            to=node.email or "",
            sender=sender,
            subject=" ".join(subject.split()),
            html=f"<p>{_escaped(text)}</p>",
            text=text,
            headers={"Message-ID": self._brand.message_id(due.id)},
        )
        outcome = await self._sender.send(mail)
        if isinstance(outcome, Accepted):
            return Answer(outcome="delivered")
        reason = getattr(outcome, "reason", type(outcome).__name__)
        return Answer(outcome="again" if isinstance(outcome, NotSent) else "failed", error=str(reason))

    async def _fill(self, value: Any, due: Due) -> Any:
        return await asyncio.to_thread(self._filled, value, due)

    def _filled(self, value: Any, due: Due) -> Any:
        """The texts within a value, each rendered as a template."""
        if isinstance(value, str):
            return self._renderer.fill(value, {**due.context, "brand": self._brand.as_context()})
        if isinstance(value, dict):
            return {key: self._filled(inner, due) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner, due) for inner in value]
        return value

    def _record(self, results: list[Result]) -> None:
        with self._database.writing() as session:
            hooks.record(session, results, self._clock())


def _escaped(text: str) -> str:
    """Plain text as HTML."""
    return escape(text).replace("\n", "<br>")
