"""HTML into plain text, once per template: what Jinja2 says in it stays as it stands.

A text part is a template like its HTML. It is made when a template is saved (or first loaded, where it is a file), so
that no mail pays for the conversion; whoever wants better words edits it. Loops and conditions between the rows of a
table keep their place, since the HTML is read tag by tag and never made into a tree.
"""

import re
from html.parser import HTMLParser

_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_JINJA_STATEMENT = re.compile(r"\{%.*?%\}", re.DOTALL)
_REFERENCE = re.compile(r"(\{%-?\s*(?:extends|include|import|from)\s+[\"'][^\"']+)\.html([\"'])")
_MARK = re.compile("\ue000(\\d+)\ue001")
_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_STATEMENT_LINE = re.compile(r"^[ \t]+(?=\{%)", re.MULTILINE)

PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "blockquote", "pre", "hr"})
"""Elements with an empty line before and behind them."""

LINES = frozenset({"div", "tr", "li", "section", "article", "header", "footer", "br", "address"})
"""Elements that begin a line, and end it."""

SILENT = frozenset({"style", "script", "title", "template", "noscript"})
"""Elements that nobody reads."""

VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "col", "area", "base", "wbr", "source"})
"""Elements without an end (HTML, 13.1.2): what is hidden in them hides nothing behind them."""


def from_html(html: str) -> str:
    """The text template of an HTML template; what it extends and includes becomes the text of that."""
    said: list[str] = []

    def keep(match: re.Match[str]) -> str:
        said.append(_REFERENCE.sub(r"\1.txt\2", match.group()))
        return f"\ue000{len(said) - 1}\ue001"

    reader = _TextWriter()
    reader.feed(_JINJA.sub(keep, html))
    reader.close()
    text = _MARK.sub(lambda match: said[int(match[1])], reader.text())
    text = _STATEMENT_LINE.sub("", text).strip() + "\n"
    return "\n".join(_with_its_end(line) for line in text.split("\n"))


def _with_its_end(line: str) -> str:
    """A line that says something and ends with a statement; Jinja would swallow the line's end (`trim_blocks`)."""
    if not line.endswith("%}") or not _JINJA_STATEMENT.sub("", line).strip() or line.endswith(("+%}", "-%}")):
        return line
    return line.removesuffix("%}") + "+%}"


class _TextWriter(HTMLParser):
    """Writes down what a person would read."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._hidden: list[str] = []
        self._links: list[str | None] = []
        self._lead = ""

    def text(self) -> str:
        lines = [line.rstrip() for line in "".join(self._out).split("\n")]
        return _BLANK.sub("\n\n", "\n".join(lines)).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if self._hidden or tag in SILENT or _unseen(values):
            if tag not in VOID:
                self._hidden.append(tag)
            return
        self._break(tag)
        match tag:
            case "a":
                self._links.append(values.get("href"))
            case "img":
                self._write(values.get("alt") or "")
            case "li":
                self._write("- ")
            case "hr":
                self._write("--")
                self._break(tag)
            case "td" | "th":
                self._lead = " " if self._out and not self._out[-1].endswith(("\n", " ")) else ""
            case _:
                pass

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:
                del self._hidden[len(self._hidden) - 1 - self._hidden[::-1].index(tag) :]
            return
        if tag == "a" and self._links:
            href = self._links.pop()
            if href and not href.startswith("#") and href not in "".join(self._out[-1:]):
                self._write(f" ({href})")
        if tag != "br":
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._write(re.sub(r"[ \t\r\n\f]+", " ", data))

    def _write(self, text: str) -> None:
        begins_a_line = not self._out or self._out[-1].endswith("\n")
        text = text.lstrip() if begins_a_line else text
        if text:
            self._out.append(self._lead + text)
            self._lead = ""

    def _break(self, tag: str) -> None:
        if tag in PARAGRAPHS:
            self._out.append("\n\n")
        elif tag in LINES:
            self._out.append("\n")


def _unseen(values: dict[str, str | None]) -> bool:
    style = (values.get("style") or "").replace(" ", "").lower()
    return "preheader" in (values.get("class") or "").split() or "display:none" in style or "hidden" in values
