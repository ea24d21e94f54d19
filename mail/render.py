"""Templates into mails: Jinja2 in its sandbox, CSS inlined afterwards, a plain-text part beside the HTML.

A template `welcome` is `welcome.html`, which fills the blocks `subject` and `body` of a layout; `welcome.txt`, where
there is one, is the text part. A stored template brings its three texts with it. An undefined name is an error: nobody
gets "Hello ,". This runs in a process of its own (`render_pool`), since a sandbox stops neither loops nor memory.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import css_inline
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    DictLoader,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    UndefinedError,
    meta,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mail.render_limits import LARGEST
from mail.templates import BUILT_IN, Rendered, Stored, TemplateProblem

MOST_KEPT = 800
"""Texts of stored templates, the HTML and the plain one counted apart."""

NAMES = frozenset({"customer", "enrollment", "brand", "unsubscribe_url", "message_id", "subject"})
"""What a template may name."""

_FAILURES = (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError, RecursionError)


class Renderer:
    """Renders templates found in `folders`, the first that has one winning, then among those built in."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._stored: dict[str, str] = {}
        loader = ChoiceLoader([DictLoader(self._stored), FileSystemLoader([*folders, BUILT_IN])])
        self._html = _environment(loader, autoescape=True)
        self._text = _environment(loader, autoescape=False)
        self._inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)

    def render(
        self, key: str, context: Mapping[str, Any], subject: str | None = None, stored: Stored | None = None
    ) -> Rendered:
        """The mail of a template; `subject`, itself a template, takes the place of the template's own."""
        try:
            name = key if stored is None else self._keep(stored)
            return self._render(name, context, subject or (stored.subject if stored else None))
        except TemplateNotFound as error:
            raise TemplateProblem(f"there is no template {error.name!r}") from None
        except _FAILURES as error:
            raise TemplateProblem(f"{key}: {_told(error, context)}"[:300]) from None

    def fill(self, text: str, context: Mapping[str, Any]) -> str:
        """A short text that is a template itself: a webhook's value, a note."""
        try:
            return _within(self._text.from_string(text), context)
        except _FAILURES as error:
            raise TemplateProblem(_told(error, context)[:300]) from None

    def check(self, stored: Stored) -> None:
        """Raise TemplateProblem where a text of a template has a wrong syntax or names what there is not."""
        for part, text in (("subject", stored.subject), ("html", stored.html), ("text", stored.text)):
            try:
                unknown = meta.find_undeclared_variables(self._html.parse(text)) - NAMES
            except TemplateError as error:
                raise TemplateProblem(f"{part}: {_told(error, {})}"[:300]) from None
            if unknown:
                names, known = ", ".join(sorted(unknown)), ", ".join(sorted(NAMES))
                raise TemplateProblem(f"{part}: there is no {names}; a template may name {known}")

    def _keep(self, stored: Stored) -> str:
        """The same texts are compiled once; the oldest make room."""
        if f"{stored.name}.html" not in self._stored:
            while len(self._stored) >= MOST_KEPT:
                del self._stored[next(iter(self._stored))]
            self._stored[f"{stored.name}.html"] = stored.html
            if stored.text:
                self._stored[f"{stored.name}.txt"] = stored.text
        return stored.name

    def _render(self, key: str, context: Mapping[str, Any], subject: str | None) -> Rendered:
        template = self._html.get_template(f"{key}.html")
        line = self._text.from_string(subject) if subject else self._text.get_template(f"{key}.html")
        if subject is None and "subject" not in line.blocks:
            raise TemplateProblem(f"{key}: the template has no block 'subject', and the step gives no subject")
        rendered = (
            _within(line, context) if subject else "".join(line.blocks["subject"](line.new_context(dict(context))))
        )
        title = " ".join(rendered.split())
        html = self._inliner.inline(_within(template, {**context, "subject": title}))
        return Rendered(subject=title, html=html, text=self._text_part(key, html, {**context, "subject": title}))

    def _text_part(self, key: str, html: str, context: Mapping[str, Any]) -> str:
        try:
            return _within(self._text.get_template(f"{key}.txt"), context)
        except TemplateNotFound as missing:
            if missing.name != f"{key}.txt":
                raise
            return _as_text(html)


def _within(template: Template, context: Mapping[str, Any]) -> str:
    """The output, as long as it stays within bounds."""
    pieces: list[str] = []
    size = 0
    for piece in template.generate(context):
        size += len(piece)
        if size > LARGEST:
            raise ValueError(f"the output is larger than {LARGEST:,} characters")
        pieces.append(piece)
    return "".join(pieces)


def _told(error: Exception, context: Mapping[str, Any]) -> str:
    """What failed; an undefined name with the nearest that there is."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, UndefinedError):
        customer = context.get("customer")
        wanted = str(error).rpartition("attribute ")[2].strip("'")
        known = [*NAMES, *(customer if isinstance(customer, Mapping) else ())]
        near = get_close_matches(wanted, known, n=1)
        text += f"; the nearest is {near[0]!r}" if near else '; write {{ … | default("…") }} where it may be missing'
    return text


def _as_text(html: str) -> str:
    """What a reader without HTML sees. Imported when wanted: every built-in template has a text part of its own."""
    from inscriptis import get_text
    from inscriptis.model.config import ParserConfig

    return get_text(html, ParserConfig(display_links=True)).strip() + "\n"


def _environment(loader: BaseLoader, autoescape: bool) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
