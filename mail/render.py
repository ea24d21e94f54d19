"""Templates into mails: Jinja2 in its sandbox, CSS inlined afterwards, a plain-text part beside the HTML.

A template `welcome` is `welcome.html`, which fills the blocks `subject` and `body` of a layout; `welcome.txt`, where
there is one, is the text part. An undefined name is an error: nobody gets "Hello ,".

    TemplateProblem         the template, with this customer's data, gives no mail
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import css_inline
from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

BUILT_IN = Path(__file__).parent.parent / "templates" / "email"
HIDDEN = "_"


class TemplateProblem(Exception):
    """Why a template gave no mail; it says nothing personal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    subject: str
    html: str
    text: str


class Renderer:
    """Renders templates found in `folders`, the first that has one winning, then among those built in."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._folders = [*folders, BUILT_IN]
        self._html = _environment(self._folders, autoescape=True)
        self._text = _environment(self._folders, autoescape=False)
        self._inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)

    def keys(self) -> frozenset[str]:
        """Every template there is."""
        found = {path.stem for folder in self._folders if folder.is_dir() for path in folder.glob("*.html")}
        return frozenset(key for key in found if not key.startswith(HIDDEN))

    def render(self, key: str, context: Mapping[str, Any], subject: str | None = None) -> Rendered:
        """The mail of a template; `subject`, itself a template, takes the place of the template's own."""
        try:
            return self._render(key, context, subject)
        except TemplateNotFound as error:
            raise TemplateProblem(f"there is no template {error.name!r}") from None
        except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as error:
            raise TemplateProblem(f"{key}: {type(error).__name__}: {error}"[:300]) from None

    def fill(self, text: str, context: Mapping[str, Any]) -> str:
        """A short text that is a template itself: a webhook's value, a note."""
        try:
            return self._text.from_string(text).render(context)
        except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as error:
            raise TemplateProblem(f"{type(error).__name__}: {error}"[:300]) from None

    @staticmethod
    def escaped(text: str) -> str:
        """Plain text as HTML."""
        return escape(text).replace("\n", "<br>")

    def _render(self, key: str, context: Mapping[str, Any], subject: str | None) -> Rendered:
        template = self._html.get_template(f"{key}.html")
        line = self._text.from_string(subject) if subject else self._text.get_template(f"{key}.html")
        if subject is None and "subject" not in line.blocks:
            raise TemplateProblem(f"{key}: the template has no block 'subject', and the step gives no subject")
        rendered = line.render(context) if subject else "".join(line.blocks["subject"](line.new_context(dict(context))))
        title = " ".join(rendered.split())
        html = self._inliner.inline(template.render({**context, "subject": title}))
        return Rendered(subject=title, html=html, text=self._text_part(key, html, {**context, "subject": title}))

    def _text_part(self, key: str, html: str, context: Mapping[str, Any]) -> str:
        try:
            return self._text.get_template(f"{key}.txt").render(context)
        except TemplateNotFound as missing:
            if missing.name != f"{key}.txt":
                raise
            return _as_text(html)


def _as_text(html: str) -> str:
    """What a reader without HTML sees. Imported when wanted: every built-in template has a text part of its own."""
    from inscriptis import get_text
    from inscriptis.model.config import ParserConfig

    return get_text(html, ParserConfig(display_links=True)).strip() + "\n"


def _environment(folders: Sequence[Path], autoescape: bool) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(list(folders)),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
