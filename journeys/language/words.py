"""The smallest parts of the journey language: keys, guards, durations, times, and the mapping they stand in.

Each word keeps the text that was written; what is wrong with it is said in a sentence, with a code of its own.
"""

import re
from typing import Annotated, Any, Literal, LiteralString

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from journeys.facts import calendar, guards
from readers import keys

LONGEST_PROSE = 2_000
"""Characters of a text that people read: a note of a page."""

ATTRIBUTE = re.compile(r"customer\.([A-Za-z_]\w{0,99})", re.ASCII)
"""`customer.NAME`: the attribute that a date is read from."""

KEY_PATH = re.compile(r"event\.(?:properties\.)?([A-Za-z_]\w{0,99})", re.ASCII)
"""`event.NAME` or `event.properties.NAME`: what tells runs side by side apart."""

FORM = "step:"
"""How the name of a form begins where a part has several; it stands in the paths of pydantic's findings alone."""

FRAMING_HEADERS = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "content-length", "content-encoding", "host", "expect", "accept-encoding"}
    | {"http2-settings"}
)
"""Headers of a connection and of how a message is framed (RFC 9110, 7.6.1), in small letters: a webhook that set one
would break its call, or smuggle another into it."""

CALL_HEADERS = frozenset({"content-type", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature"})
"""Headers that each call has of its own, in small letters: a webhook that sets one is called without that one."""


def checked(check: Any, code: LiteralString) -> AfterValidator:
    """A validator that keeps the text and reports what `check` says of it."""

    def validate(text: Any) -> Any:
        try:
            check(text)
        except ValueError as error:
            raise PydanticCustomError(code, "{reason}", {"reason": str(error)}) from None
        return text

    return AfterValidator(validate)


def _elapsed(text: str) -> None:
    if calendar.parse_span(text).needs_zone:
        raise ValueError(f"{text!r} depends on a calendar; this deadline is elapsed time, such as 30 days")


def lasting(text: str) -> str:
    """A condition that is waited for changes with the customer only: time alone wakes nobody."""
    if guards.reads_now(text):
        message = "a guard that is waited for may not read `now`; use `after`, `inactive` or a wait for the time"
        raise PydanticCustomError("guard_reads_now", message)
    return text


def _attribute(text: str) -> None:
    if not ATTRIBUTE.fullmatch(text):
        raise ValueError(f"{text!r} names no attribute; write it as customer.trial_ends_at")


def _key_path(text: str) -> None:
    if not KEY_PATH.fullmatch(text):
        raise ValueError(f"{text!r} names no property of the event; write it as event.order_id")


def _address(text: str) -> None:
    name, at, host = text.rpartition("@")
    if not (name and at and "." in host) or any(char.isspace() or char in "<>,;" for char in text):
        raise ValueError(f"{text!r} is not an email address")


def _url(text: str) -> None:
    scheme, colon, rest = text.partition("://")
    if scheme not in ("https", "http") or not colon or not rest.strip("/") or any(char.isspace() for char in text):
        raise ValueError(f"{text!r} is not a web address; write it whole, such as https://example.com/hook")


Key = Annotated[str, Field(pattern=keys.PATTERN)]
EventName = Annotated[str, Field(min_length=1, max_length=200)]
GuardText = Annotated[str, checked(guards.check, "guard")]
Duration = Annotated[str, checked(calendar.parse_span, "duration")]
Elapsed = Annotated[str, checked(_elapsed, "duration")]
Offset = Annotated[str, checked(calendar.parse_offset, "duration")]
TimeOfDay = Annotated[str, checked(calendar.parse_time, "time_of_day")]
Days = Annotated[str | list[str], checked(calendar.parse_days, "weekday")]
Zone = Annotated[str, checked(calendar.check_zone, "zone")]
Attribute = Annotated[
    str, checked(_attribute, "attribute"), WithJsonSchema({"type": "string", "pattern": r"^customer\.\w+$"})
]
KeyPath = Annotated[
    str, checked(_key_path, "key_path"), WithJsonSchema({"type": "string", "pattern": r"^event\.[\w.]+$"})
]
EmailAddress = Annotated[str, Field(max_length=320), checked(_address, "address")]
Url = Annotated[str, Field(max_length=2_000), checked(_url, "url")]
Prose = Annotated[str, Field(min_length=1, max_length=LONGEST_PROSE)]
Late = Literal["send", "skip", "next_window"]


class Part(BaseModel):
    """Any mapping of the language: unknown fields are errors, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
