"""SendGrid's Event Webhook: verified by its signature, read event by event.

Events come in any order, up to dozens of times, with a changing `sg_event_id` or none. The package's helper raises on
bad base64 and on missing headers, and wants text: all of that is a bad signature here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import orjson
from sendgrid.helpers.eventwebhook import EventWebhook, EventWebhookHeader

from mail.providers.events import BadReport, BadSignature, EventKind, Feedback, Report

KINDS: Mapping[str, EventKind] = {
    "processed": "accepted",
    "dropped": "dropped",
    "deferred": "deferred",
    "delivered": "delivered",
    "bounce": "bounced",
    "open": "opened",
    "click": "clicked",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
    "group_resubscribe": "resubscribed",
}
"""https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event"""

LATEST = 2**33
"""Seconds since 1970 that an event may bear: the year 2242; what is larger is in another unit."""


class SendGridEvents:
    """Reads reports that are signed with this account's key."""

    def __init__(self, public_key: str) -> None:
        """`public_key` is the verification key that SendGrid shows, in base64."""
        self._webhook = EventWebhook()
        self._key = self._webhook.convert_public_key_to_ecdsa(public_key)

    def __call__(self, body: bytes, headers: Mapping[str, str]) -> Report:
        """What a report says of mails of ours; raise BadSignature or BadReport."""
        self._verify(body, headers)
        try:
            events = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise BadReport("the report is not JSON") from None
        if not isinstance(events, list):
            raise BadReport("the report is no list of events")
        ours = [event for event in cast(list[Any], events) if is_ours(event)]
        read_ones = [read(event) for event in ours]
        found = [one for one in read_ones if one is not None]
        return Report(feedback=found, unreadable=len(ours) - len(found))

    def _verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        signature = headers.get(EventWebhookHeader.SIGNATURE.lower(), "")
        stamp = headers.get(EventWebhookHeader.TIMESTAMP.lower(), "")
        try:
            good = self._webhook.verify_signature(body.decode(), signature, stamp, self._key)
        except ValueError:  # no base64, no text
            good = False
        if not good:
            raise BadSignature("the signature is missing or wrong")


def is_ours(event: Any) -> bool:
    """Whether an event bears our custom argument."""
    return isinstance(event, dict) and isinstance(cast(dict[str, Any], event).get("send_id"), str)


def read(event: Mapping[str, Any]) -> Feedback | None:
    """One event of a mail of ours; None where its kind or its instant cannot be read."""
    said, stamp = event.get("event"), event.get("timestamp")
    if not isinstance(said, str) or type(stamp) is not int or not 0 < stamp < LATEST:
        return None
    name, url = event.get("sg_event_id"), event.get("url")
    kind = _kind(said, event)
    return Feedback(
        send_id=event["send_id"][:64],
        kind=kind,
        at=datetime.fromtimestamp(stamp, UTC),
        url=url[:2_000] if isinstance(url, str) else None,
        reason=_without_addresses(said) if kind == "unknown" else _reason(event),
        machine=event.get("sg_machine_open") is True,
        name=name[:200] if isinstance(name, str) and name else None,
    )


def _kind(said: str, event: Mapping[str, Any]) -> EventKind:
    """A bounce of type `blocked` says nothing of the address: the server refused the mail, for now."""
    kind = KINDS.get(said, "unknown")
    return "blocked" if kind == "bounced" and event.get("type") == "blocked" else kind


def _reason(event: Mapping[str, Any]) -> str | None:
    """Why, as the provider says it."""
    text = event.get("reason") or event.get("response")
    return _without_addresses(text) if isinstance(text, str) else None


def _without_addresses(text: str) -> str:
    return " ".join(word if "@" not in word else "…" for word in text.replace("\0", "").split())[:300]
