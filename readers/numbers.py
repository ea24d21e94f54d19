"""The one reader of numbers.

Read without being told how: numbers, and texts that write one with a decimal point and no grouping (`39.90`, `-3`,
`1e3`); blanks around are nothing. A decimal comma is read where somebody has stated it, since `1,234` means two things.
"""

import math
import re
from decimal import Decimal
from functools import lru_cache

POINT, COMMA = ".", ","
"""The marks that can stand before decimals."""

LARGEST = 10**300
"""Whole numbers from here on do not fit into a floating one."""

LONGEST = 64
"""Characters of a number: more digits than any amount has."""


def read(value: object, decimal: str = POINT) -> float | int | None:
    """The number that a value holds (finite), or None where it holds none. It never raises for a value.

    `decimal` is the mark before decimals in texts; with COMMA the point groups thousands, as in `1.234,50`. Raises
    ValueError for any other mark.
    """
    pattern = _pattern(decimal)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < LARGEST else None
    if isinstance(value, float | Decimal):
        return _finite(float(value))
    text = value.strip() if isinstance(value, str) else ""
    if len(text) > LONGEST or pattern.fullmatch(text) is None:
        return None
    plain = text.replace(".", "").replace(",", ".") if decimal == COMMA else text
    if re.fullmatch(r"[+-]?\d{1,18}", plain, re.ASCII):
        return int(plain)
    return _finite(float(plain))


def check_mark(decimal: str) -> None:
    """Raise ValueError with a sentence where this is no mark that can stand before decimals."""
    _pattern(decimal)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


@lru_cache(maxsize=4)
def _pattern(decimal: str) -> re.Pattern[str]:
    if decimal == POINT:
        return re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
    if decimal == COMMA:
        return re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?", re.ASCII)
    raise ValueError(f'{decimal!r:.20} is no decimal mark; write "." or ","')
