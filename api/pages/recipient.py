"""Pages for whoever holds a link of a mail, in their language: see `services.feedback.answers.recipient_languages`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from api.deps.backend import Backend, TheBackend
from api.pages.html import page
from mail.translations import Translate, direction
from readers import locales
from services.definitions import topics
from services.feedback.answers import recipient_languages


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientPages:
    """Makes the pages that answer one request; `accepted` is its `Accept-Language`."""

    parts: Backend
    accepted: str

    def page(
        self, name: str, customer: str | None = None, *, status: int = 200, topic: str | None = None, **context: Any
    ) -> HTMLResponse:
        """A page in the language of a customer (an internal id); `topic` is the key of one that it speaks of."""
        wanted = self.languages(customer)
        language = self.parts.translations.best(wanted)
        return page(
            name,
            status,
            brand=self.parts.brand,
            topic=self._spoken(topic, wanted) if topic is not None else None,
            language=language,
            direction=direction(language),
            _=self.parts.translations.into(wanted),
            **context,
        )

    def damaged(self) -> HTMLResponse:
        """What a link leads to that we did not sign, or that leads nowhere any more."""
        return self.page("damaged.html", status=404)

    def expired(self) -> HTMLResponse:
        """What a link leads to that was good once."""
        return self.page("expired.html", status=410)

    def languages(self, customer: str | None) -> Sequence[str]:
        """The language tags to look for, the best first; where no customer is known, nothing is looked up."""
        if customer is None:
            return locales.accepted(self.accepted)
        with self.parts.database.reading() as session:
            return recipient_languages.languages(session, customer, self.accepted)

    def translate(self, customer: str) -> Translate:
        """What gives a text of ours in the language of a customer."""
        return self.parts.translations.into(self.languages(customer))

    def _spoken(self, topic: str, wanted: Sequence[str]) -> str:
        with self.parts.database.reading() as session:
            return topics.label(session, topic, wanted)


def recipient_pages(request: Request, parts: TheBackend) -> RecipientPages:
    """The pages for whoever asks."""
    return RecipientPages(parts=parts, accepted=request.headers.get("accept-language", ""))


ThePages = Annotated[RecipientPages, Depends(recipient_pages)]
