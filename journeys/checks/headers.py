"""Headers that a journey gives its webhooks: names and values that can be sent, and none of the connection's own.

Told here and not where a webhook is read: what was published before must stay readable, and is called without them.
"""

import re
from collections.abc import Iterator, Mapping

from journeys.language.problems import DefinitionProblem, Path
from journeys.language.words import FRAMING_HEADERS

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
"""A name, as RFC 9110 (5.6.2) spells it."""


def problems(headers: Mapping[str, str], path: Path) -> Iterator[DefinitionProblem]:
    """What is wrong with each of these headers, which stand at `path`."""
    for name, value in headers.items():
        message, expected = _wrong(name, value)
        if message is not None:
            yield DefinitionProblem(code="webhook_header", message=message, path=(*path, name), expected=expected)


def _wrong(name: str, value: str) -> tuple[str | None, str | None]:
    """What is wrong, and what would be right; None where nothing is."""
    if name.lower() in FRAMING_HEADERS:
        return f"the header {name!r} belongs to the connection, and is not a journey's to set", "a header of your own"
    if not _TOKEN.fullmatch(name):
        return f"{name!r:.60} is no name of a header", "letters, digits and -"
    if "\r" in value or "\n" in value:
        return "the value of a header is one line", None
    return None, None
