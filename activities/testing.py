"""Sends a test mail, once, by the provider that mail really goes by."""

from collections.abc import Callable

from mail.brand import Brand, context
from mail.links import Links, Unsubscribe
from mail.message import Accepted, Mail
from mail.sender import MailSender
from mail.templates import Renders, Stored, TemplateProblem
from services import testing
from services.errors import InvalidInput
from services.templates import Source
from store.session import Database
from store.tables import Operation


class Testing:
    """Renders and sends; it is never repeated, since it may have gone."""

    def __init__(
        self, database: Database, renderer: Renders, sender: Callable[[], MailSender], links: Links, brand: Brand
    ) -> None:
        self._database = database
        self._renderer = renderer
        self._sender = sender
        self._links = links
        self._brand = brand

    def compose(self, operation: Operation) -> Mail:
        """The mail; raise InvalidInput where the template gives none."""
        with self._database.reading() as session:
            to, about, source = testing.find(session, operation)
        url = self._links.unsubscribe_url(Unsubscribe(customer="test", topic="general", send_id=operation.id))
        try:
            known = context(self._brand, about, url, operation.id)
            made = self._renderer.render(operation.request["template"], known, None, _stored(source))
        except TemplateProblem as problem:
            raise InvalidInput(str(problem)) from None
        headers = {"Message-ID": self._brand.message_id(operation.id), "X-Waypost-Test": "yes"}
        subject = f"[Test] {made.subject}"
        return Mail(
            send_id=operation.id, to=to, sender=self._brand.sender, subject=subject, html=made.html, text=made.text,
            headers=headers,
        )  # fmt: skip

    async def send(self, mail: Mail) -> str:
        """What became of it, as a word."""
        outcome = await self._sender().send(mail)
        if isinstance(outcome, Accepted):
            return "accepted"
        why = getattr(outcome, "explanation", "") or getattr(outcome, "reason", "it is busy")
        raise InvalidInput(f"the provider did not take it: {why}")


def _stored(source: Source | None) -> Stored | None:
    if source is None:
        return None
    return Stored(key=source.key, version=source.version, subject=source.subject, html=source.html, text=source.text)
