"""Sends a test mail, once, by the provider that mail really goes by."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime

from mail.composing import Composer, Letter
from mail.message import Accepted, Mail
from mail.providers.sender import MailSender
from mail.rendering.templates import Stored, TemplateProblem
from services.definitions.topics import GENERAL
from services.errors import InvalidInput
from services.operations import test_mails
from store.session import Database
from store.tables.access import Operation


class Testing:
    """Renders and sends; it is never repeated, since it may have gone."""

    def __init__(
        self, database: Database, composer: Composer, sender: Callable[[], MailSender], clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._composer = composer
        self._sender = sender
        self._clock = clock

    def compose(self, operation: Operation) -> Mail:
        """The mail; raise InvalidInput where the template gives none."""
        with self._database.reading() as session:
            to, about, source = test_mails.find(session, operation)
        letter = Letter(
            send_id=operation.id,
            to=to,
            customer="test",
            topic=GENERAL,
            topic_name=GENERAL,
            transactional=False,
            template=operation.request["template"],
            context=about.context,
            now=self._clock(),
            stored=Stored(**asdict(source)) if source is not None else None,
            locales=about.locales,
            timezone=about.timezone,
        )
        try:
            mail = self._composer.compose(letter)
        except (TemplateProblem, ValueError) as problem:
            raise InvalidInput(str(problem)) from None
        headers = {**mail.headers, "X-Waypost-Test": "yes"}
        return replace(mail, subject=f"[Test] {mail.subject}", headers=headers)

    async def send(self, mail: Mail) -> str:
        """What became of it, as a word."""
        outcome = await self._sender().send(mail)
        if isinstance(outcome, Accepted):
            return "accepted"
        why = getattr(outcome, "explanation", "") or getattr(outcome, "reason", "it is busy")
        raise InvalidInput(f"the provider did not take it: {why}")
