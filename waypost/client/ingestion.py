"""Calls that say who somebody is and what they did, in the shape of Segment."""

import uuid
from collections.abc import Iterator
from typing import Any

from waypost.client import models as m
from waypost.client.connection import Connection, JsonObject


class IngestionCalls(Connection):
    """Events and attributes on their way in."""

    def identify(self, user: str, traits: JsonObject, **more: Any) -> JsonObject:
        """Say who somebody is: `traits` become attributes; null removes one.

        `more` is what else Segment's call has (`anonymousId`, `timestamp` as ISO 8601, `context`, `messageId`).
        """
        return self.call("POST", "/v1/identify", json={"userId": user, "traits": traits, **_with_id(more)})

    def track(self, user: str, event: str, properties: JsonObject | None = None, **more: Any) -> JsonObject:
        """Say what somebody did; `more` as for `identify`. Without a `timestamp` it happened now."""
        body = {"userId": user, "event": event, "properties": properties or {}, **_with_id(more)}
        return self.call("POST", "/v1/track", json=body)

    def batch(self, events: list[JsonObject]) -> JsonObject:
        """Up to 2,500 events, 500 KB of JSON. Give each a `messageId`, so that a repeat counts once.

        Returns how many were `accepted` and `repeated`, and those `rejected` with index, path and reason.
        """
        return self.call("POST", "/v1/batch", json={"batch": events})

    def events(self, **filters: Any) -> Iterator[m.EventOut]:
        """Events of all customers, the newest first; `filters`: `name`, `sort`, `limit` (a page, at most 200)."""
        return self._list("/v1/events", **filters)

    def rejections(self, **filters: Any) -> Iterator[m.RejectionOut]:
        """Events that were refused, the newest first; `filters`: `type`, `sort`, `limit` (a page, at most 200)."""
        return self._list("/v1/rejections", **filters)

    def unreadable_values(self, since: str | None = None) -> list[m.UnreadableFieldOut]:
        """Fields whose values could not be read, with examples; only those of a day (`2026-03-02`, UTC) or later."""
        params = {"since": since} if since else {}
        return self.call("GET", "/v1/unreadable-values", params=params)["items"]


def _with_id(more: JsonObject) -> JsonObject:
    """A message has an id, so that a repeat on the way counts once."""
    return {"messageId": uuid.uuid4().hex, **more}
