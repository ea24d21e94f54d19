"""The tags of a rendered mail, found where they are without writing anything else anew.

What is rendered was read by an HTML parser and written by it (html5ever, with the CSS inlined), so the text is HTML's
own serialisation (HTML, 13.3): every attribute in double quotes, a `<` in text escaped, every comment closed. Over
that, to read tag by tag is exact: a `>` or a `<a …>` in an attribute, in a style sheet or a comment is what it is.
Conditional comments hold what Outlook reads, tags as their author wrote them; these are read, too.
"""

import html as markup
import re
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache

_ATTRIBUTES = r"(?>[^\"'>]+|\"[^\"]*\"|'[^']*')*+"
_NOT_TAGS = (
    r"<!--(?P<comment>.*?)-->|<(?P<raw>style|script|xmp|iframe|noembed|noframes)\b.*?</(?P=raw)\s*>"
    # a tag that has a `<` in a value, so that nobody takes that for the beginning of another
    rf"|<[a-z](?>[^\"'>]+|\"[^\"<]*\"|'[^'<]*')*+(?:\"[^\"]*\"|'[^']*'){_ATTRIBUTES}>"
)
_ATTRIBUTE = re.compile(r"([^\s=>\"'/]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_CONDITION = "[if"
"""How a comment begins that Outlook reads."""


class Tag:
    """A start tag: its name in small letters, and its text as it stands."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._attributes: dict[str, re.Match[str]] = {}
        for found in _ATTRIBUTE.finditer(text, 1 + len(name)):
            self._attributes.setdefault(found[1].lower(), found)

    def attribute(self, name: str) -> str | None:
        """The value, unescaped; empty where it has none, None where there is no such attribute."""
        found = self._attributes.get(name)
        return markup.unescape(found[2] or found[3] or found[4] or "") if found else None

    def with_attribute(self, name: str, value: str) -> str:
        """The text of the tag with another value of an attribute that it has."""
        found = self._attributes[name]
        return f'{self.text[: found.start()]}{found[1]}="{markup.escape(value)}"{self.text[found.end() :]}'


def tags(html: str, names: Collection[str]) -> Iterator[Tag]:
    """Every start tag of these names, in the order of the text."""
    for found in _pieces(frozenset(names)).finditer(html):
        if found["name"]:
            yield _tag(found)
        elif (found["comment"] or "").startswith(_CONDITION):
            yield from tags(found["comment"], names)


def rewritten(html: str, names: Collection[str], rewrite: Callable[[Tag], str]) -> str:
    """The text with each start tag of these names replaced by what `rewrite` makes of it."""

    def piece(found: re.Match[str]) -> str:
        if found["name"]:
            return rewrite(_tag(found))
        comment = found["comment"] or ""
        return f"<!--{rewritten(comment, names, rewrite)}-->" if comment.startswith(_CONDITION) else found[0]

    return _pieces(frozenset(names)).sub(piece, html)


@lru_cache(maxsize=8)
def _pieces(names: frozenset[str]) -> re.Pattern[str]:
    """Tags of these names, and all in which something only looks like one."""
    wanted = "|".join(re.escape(name) for name in sorted(names))
    text = rf"<(?P<name>{wanted})(?=[\s/>]){_ATTRIBUTES}>|{_NOT_TAGS}"
    return re.compile(text, re.DOTALL | re.IGNORECASE)


def _tag(found: re.Match[str]) -> Tag:
    return Tag(found["name"].lower(), found[0])
