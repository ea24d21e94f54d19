"""The key as the libraries of Segment and RudderStack show it: in one of three ways."""

import base64
import binascii
from typing import Any

SCOPES = ("ingest", "browser")
"""Those of keys that may send events."""


def write_key(header: str, said: Any) -> str | None:
    """The key by the header Authorization (Bearer; Basic, with a colon or without), else as `said` elsewhere."""
    kind, _, value = header.partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return None
    return said if isinstance(said, str) else None
