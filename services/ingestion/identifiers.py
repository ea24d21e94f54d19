"""Ids as others send them: trimmed, and refused where a program wrote them in the place of none.

A variable that was empty makes `undefined`, `[object Object]` or `0` of everybody whom it stands for. Taken as an id it
would make one customer of them all, with the address of one and the runs of none. An id that is not there, JSON's null
or an empty text, is no id, and nobody's.

It must not know whose an id is: `identities` does.
"""

import re
import unicodedata
from collections.abc import Mapping
from html import unescape
from typing import Any
from urllib.parse import unquote

from services.values import Rejected

LONGEST_NAME = 255
"""Characters of a customer's id: email addresses are often used as such."""

LONGEST_MESSAGE = 100
"""Characters of a `messageId`."""

LONGEST_PLACEHOLDER = 80
"""Characters of what is written in the place of an id; what is longer differs from customer to customer."""

BLANKS = " \t\r\n\v\f\u00a0\u200b\u200c\u200d\u2060\ufeff"
"""What is no part of an id at either end: blanks, and what no screen shows."""

_UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))

_NOTHING = r"undefined|null|nul|none|nonetype|nil|nan|void|empty|missing|unset|n/?a|n\.a|infinity|inf|true|false"
_ZERO = r"[+-]?0(?:[-.:_/ ]*0)*|-1"
_EVERYBODY = (
    r"(?:anonymous|anonym|anon|guest|unknown|nobody|default|logged[ _-]?out)(?:[ _-]?(?:user|customer|visitor|id))?"
    r"|(?:not|un)[ _-]?(?:authenticated|logged[ _-]?in)"
)
_FIELD = (
    r"(?:user|anonymous|distinct|customer|client|device|visitor)?[ _-]?(?:id|uuid|guid|identifier)|e-?mail|username"
)
_UNFILLED = (
    r"\[?(?:object|function|class)[ :]\w*\]?|promise \{.*\}|\{.*\}|\[.*\]|\$\{.*\}"
    r"|<[^<>@]*>|.*\{\{.*\}\}.*|%\w*%|%[sd@]|%!\w\(.*\)|[$:@]\w*id|\*\|.*\|\*"
    r"|(?:async )?function\b.*\}|(?:\(\w*\) ?|\w+ )=>.*|symbol\(.*\)|\\n"
)
_SPREADSHEET = r"#[a-z/0]+[!?]?"

_MEANS_NOTHING = re.compile(
    rf"[\W_]*(?:(?:{_NOTHING})(?:[\W_]+(?:{_NOTHING}|0+)(?![^\W_]))*|(?:undefined|null){{2,}})?[\W_]*"
    rf"|{_EVERYBODY}|{_FIELD}|{_UNFILLED}|{_SPREADSHEET}",
    re.IGNORECASE | re.DOTALL,
)
"""What languages, templates, databases and spreadsheets write where there is nothing; what programs call everybody
without a name; the name of a field in the place of its value; and what has neither letter nor digit."""

_MEANS_ZERO = re.compile(_ZERO)
"""No number of anybody: zero in any notation (the UUID of zeros too), and -1."""


def name_in(item: Mapping[str, Any], field: str) -> str | None:
    """The id of a customer in a field of an event, trimmed; None where there is none. Raise Rejected where it is no id.

    A whole number counts as its digits.
    """
    value = _text(item, field, LONGEST_NAME)
    if value and _MEANS_ZERO.fullmatch(value):
        raise _refused(field, value)
    return value


def message_in(item: Mapping[str, Any], field: str = "messageId") -> str | None:
    """The id of an event, as `name_in`; it may be zero, since files number their lines so."""
    return _text(item, field, LONGEST_MESSAGE)


def _text(item: Mapping[str, Any], field: str, longest: int) -> str | None:
    value = item.get(field)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Rejected(field, f"must be a text, found {type(value).__name__}")
    value = value.strip(BLANKS)
    if not value:
        return None
    if len(value) > longest:
        raise Rejected(field, f"has {len(value)} characters; at most {longest} are allowed")
    if len(value) <= LONGEST_PLACEHOLDER and _MEANS_NOTHING.fullmatch(_plain(value)):
        raise _refused(field, value)
    return value


def _plain(value: str) -> str:
    """A text as it was before a link, a page or a keyboard wrote its signs otherwise, without what no screen shows."""
    readable = unquote(unescape(value)) if "%" in value or "&" in value else value
    return readable if readable.isascii() else unicodedata.normalize("NFKC", readable).translate(_UNSEEN)


def _refused(field: str, value: str) -> Rejected:
    return Rejected(field, f"{value!r:.40} is what a program writes where there is no id; leave the field out instead")
