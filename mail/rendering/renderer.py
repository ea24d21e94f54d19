"""Templates into mails: Jinja2 in its sandbox, CSS inlined afterwards, a plain-text part beside the HTML.

A template `welcome` is `welcome.html`, which fills the blocks `subject` and `body` of a layout; `welcome.txt`, where
there is one, is the text part, and `welcome.de.html` the same mail in German. A stored template brings its texts with
it. An undefined name is an error: nobody gets "Hello ,". This runs in a process of its own (`render_pool`), since a
sandbox stops neither loops nor memory.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import css_inline
from jinja2 import Template, TemplateError, TemplateNotFound, TemplateSyntaxError, UndefinedError
from markupsafe import escape

from mail.rendering import names, plain_text, style_sheets, survey_block
from mail.rendering.environment import TemplateEnvironment
from mail.rendering.filters import FALLBACK, UnreadValue, language
from mail.rendering.limits import LARGEST, LONGEST_SUBJECT
from mail.rendering.missing import readable
from mail.rendering.sources import Sources, html_of
from mail.rendering.templates import CheckedTemplate, Rendered, TemplateProblem, TemplateTexts, name_of
from mail.translations import Translations

MOST_KEPT = 800
"""Texts of stored templates, the HTML and the plain one counted apart."""

MOST_TOLD = 2_000
"""Characters of what is told of a template that is refused."""

_FAILURES = (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError, RecursionError)
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)


class Renderer:
    """Renders templates found in `folders`, the first that has one winning, then among those built in."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._stored: dict[str, str] = {}
        self._sources = Sources(self._stored, folders)
        self._translations = Translations(folders)
        self._html = TemplateEnvironment(self._sources, autoescape=True)
        self._text = TemplateEnvironment(self._sources, autoescape=False)
        for environment, block in ((self._html, survey_block.as_html), (self._text, survey_block.as_text)):
            blocks: Mapping[str, Any] = {"survey": block}
            environment.globals.update(blocks)
        self._line = lru_cache(MOST_KEPT)(self._text.from_string)
        self._inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)

    def render(
        self,
        key: str,
        context: Mapping[str, Any],
        subject: str | None = None,
        stored: TemplateTexts | None = None,
        locales: Sequence[str] = (),
    ) -> Rendered:
        """The mail of a template; `subject`, itself a template, takes the place of the template's own.

        Raise TemplateProblem, which names what is missing and nothing personal.
        """
        try:
            if stored is None:
                name, variant = self._file(key, locales)
            else:
                name, variant = self._keep(stored), stored.locale
            known = {**readable(context), "locale": spoken(locales, variant)}
            known["_"] = self._translations.into([known["locale"]])
            known["preheader"] = _within(self._line(stored.preheader), known) if stored else ""
            return self._render(name, known, subject or (stored.subject if stored else None))
        except TemplateNotFound as error:
            raise TemplateProblem(f"there is no template {error.name!r}") from None
        except _FAILURES as error:
            unread = error.unread if isinstance(error, UnreadValue) else None
            raise TemplateProblem(f"{key}: {_told(error, context)}"[:300], unread) from None

    def fill(self, text: str, context: Mapping[str, Any]) -> str:
        """A short text that is a template itself, as a note; raise TemplateProblem where it gives none."""
        try:
            return _within(self._line(text), readable(context))
        except _FAILURES as error:
            raise TemplateProblem(_told(error, context)[:300]) from None

    def check(self, stored: TemplateTexts) -> CheckedTemplate:
        """Raise TemplateProblem where a text has a wrong syntax or names what there is not, with the lines.

        Give the text part, made of the HTML where nobody wrote one.
        """
        texts = {"subject": stored.subject, "preheader": stored.preheader, "html": stored.html, "text": stored.text}
        problems, warnings = list[str](), list[str]()
        for part, text in texts.items():
            try:
                unknown = names.unknown(self._html.parse(style_sheets.kept(text)), self._html, self._sources.names())
                problems += [f"{part}: {one}" for one in unknown if not one.guarded]
                warnings += [f"{part}: {one}; it is taken for missing" for one in unknown if one.guarded]
                if part == "html":
                    self._html.parse(html_of(text))
            except TemplateError as error:
                problems.append(f"{part}: {_told(error, {})}")
        if problems:
            raise TemplateProblem("; ".join(problems)[:MOST_TOLD])
        return CheckedTemplate(text=stored.text or self._made(html_of(stored.html)), warnings=warnings)

    def _made(self, html: str) -> str:
        made = plain_text.from_html(html)
        try:
            self._text.parse(made)
        except TemplateError:
            raise TemplateProblem("no text part can be made of this HTML; write one") from None
        return made

    def _file(self, key: str, locales: Sequence[str]) -> tuple[str, str | None]:
        """The file in the best of the languages, and which that is; None for everybody else's."""
        for tag in locales:
            try:
                self._html.get_template(f"{key}.{tag}.html")
            except TemplateNotFound as missing:
                if missing.name != f"{key}.{tag}.html":
                    raise
            else:
                return f"{key}.{tag}", tag
        return key, None

    def _keep(self, stored: TemplateTexts) -> str:
        """The same texts are compiled once; the oldest make room."""
        name = name_of(stored)
        if f"{name}.html" not in self._stored:
            while len(self._stored) >= MOST_KEPT:
                del self._stored[next(iter(self._stored))]
            self._stored[f"{name}.html"] = stored.html
            if stored.text:
                self._stored[f"{name}.txt"] = stored.text
        return name

    def _render(self, key: str, context: Mapping[str, Any], subject: str | None) -> Rendered:
        template = self._html.get_template(f"{key}.html")
        line = self._line(subject) if subject else self._text.get_template(f"{key}.html")
        if subject is None and "subject" not in line.blocks:
            raise TemplateProblem(f"{key}: the template has no block 'subject', and the step gives no subject")
        said = line.generate(context) if subject else line.blocks["subject"](line.new_context(dict(context)))
        known = {**context, "subject": _one_line(said)}
        html = self._inliner.inline(_with_preheader(_within(template, known), known["preheader"]))
        _bounded([html])
        text = _within(self._text.get_template(f"{key}.txt"), known).lstrip("\n")
        return Rendered(subject=known["subject"], html=html, text=text, locale=known["locale"])


