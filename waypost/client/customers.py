"""Calls about customers: profiles, timelines, why they were (not) mailed, consent; and the segments they are in."""

from collections.abc import Iterator
from typing import Any

from waypost.client import models as m
from waypost.client.connection import Connection, JsonObject


class CustomerCalls(Connection):
    """Customers and segments."""

    def customer(self, customer: str) -> m.CustomerStatus:
        """The profile, the stage, and every enrollment; by your id or the email address."""
        return self.call("GET", "/v1/customers/{}", customer)

    def customers(self, **filters: Any) -> Iterator[m.CustomerOut]:
        """Everybody; `filters`: `query` (part of a name or address, start of an id), `stage`, `segment`, `sort`."""
        return self._list("/v1/customers", **filters)

    def put_customer(self, customer: str, attributes: JsonObject, if_match: str | None = None) -> m.CustomerOut:
        """Merge attributes into a customer, who is made where there is none; null removes one.

        With `if_match` (an ETag) a customer who has changed meanwhile is refused (`precondition-failed`).
        """
        return self._put("/v1/customers/{}", customer, json={"attributes": attributes}, if_match=if_match).body

    def erase(self, customer: str) -> str:
        """Erase a customer from every table, for good; returns the id of the operation that does it, to `wait` for."""
        return self.call("DELETE", "/v1/customers/{}", customer)["id"]

    def export(self, customer: str) -> dict[str, Any]:
        """Everything that is kept about a customer: rows by table."""
        return self.call("GET", "/v1/customers/{}/export", customer)

    def timeline(self, customer: str, limit: int = 100) -> Iterator[m.TimelineEntry]:
        """Events and decisions, the newest first; `limit` of them a page, and pages are read as they are reached."""
        return self._list("/v1/customers/{}/timeline", customer, limit=limit)

    def why(
        self, customer: str, *, journey: str | None = None, step: str | None = None, message: str | None = None
    ) -> m.WhyOut:
        """Why did they (not) get that mail? `answer` says it in a sentence, the rest is what it rests on.

        About a `journey` (its key), a `step` of it (its id, or its template's key), or one `message` (its id) alone.
        """
        params = {"journey": journey, "step": step, "message": message}
        return self.call("GET", "/v1/customers/{}/why", customer, params=params)

    def consent(self, customer: str, topic: str, granted: bool, source: str = "api") -> list[m.ConsentOut]:
        """Put on record what a customer said about a topic (`*`: every topic), and where; returns all they said.

        Where the topic asks for double opt-in, a yes is `pending` until the link in a mail confirms it.
        """
        body = {"granted": granted, "source": source}
        return self.call("PUT", "/v1/customers/{}/consent/{}", customer, topic, json=body)

    def put_segment(self, key: str, guard: str, name: str | None = None) -> m.SegmentOut:
        """Create or change a segment: a CEL guard over the customer. Of a new one, members are found by and by."""
        return self._put("/v1/segments/{}", key, json={"guard": guard, "name": name}).body

    def members(self, segment: str) -> Iterator[m.MemberOut]:
        """Who is in a segment, and since when; in the order of their ids."""
        return self._list("/v1/segments/{}/members", segment)
