"""Calls about broadcasts: one mail to many, once."""

from collections.abc import Iterator
from typing import Any, Literal

from waypost.client import models as m
from waypost.client.connection import Connection, JsonObject


class BroadcastCalls(Connection):
    """Broadcasts."""

    def put_broadcast(self, key: str, body: JsonObject, if_match: str | None = None) -> m.BroadcastOut:
        """Store a draft: `segment` (or recipients of a file), `template`, `topic`, `at`, and the rest."""
        return self._put("/v1/broadcasts/{}", key, json=body, if_match=if_match).body

    def broadcast(self, key: str) -> m.BroadcastProgress:
        """Who gets a broadcast, and who does not by reason; its mails by status; what was done with each variant."""
        return self.call("GET", "/v1/broadcasts/{}", key)

    def broadcasts(self, **filters: Any) -> Iterator[m.BroadcastOut]:
        """Every broadcast by key; `filters`: `status`, `limit`."""
        return self._list("/v1/broadcasts", **filters)

    def preview_broadcast(self, key: str) -> m.OperationOut:
        """Count who would get it and who would not, by reason: the result of the operation."""
        return self.call("POST", "/v1/broadcasts/{}/preview", key)

    def change_broadcast(self, key: str, change: Literal["send", "pause", "resume", "cancel"]) -> m.BroadcastOut:
        """Let it go (now, or at its time), hold the rest, go on, or never send the rest."""
        return self.call("POST", "/v1/broadcasts/{}/{}", key, change)

    def choose_winner(self, key: str, variant: str) -> m.BroadcastOut:
        """Send this variant to everybody who has none yet, instead of waiting for the numbers."""
        return self.call("POST", "/v1/broadcasts/{}/winner", key, json={"variant": variant})
