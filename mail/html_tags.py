"""The tags of a rendered mail, found where they are without writing anything else anew.

What is rendered was read by an HTML parser and written by it (html5ever, with the CSS inlined), so the text is HTML's
own serialisation (HTML, 13.3): every attribute in double quotes, a `<` in text escaped, every comment closed. Over
that, to read tag by tag is exact: a `>` or a `<a …>` in an attribute, in a style sheet or a comment is what it is.
Conditional comments hold what Outlook reads, tags as their author wrote them; these are read, too.
"""

import html as markup
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

_ATTRIBUTES = r"((?>[^\"'>]+|\"[^\"]*\"|'[^']*')*+)"
_PIECE = re.compile(
    rf"<!--(?P<comment>.*?)-->|<(?P<raw>style|script|xmp|iframe|noembed|noframes)\b.*?</(?P=raw)\s*>"
    rf"|<(?P<name>[a-z][^\s/>]*){_ATTRIBUTES}>",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"([^\s=>\"'/]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_CONDITION = "[if"
"""How a comment begins that Outlook reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A start tag: its name in small letters, and its text as it stands."""

    name: str
    text: str

    def attribute(self, name: str) -> str | None:
        """The value, unescaped; empty where it has none, None where there is no such attribute."""
        found = self._found(name)
        return markup.unescape(found[2] or found[3] or found[4] or "") if found else None

    def with_attribute(self, name: str, value: str) -> str:
        """The text of the tag with another value of an attribute that it has."""
        found = self._found(name)
        assert found is not None
        return f'{self.text[: found.start()]}{found[1]}="{markup.escape(value)}"{self.text[found.end() :]}'

    def _found(self, name: str) -> re.Match[str] | None:
        begin = 1 + len(self.name)
        return next((one for one in _ATTRIBUTE.finditer(self.text, begin) if one[1].lower() == name), None)


def tags(html: str) -> Iterator[Tag]:
    """Every start tag, in the order of the text."""
    for found in _PIECE.finditer(html):
        if found["name"]:
            yield _tag(found)
        elif (found["comment"] or "").startswith(_CONDITION):
            yield from tags(found["comment"])


def rewritten(html: str, names: Collection[str], rewrite: Callable[[Tag], str]) -> str:
    """The text with each start tag of these names replaced by what `rewrite` makes of it."""

    def piece(found: re.Match[str]) -> str:
        if found["name"]:
            return rewrite(_tag(found)) if found["name"].lower() in names else found[0]
        comment = found["comment"] or ""
        return f"<!--{rewritten(comment, names, rewrite)}-->" if comment.startswith(_CONDITION) else found[0]

    return _PIECE.sub(piece, html)


def _tag(found: re.Match[str]) -> Tag:
    return Tag(name=found["name"].lower(), text=found[0])
