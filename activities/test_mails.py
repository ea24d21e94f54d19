"""Sends a test mail, once, by the provider that mail really goes by."""

from collections.abc import Callable
from dataclasses import replace

from mail.composing import Composer
from mail.message import Mail
from mail.providers.sender import Accepted, MailSender, NotSent
from mail.rendering.templates import TemplateProblem
from services.errors import InvalidInput
from services.jobs import test_mail
from services.values import Clock
from store.session import Database
from store.tables.access import Operation


class TestMails:
    """Composes and sends; what was handed over is never repeated, since it may have gone."""

    def __init__(self, database: Database, composer: Composer, sender: Callable[[], MailSender], clock: Clock) -> None:
        self._database = database
        self._composer = composer
        self._sender = sender
        self._clock = clock

    def compose(self, operation: Operation) -> Mail:
        """The mail, marked as a test in its subject and by a header; raise InvalidInput where there is none."""
        with self._database.reading() as session:
            request = test_mail.request(session, operation)
        try:
            mail = self._composer.compose(request, self._clock())
        except (TemplateProblem, ValueError) as problem:
            raise InvalidInput(str(problem)) from None
        headers = {**mail.headers, "X-Waypost-Test": "yes"}
        return replace(mail, subject=f"[Test] {mail.subject}", headers=headers)

    async def send(self, mail: Mail) -> str:
        """`accepted`; raise InvalidInput, with the reason, where the provider did not say that it took the mail."""
        outcome = await self._sender().send(mail)
        if isinstance(outcome, Accepted):
            return "accepted"
        why = outcome.explanation or (outcome.reason if isinstance(outcome, NotSent) else "no reason was given")
        raise InvalidInput(f"the provider did not take it: {why}")
