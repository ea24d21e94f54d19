"""Templates, as everybody but the renderer itself knows them: their names, their sources, and what comes of one.

TemplateProblem         the template, with this customer's data, gives no mail
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

BUILT_IN = Path(__file__).parent.parent.parent / "templates" / "email"
"""The templates that come with the product."""

HIDDEN = "_"
"""How the names of layouts and parts begin, which are no templates of their own."""


class TemplateProblem(Exception):
    """Why a template gave no mail; its text says nothing personal.

    `unread` is the filter and the value that it could not read, where that is why.
    """

    def __init__(self, told: str, unread: tuple[str, str] | None = None) -> None:
        super().__init__(told)
        self.unread = unread


class TemplateTexts(Protocol):
    """A version of a template that is kept in the store, not in a file: its texts in one language.

    `text` and `preheader` may be empty; `locale` is None where these are the texts for everybody else. The store's own
    (`services.definitions.templates.TemplateSource`) is seen as this from here.
    """

    @property
    def key(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def subject(self) -> str: ...
    @property
    def html(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def preheader(self) -> str: ...
    @property
    def locale(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The same as a value of this room: what a process that renders reads from its pipe."""

    key: str
    version: int
    subject: str
    html: str
    text: str
    preheader: str = ""
    locale: str | None = None


PARTS = tuple(one.name for one in fields(Stored))
"""The fields of `TemplateTexts`."""


@lru_cache(maxsize=64)
def name_of(texts: TemplateTexts) -> str:
    """Names these very texts: a key that was removed and made again counts its versions anew."""
    parts = "\0".join((texts.subject, texts.html, texts.text, texts.preheader))
    return f"{texts.key}@{hashlib.sha256(parts.encode()).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The three parts of a mail, and the language in which its dates and amounts are written."""

    subject: str
    html: str
    text: str
    locale: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedTemplate:
    """A template that can give mails: its text part, and names in it that nobody knows, but asked about first."""

    text: str
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTexts:
    """A template in one language; `text` is made of the HTML where no file holds it."""

    subject: str
    preheader: str
    html: str
    text: str


class Renders(Protocol):
    """Makes mails of templates; raises TemplateProblem."""

    def render(
        self,
        key: str,
        context: Mapping[str, Any],
        subject: str | None = None,
        stored: TemplateTexts | None = None,
        locales: Sequence[str] = (),
    ) -> Rendered:
        """The mail of a template, kept in a file or `stored`; `subject`, itself a template, replaces its own.

        `locales` are the languages the customer wants, the best first, and last that of the texts for everybody.
        """
        ...

    def fill(self, text: str, context: Mapping[str, Any]) -> str:
        """A short text that is a template itself, which reads `context`."""
        ...


def keys(folders: Iterable[Path]) -> frozenset[str]:
    """The templates that are files, in these folders or built in; `welcome.de.html` is `welcome` in German."""
    found = {path.stem for folder in (*folders, BUILT_IN) if folder.is_dir() for path in folder.glob("*.html")}
    return frozenset(key for key in found if not key.startswith(HIDDEN) and "." not in key)


def block(html: str, name: str) -> str | None:
    """What stands in a block of a template, in one line; None where it has no such block."""
    found = re.search(rf"\{{%-?\s*block {name}\s*-?%\}}(.*?)\{{%-?\s*endblock\b.*?%\}}", html, re.DOTALL)
    return " ".join(found[1].split()) if found else None
