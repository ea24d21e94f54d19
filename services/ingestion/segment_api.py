"""One event of the Segment HTTP Tracking API: read, checked, its clock corrected. Nothing here touches the store."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import orjson

from journeys.facts import customer_facts, touches
from services.ingestion import identifiers
from services.values import EARLIEST, Rejected, check_values, instant

TYPES = ("identify", "track", "page", "screen", "group", "alias")
"""The calls of the Segment HTTP Tracking API."""

MORE = {"page": ("name", "category"), "screen": ("name", "category"), "group": ("groupId",)}
"""What counts as a property though it stands beside them, by type."""


SLACK = timedelta(minutes=1)
"""By which clocks may differ without a word: less than people notice, and more than a request takes."""


@dataclass(slots=True, kw_only=True)
class IncomingEvent:
    """An event that was read and is about somebody. `at` is when it happened by our clock (UTC).

    `said_at` is the instant that was sent, where `at` is another by more than SLACK.
    The `properties` of an identify call are its traits; `touch` is where they came from, where the call tells
    it (`journeys.facts.touches`). Not frozen: that would double its cost.
    """

    type: str
    name: str
    user_id: str | None
    anonymous_id: str | None
    message_id: str | None
    at: datetime
    properties: Mapping[str, Any]
    traits: Mapping[str, Any]
    previous_id: str | None = None
    line: int | None = None
    said_at: datetime | None = None
    touch: Mapping[str, Any] | None = None


def parsed(text: bytes) -> tuple[Any, bool]:
    """JSON, and whether it was strictly that: NaN and the like are read too, so that the one event can be refused.

    A whole number of more than 64 bits becomes a floating one, as with JavaScript; of thousands of digits, infinite.
    Raise ValueError or RecursionError.
    """
    try:
        return orjson.loads(text), True
    except orjson.JSONDecodeError:
        return json.loads(text, parse_int=_whole), False


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) < 20 else float(digits)


def read(
    item: Any, now: datetime, sent_at: Any = None, *, strict: bool = False, recorded: bool = False
) -> IncomingEvent:
    """Check one event, received `now`; raise Rejected. `strict` says that it was parsed by `parsed`, and strictly.

    `recorded` says that it comes from a record of what was received long ago: its `sentAt` tells nothing of now.
    """
    if not isinstance(item, dict):
        raise Rejected("", "an event is a JSON object")
    item = cast(dict[str, Any], item)
    check_values(item, strict)
    kind = item.get("type")
    if kind not in TYPES:
        raise Rejected("type", f"must be one of {', '.join(TYPES)}, found {kind!r:.40}")
    user_id, anonymous_id = identifiers.name_in(item, "userId"), identifiers.name_in(item, "anonymousId")
    if user_id is None and anonymous_id is None:
        raise Rejected("userId", "userId or anonymousId is required")
    traits = _mapping(item, "traits")
    context = _mapping(item, "context")
    about = _mapping(context, "traits", "context.traits")
    if kind == "identify":  # RudderStack's libraries put them into the context
        traits = {**about, **traits} if about else traits
    at, said_at = _happened(item, now, None if recorded else sent_at or item.get("sentAt"))
    properties = traits if kind == "identify" else _properties(kind, item)
    _check_amount(properties, "traits" if kind == "identify" else "properties")
    return IncomingEvent(
        type=kind,
        name=_name(kind, item),
        user_id=user_id,
        anonymous_id=anonymous_id,
        message_id=identifiers.message_in(item),
        at=at,
        said_at=said_at,
        properties=properties,
        traits=traits,
        previous_id=identifiers.name_in(item, "previousId") if kind == "alias" else None,
        touch=touches.read(context, properties if kind == "page" else {}, at),
    )


def _check_amount(properties: Mapping[str, Any], path: str) -> None:
    """A customer's amounts are summed, and the sum of any number of them is a finite one."""
    excessive = customer_facts.excessive_amount(properties)
    if excessive is not None:
        raise Rejected(f"{path}.{excessive}", f"an amount is at most {customer_facts.LARGEST_AMOUNT:,}")


def _name(kind: str, item: Mapping[str, Any]) -> str:
    if kind != "track":
        return {"page": "Page Viewed", "screen": "Screen Viewed"}.get(kind, kind.title())
    name = item.get("event")
    if not isinstance(name, str) or not name.strip():
        raise Rejected("event", "a track call names its event, a text that is not empty")
    if len(name) > 200:
        raise Rejected("event", f"has {len(name)} characters; at most 200 are allowed")
    return name


def _properties(kind: str, item: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = _mapping(item, "properties")
    more = MORE.get(kind)
    if more is None:
        return properties
    properties = dict(properties)
    for field_name in more:
        if item.get(field_name) is not None:
            properties.setdefault(field_name, item[field_name])
    return properties


def identifier(value: str) -> str:
    """An id from a URL, under the same rules; raise Rejected, also where there is none."""
    check_values({"userId": value})
    found = identifiers.name_in({"userId": value}, "userId")
    if found is None:
        raise Rejected("userId", "is empty")
    return found


def _mapping(item: Mapping[str, Any], name: str, path: str | None = None) -> Mapping[str, Any]:
    value = item.get(name)
    if value is None:
        return {}
    if type(value) is dict:
        return cast(dict[str, Any], value)
    if not isinstance(value, Mapping):
        raise Rejected(path or name, f"must be an object, found {type(value).__name__}")
    return cast(Mapping[str, Any], value)


def _happened(item: Mapping[str, Any], now: datetime, sent_at: Any) -> tuple[datetime, datetime | None]:
    """When it happened by our clock, never later than now; and what the sender said, where that is far from it.

    receivedAt − (sentAt − timestamp) takes the client's wrong clock out (Segment's rule); `originalTimestamp` is the
    name that some libraries give it.
    """
    name = "timestamp" if item.get("timestamp") is not None else "originalTimestamp"
    if item.get(name) is None:
        return now, None
    said = instant(item[name], name)
    at = said
    if sent_at is not None:
        sent = instant(sent_at, "sentAt")
        if sent - said > now - EARLIEST:
            raise Rejected("sentAt", f"lies too long after {name}, found {sent_at!r:.40}")
        at = now - (sent - said)
    at = min(at, now)
    return at, said if abs(at - said) > SLACK else None
