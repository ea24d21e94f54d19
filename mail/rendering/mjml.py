"""MJML into HTML, once, when a template is saved or loaded; nothing is fetched for it.

A template is MJML where `<mjml>` is its outermost element, whatever stands before it: a byte order mark, an XML
declaration, comments of HTML and of Jinja2, `{% set %}`, or an `{% if %}` that chooses among several. What Jinja2 says
within it stays as it is. Tags that MJML does not know, or that stand where it reads none, are told with their line: a
mail with a raw <mj-text> in it reaches nobody.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from jinja2.exceptions import TemplateSyntaxError

TAGS = frozenset(
    {
        "mjml", "mj-head", "mj-body", "mj-all", "mj-attributes", "mj-class", "mj-breakpoint", "mj-font",
        "mj-preview", "mj-style", "mj-title",
        "mj-accordion", "mj-accordion-element", "mj-accordion-title", "mj-accordion-text", "mj-button",
        "mj-carousel", "mj-carousel-image", "mj-column", "mj-divider", "mj-group", "mj-hero", "mj-image",
        "mj-navbar", "mj-navbar-link", "mj-raw", "mj-section", "mj-social", "mj-social-element", "mj-spacer",
        "mj-table", "mj-text", "mj-wrapper",
    }
)  # fmt: skip
"""The elements of MJML 4 (https://documentation.mjml.io) that `mrml` compiles; `mj-include` would load something."""

OF_HTML = frozenset(
    {
        "mj-accordion-text", "mj-accordion-title", "mj-button", "mj-navbar-link", "mj-preview", "mj-raw",
        "mj-social-element", "mj-style", "mj-table", "mj-text", "mj-title",
    }
)  # fmt: skip
"""Elements that hold HTML or text: MJML reads no tag of its own in them ("ending tags")."""

JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
"""What Jinja2 reads: an expression, a statement, a comment."""

_MARK = re.compile(r"⟦jinja:(\d+)⟧")
_HTML_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"<(/?)(mj-[\w-]*|mjml\b)((?:\"[^\"]*\"|'[^']*'|[^>\"'])*)>", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_BEFORE = re.compile(r"<\?xml.*?\?>|<!doctype[^>]*>", re.DOTALL | re.IGNORECASE)
_FIRST_WORDS = re.compile(r"(<mjml[^>]*>)((?:\s|⟦jinja:\d+⟧)*)")
_EXTENDS = re.compile(r"\{%[-+]?\s*extends\b")
_WHERE = re.compile(r" in root template(?: at position (\d+):\d+)?")


def to_html(source: str, name: str = "") -> str:
    """HTML as it is, and MJML compiled; raise TemplateSyntaxError, with its line, where it is wrong."""
    if "<mj" not in source.lower():
        return source
    return _Source(source.removeprefix("\ufeff"), name).compiled()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tag:
    at: int
    behind: int
    name: str
    closes: bool
    empty: bool


class _Source:
    r"""A template with what Jinja2 says in it replaced by marks, which MJML takes for text.

    They are signs that can be printed, since the compiler writes any others in attributes as Rust would (`\u{e000}`).
    """

    def __init__(self, source: str, name: str) -> None:
        self._said: list[str] = []
        self._name = name
        self.text = JINJA.sub(self._marked, source)
        self.seen = _HTML_COMMENT.sub(lambda one: " " * len(one[0]), self.text)
        self.tags = [
            _Tag(at=one.start(), behind=one.end(), name=one[2], closes=bool(one[1]), empty=one[3].endswith("/"))
            for one in _TAG.finditer(self.seen)
        ]

    def compiled(self) -> str:
        for tag in self.tags:
            self._known(tag)
        if not self.tags:
            return self._unmarked(self.text)
        spans = list(self._documents())
        ends = [0, *(place for span in spans for place in span), len(self.text)]
        around = [self._around(ends[at], ends[at + 1]) for at in range(0, len(ends), 2)]
        made = [self._unmarked(self._html_of(*span)) for span in spans]
        return around[0] + "".join(html + behind for html, behind in zip(made, around[1:], strict=True))

    def _known(self, tag: _Tag) -> None:
        if tag.name not in TAGS:
            near = get_close_matches(tag.name.lower(), TAGS, n=1)
            raise self._wrong(f"there is no <{tag.name}>" + (f"; the nearest is <{near[0]}>" if near else ""), tag.at)
        said = _MARK.search(_QUOTED.sub("", self.text[tag.at : tag.behind]))
        if said is not None:
            raise self._wrong(
                f"{self._said[int(said[1])]} stands among the attributes of <{tag.name}>; in a value it may", tag.at
            )

    def _documents(self) -> Iterator[tuple[int, int]]:
        """Where each <mjml> begins and ends; raise where tags are not closed, or stand where they mean nothing."""
        open_: list[_Tag] = []
        for tag in self.tags:
            if tag.closes:
                begun = self._closed(open_, tag)
                if tag.name == "mjml":
                    yield begun.at, tag.behind
                continue
            if not open_ and tag.name != "mjml":
                raise self._wrong(f"<{tag.name}> stands outside of <mjml>", tag.at)
            if open_ and open_[-1].name in OF_HTML:
                raise self._wrong(f"<{tag.name}> stands in <{open_[-1].name}>, which holds HTML alone", tag.at)
            if not tag.empty:
                open_.append(tag)
        if open_:
            raise self._wrong(f"<{open_[-1].name}> is not closed", open_[-1].at)

    def _closed(self, open_: list[_Tag], tag: _Tag) -> _Tag:
        """What this one closes; raise where that is not what was opened last."""
        if not any(one.name == tag.name for one in open_):
            raise self._wrong(f"</{tag.name}> closes nothing", tag.at)
        if open_[-1].name != tag.name:
            raise self._wrong(f"<{open_[-1].name}> is not closed", open_[-1].at)
        return open_.pop()

    def _around(self, begin: int, end: int) -> str:
        """What Jinja2 says outside of the documents; raise where anything else stands there."""
        text = _BEFORE.sub(lambda one: " " * len(one[0]), self.seen[begin:end])
        other = re.search(r"\S", _MARK.sub(lambda one: " " * len(one[0]), text))
        if other is not None:
            raise self._wrong("beside <mjml> stands something else; MJML is a whole mail", begin + other.start())
        said = self._unmarked(text).strip()
        if _EXTENDS.search(said):
            raise self._wrong("MJML is a whole mail and extends none", begin)
        return said

    def _html_of(self, begin: int, end: int) -> str:
        head = _FIRST_WORDS.match(self.text, begin, end)
        before = "".join(_MARK.findall(head[2])) and head[2].strip() if head else ""
        body = (head[1] + self.text[head.end() : end]) if head else self.text[begin:end]
        import mrml  # here, since a process that stores no MJML would carry it for nothing

        try:
            made = mrml.to_html(body).content
        except OSError as error:
            raise self._told(str(error), body, begin + (head.end() - begin - len(head[1]) if head else 0)) from None
        left = _TAG.search(_HTML_COMMENT.sub("", made))
        if left is not None:
            raise self._wrong(f"<{left[2]}> stands where MJML reads none", self.text.index(f"<{left[2]}", begin))
        return before + made

    def _told(self, error: str, body: str, begin: int) -> TemplateSyntaxError:
        """What the compiler said, with the line instead of its bytes."""
        where = _WHERE.search(error)
        place = len(body.encode()[: int(where[1])].decode(errors="ignore")) if where and where[1] else 0
        return self._wrong(_WHERE.sub("", error), begin + place)

    def _wrong(self, what: str, place: int) -> TemplateSyntaxError:
        return TemplateSyntaxError(f"MJML: {what}", self._unmarked(self.text[:place]).count("\n") + 1, self._name)

    def _marked(self, found: re.Match[str]) -> str:
        self._said.append(found[0])
        return f"⟦jinja:{len(self._said) - 1}⟧"

    def _unmarked(self, text: str) -> str:
        return _MARK.sub(lambda mark: self._said[int(mark[1])], text)