def spoken(locales: Sequence[str], variant: str | None) -> str:
    """How dates and amounts are written: as the customer likes them, where they share the language of the texts."""
    texts = variant or (locales[-1] if locales else FALLBACK)
    return next((tag for tag in locales if language(tag) == language(texts)), texts)


def _with_preheader(html: str, preheader: str) -> str:
    """What an inbox shows beside the subject, first in the body, where the template itself does not show it."""
    line = str(escape(preheader))
    if not line or line in html:
        return html
    hidden = f'<div class="preheader" style="display:none;max-height:0;overflow:hidden">{line}</div>'
    found = _BODY.search(html)
    return html[: found.end()] + hidden + html[found.end() :] if found else hidden + html


def _one_line(said: Iterable[str]) -> str:
    """A subject, which is a header: white space in it is a blank. Raise ValueError where it is too long."""
    line = " ".join(_bounded(said).split())
    if len(line) > LONGEST_SUBJECT:
        raise ValueError(f"the subject has {len(line):,} characters; at most {LONGEST_SUBJECT} are allowed")
    return line


def _within(template: Template, context: Mapping[str, Any]) -> str:
    """The output, as long as it stays within bounds."""
    return _bounded(template.generate(context))


def _bounded(said: Iterable[str]) -> str:
    pieces: list[str] = []
    size = 0
    for piece in said:
        size += len(piece)
        if size > LARGEST:
            raise ValueError(f"the output is larger than {LARGEST:,} characters")
        pieces.append(piece)
    return "".join(pieces)


def _told(error: Exception, context: Mapping[str, Any]) -> str:
    """What failed: a wrong syntax with its line, an undefined name with the nearest that there is."""
    if isinstance(error, TemplateSyntaxError):
        place = f"line {error.lineno}" + (f" of {error.name}" if error.name else "")
        return f"{place}: {error.message}" + (_CSS if error.message and "comment tag" in error.message else "")
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, UndefinedError):
        customer = context.get("customer")
        wanted = str(error).rpartition("attribute ")[2].strip("'")
        known = [*names.VARIABLES, *(customer if isinstance(customer, Mapping) else ())]
        near = names.nearest(wanted, known)
        text += f"; the nearest is {near!r}" if near else '; write {{ … | default("…") }} where it may be missing'
    return text


_CSS = "; a `{#` that is none is written {{ '{#' }}"
