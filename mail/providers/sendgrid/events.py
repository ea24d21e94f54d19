"""SendGrid's Event Webhook: verified by its signature, read event by event.

Events come in any order, up to dozens of times, with a changing `sg_event_id` or none; what is not ours, or not about
a mail, is left out. The package's helper raises on bad base64 and on missing headers, and wants text: all of that is a
bad signature here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import orjson
from sendgrid.helpers.eventwebhook import EventWebhook, EventWebhookHeader

from mail.providers.events import BadReport, BadSignature, Feedback, Kind

KINDS: Mapping[str, Kind] = {
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
}
LATEST = 2**33


class SendGridEvents:
    """Reads reports that are signed with this account's key."""

    def __init__(self, public_key: str) -> None:
        """`public_key` is the verification key that SendGrid shows, in base64."""
        self._webhook = EventWebhook()
        self._key = self._webhook.convert_public_key_to_ecdsa(public_key)

    def __call__(self, body: bytes, headers: Mapping[str, str]) -> list[Feedback]:
        """The events of a report about mails of ours."""
        self._verify(body, headers)
        try:
            events = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise BadReport("the report is not JSON") from None
        if not isinstance(events, list):
            raise BadReport("the report is no list of events")
        found = [read(event) for event in cast(list[Any], events)]
        return [one for one in found if one is not None]

    def _verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        signature = headers.get(EventWebhookHeader.SIGNATURE.lower(), "")
        stamp = headers.get(EventWebhookHeader.TIMESTAMP.lower(), "")
        try:
            good = self._webhook.verify_signature(body.decode(), signature, stamp, self._key)
        except Exception:
            good = False
        if not good:
            raise BadSignature("the signature is missing or wrong")


def read(event: Any) -> Feedback | None:
    """One event, or None where it is not about a mail of ours."""
    if not isinstance(event, dict):
        return None
    known = cast(dict[str, Any], event)
    send_id, kind, stamp = known.get("send_id"), KINDS.get(str(known.get("event"))), known.get("timestamp")
    if not isinstance(send_id, str) or kind is None or not isinstance(stamp, int) or not 0 < stamp < LATEST:
        return None
    if kind == "bounced" and known.get("type") == "blocked":
        kind = "blocked"
    name, url = known.get("sg_event_id"), known.get("url")
    return Feedback(
        send_id=send_id[:64],
        kind=kind,
        at=datetime.fromtimestamp(stamp, UTC),
        url=url[:2_000] if isinstance(url, str) else None,
        reason=_reason(known),
        machine=known.get("sg_machine_open") is True,
        name=name[:200] if isinstance(name, str) and name else None,
    )


def _reason(event: Mapping[str, Any]) -> str | None:
    """Why, as the provider says it, without the addresses that stand in it."""
    text = event.get("reason") or event.get("response")
    if not isinstance(text, str):
        return None
    return " ".join(word if "@" not in word else "…" for word in text.replace("\0", "").split())[:300]
