"""Origins of pages (RFC 6454): scheme, host and port, written as a browser writes them in the header `Origin`."""

import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from services.errors import InvalidInput

MOST_ORIGINS = 50
"""Of one key: the shops and languages of a house, not its customers' pages."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,30}")
_USUAL = {"http": 80, "https": 443}


def normalised(written: Sequence[str]) -> list[str]:
    """Origins as browsers write them, each once. Raise InvalidInput where one is none, or they are too many."""
    found = sorted({_normalised(one.strip()) for one in written})
    if len(found) > MOST_ORIGINS:
        raise InvalidInput(f"are {len(found)}; a key names at most {MOST_ORIGINS}", "origins")
    return found


def _normalised(text: str) -> str:
    if "*" in text:
        raise InvalidInput("name each origin: with * every page of the web could use the key", "origins")
    parts = _parts(text)
    if parts is None:
        raise InvalidInput(f"write an origin as https://shop.example, without a path; found {text!r:.100}", "origins")
    host = (parts.hostname or "").encode("idna").decode()
    port = "" if parts.port in (None, _USUAL.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _parts(text: str) -> SplitResult | None:
    """The parts of a text that names an origin and nothing else; None where it does not."""
    try:
        parts = urlsplit(text)
        _ = parts.port, (parts.hostname or "").encode("idna")
    except (ValueError, UnicodeError):
        return None
    more = parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc
    return None if more or not parts.hostname or not _SCHEME.fullmatch(parts.scheme) else parts
