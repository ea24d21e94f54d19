"""Values as others send them: instants, and JSON that every database can keep; what is neither is refused."""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import orjson

from readers import dates

LARGEST = 32 * 1024
"""Bytes of an event as JSON: the limit of the Segment HTTP Tracking API, to which client libraries keep."""

DEEPEST = 20
"""Levels of nesting, far more than anybody means and far less than a recursion bears."""

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""An instant before it is a mistake (a zero that was read as a date, say), and no customer's history."""

Clock = Callable[[], datetime]
"""Tells what time it is, in UTC."""


class Rejected(ValueError):
    """Why a message is not accepted: the `path` of the faulty field, and a sentence."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path
        self.reason = reason


def instant(value: Any, path: str) -> datetime:
    """An instant as `readers.dates` reads it, in UTC; without a zone it is UTC already.

    Raise Rejected, with `path`, where it is none, or lies before EARLIEST or behind the year 9000.
    """
    parsed = dates.instant(value)
    if parsed is None:
        raise Rejected(path, f"must be an ISO 8601 instant, found {value!r:.40}")
    if parsed < EARLIEST or parsed.year > 9000:
        raise Rejected(path, f"must lie between 1990 and the year 9000, found {value!r:.40}")
    return parsed


def storable(text: str | None) -> str:
    """What a database keeps of what others said: no NUL, and no half of a surrogate pair; "" for None."""
    return (text or "").replace("\0", "").encode(errors="replace").decode()


def check_values(item: Mapping[str, Any], strict: bool = False, largest: int | None = LARGEST) -> None:
    """No NaN, no NUL, no lone surrogate, no deep nesting, no more than 32 KB: nothing that a database refuses later.

    `largest` is another bound, in bytes of JSON; None where whoever asks has bounded the texts already.
    Raise Rejected with the path of the value that is wrong. One that may be wrong is walked through, to say where;
    `strict` knows already that its numbers are finite.
    """
    try:
        text = orjson.dumps(item)
    except TypeError:
        text = b""
    if not strict or not text or text.count(b"{") + text.count(b"[") > DEEPEST or b"\\u0000" in text:
        _walk(item, "", 0)
    size = len(text) or len(json.dumps(item).encode())
    if largest is not None and size > largest:
        raise Rejected("", f"the event has {size:,} bytes; at most {largest:,} are allowed")


def _walk(value: Any, path: str, depth: int) -> None:
    if depth > DEEPEST:
        raise Rejected(path, f"nests deeper than {DEEPEST} levels")
    if isinstance(value, Mapping):
        for key, inner in cast(Mapping[str, Any], value).items():
            _walk(key, f"{path}.{key!r:.40}", depth)
            _walk(inner, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(cast(list[Any], value)):
            _walk(inner, f"{path}[{index}]", depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise Rejected(path, "must be a finite number")
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        raise Rejected(path, "is a number out of range")
    elif isinstance(value, str):
        _check_text(value, path)


def _check_text(value: str, path: str) -> None:
    if "\0" in value:
        raise Rejected(path, "contains the character NUL")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Rejected(path, "contains half of a surrogate pair, which is no character") from None
