"""What the form of the editor holds: the texts in each language, and which version its author had before them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Form

from api.edge import etags, form_values
from api.schemas.templates import TemplateIn, TemplateOut, TextsIn, TextsOut
from readers import locales
from services.errors import InvalidInput

STARTER = """{% extends "_layout.html" %}
{% block body %}
<h1>Hello{% if customer.first_name %} {{ customer.first_name }}{% endif %}</h1>
<p>What it is about.</p>
{% endblock %}
"""
"""With what a new template begins."""

LANGUAGES = 50
"""In how many languages a template can be: what `TemplateIn` takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenTexts:
    """The texts in one language; `tag` is empty for those that everybody else gets."""

    tag: str
    subject: str
    preheader: str
    html: str
    text: str

    @property
    def blank(self) -> bool:
        """Whether nothing is written: this is no language of it, then."""
        return not (self.subject.strip() or self.html.strip())

    def given(self) -> Mapping[str, Any]:
        """As the API's call takes them."""
        return {"subject": self.subject, "preheader": self.preheader, "html": self.html, "text": self.text}

    def read(self) -> TextsIn:
        """The same, within its bounds; raise InvalidInput."""
        return form_values.read(TextsIn, self.given())


class WrittenTemplate:
    """The form; each of its fields stands there once for each language, in one order. Raise InvalidInput."""

    def __init__(
        self,
        tag: Annotated[list[str], Form()],
        subject: Annotated[list[str], Form()],
        preheader: Annotated[list[str], Form()],
        html: Annotated[list[str], Form()],
        text: Annotated[list[str], Form()],
        seen: Annotated[str, Form(max_length=64)] = "",
    ) -> None:
        fields = (tag, subject, preheader, html, text)
        if len({len(one) for one in fields}) != 1 or not 0 < len(tag) <= 1 + LANGUAGES or tag[0] or "" in tag[1:]:
            raise InvalidInput("the form is not one of the editor's; open the page once more")
        self.seen = seen
        self.texts = [
            WrittenTexts(tag=one[0], subject=one[1], preheader=one[2], html=_lines(one[3]), text=_lines(one[4]))
            for one in zip(*fields, strict=True)
        ]

    def body(self) -> TemplateIn:
        """The whole, as the API's call takes it; raise InvalidInput."""
        own, *others = self.texts
        written = {one.tag: one.given() for one in others if not one.blank}
        return form_values.read(TemplateIn, {**own.given(), "locales": written})

    def in_language(self, tag: str) -> WrittenTexts:
        """The texts in this language, else those for everybody."""
        return next((one for one in self.texts if one.tag == tag), self.texts[0])

    def with_language(self, named: str) -> Sequence[WrittenTexts]:
        """The same in one more language, begun as a copy; raise InvalidInput where this names none, or one it has."""
        tag, own = locales.tag(named), self.texts[0]
        if tag is None:
            raise InvalidInput(f"{named[:35]!r} is no language; it looks like de, or de-AT", "more")
        if len(self.texts) > LANGUAGES:
            raise InvalidInput(f"it is in {LANGUAGES} languages already, and in no more", "more")
        if tag in {one.tag for one in self.texts}:
            raise InvalidInput(f"it is in {tag} already", "more")
        copied = WrittenTexts(tag=tag, subject=own.subject, preheader=own.preheader, html=own.html, text=own.text)
        return [*self.texts, copied]


def _lines(text: str) -> str:
    """Without the carriage returns that browsers send."""
    return text.replace("\r\n", "\n")


def seen_of(present: TemplateOut | None) -> str:
    """What names the version that an author has before them; empty where none is kept here."""
    return etags.of(present).strip('"') if present is not None else ""


def of(shown: TemplateOut) -> Sequence[WrittenTexts]:
    """The texts of a template, as the form holds them."""
    return [_written("", shown), *(_written(tag, one) for tag, one in sorted(shown.locales.items()))]


def _written(tag: str, one: TemplateOut | TextsOut) -> WrittenTexts:
    return WrittenTexts(tag=tag, subject=one.subject, preheader=one.preheader, html=one.html, text=one.text)


def begun() -> Sequence[WrittenTexts]:
    """A template that nobody has written yet."""
    return [WrittenTexts(tag="", subject="", preheader="", html=STARTER, text="")]


TheWrittenTemplate = Annotated[WrittenTemplate, Depends()]
