"""Sends one mail that somebody at their desk waits for, once, by the provider that mail really goes by.

It is a test of a template, or the link that signs a colleague in.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from mail.composing import Composer
from mail.message import Mail
from mail.providers.sender import Accepted, MailSender, NotSent
from mail.rendering.templates import TemplateProblem
from services.errors import InvalidInput
from services.jobs.mails import sign_in_mail, test_mail
from services.values import Clock
from store.session import Database
from store.tables.access import Operation

KINDS = (test_mail.KIND, sign_in_mail.KIND)
"""The kinds of operations that are one mail."""


class SingleMails:
    """Composes and sends; what was handed over is never repeated, since it may have gone."""

    def __init__(self, database: Database, composer: Composer, sender: Callable[[], MailSender], clock: Clock) -> None:
        self._database = database
        self._composer = composer
        self._sender = sender
        self._clock = clock
        self._made: Mapping[str, Callable[[Operation], Mail]] = {
            test_mail.KIND: self._test,
            sign_in_mail.KIND: self._sign_in,
        }

    def compose(self, operation: Operation) -> Mail:
        """The mail that an operation asks for; raise InvalidInput where there is none, NotFound where it is gone."""
        return self._made[operation.kind](operation)

    def _test(self, operation: Operation) -> Mail:
        """Marked as a test in its subject and by a header."""
        with self._database.reading() as session:
            request = test_mail.request(session, operation)
        try:
            mail = self._composer.compose(request, self._clock())
        except (TemplateProblem, ValueError) as problem:
            raise InvalidInput(str(problem)) from None
        headers = {**mail.headers, "X-Waypost-Test": "yes"}
        return replace(mail, subject=f"[Test] {mail.subject}", headers=headers)

    def _sign_in(self, operation: Operation) -> Mail:
        with self._database.reading() as session:
            asked = sign_in_mail.request(session, operation)
        return self._composer.sign_in(operation.id, asked.to, asked.link, asked.minutes)

    async def send(self, mail: Mail) -> str:
        """`accepted`; raise InvalidInput, with the reason, where the provider did not say that it took the mail."""
        outcome = await self._sender().send(mail)
        if isinstance(outcome, Accepted):
            return "accepted"
        why = outcome.explanation or (outcome.reason if isinstance(outcome, NotSent) else "no reason was given")
        raise InvalidInput(f"the provider did not take it: {why}")
