"""The calls. Names are those of the API's table; every list is an iterator that reads on page by page."""

import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Literal

import httpx

from waypost.client import models as m
from waypost.client.transport import Answer, Transport

ENDED = ("done", "failed", "cancelled")

Json = Mapping[str, Any]


class Waypost:
    """A connection to one Waypost. Threads may share it."""

    def __init__(
        self, url: str, key: str | None = None, *, timeout: float = 30, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._transport = Transport(url, key, timeout, transport)

    def __enter__(self) -> "Waypost":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def call(self, method: str, path: str, *parts: str, **options: Any) -> Any:
        """Any call by its path, for what has no name here."""
        return self._transport.call(method, path, *parts, **options)

    def _list(self, path: str, *parts: str, **filters: Any) -> Iterator[Any]:
        cursor: str | None = None
        while True:
            page = self.call("GET", path, *parts, params={**filters, "cursor": cursor})
            yield from page["items"]
            cursor = page["cursor"]
            if cursor is None:
                return

    def _put(self, path: str, *parts: str, if_match: str | None = None, **options: Any) -> Answer:
        headers = {"If-Match": if_match} if if_match else {}
        return self._transport.answer("PUT", path, *parts, headers=headers, **options)

    # -- ingestion -----------------------------------------------------------------------------------------------------

    def identify(self, user: str, traits: Json, **more: Any) -> Json:
        """Say who somebody is."""
        return self.call("POST", "/v1/identify", json={"userId": user, "traits": traits, **_with_id(more)})

    def track(self, user: str, event: str, properties: Json | None = None, **more: Any) -> Json:
        """Say what somebody did."""
        body = {"userId": user, "event": event, "properties": properties or {}, **_with_id(more)}
        return self.call("POST", "/v1/track", json=body)

    def batch(self, events: list[Json]) -> Json:
        """Up to 2,500 events. Give each a `messageId`, so that a repeat counts once."""
        return self.call("POST", "/v1/batch", json={"batch": events})

    def rejections(self, **filters: Any) -> Iterator[m.RejectionOut]:
        return self._list("/v1/rejections", **filters)

    # -- customers -----------------------------------------------------------------------------------------------------

    def customer(self, customer: str) -> m.CustomerStatus:
        """The profile, the stage, and every enrollment."""
        return self.call("GET", "/v1/customers/{}", customer)

    def customers(self, **filters: Any) -> Iterator[m.CustomerOut]:
        return self._list("/v1/customers", **filters)

    def put_customer(self, customer: str, attributes: Json, if_match: str | None = None) -> m.CustomerOut:
        return self._put("/v1/customers/{}", customer, json={"attributes": attributes}, if_match=if_match).body

    def erase(self, customer: str) -> str:
        """Returns the operation that erases the customer."""
        return self.call("DELETE", "/v1/customers/{}", customer)["operation"]

    def export(self, customer: str) -> dict[str, Any]:
        return self.call("GET", "/v1/customers/{}/export", customer)

    def timeline(self, customer: str, limit: int = 100) -> Iterator[m.TimelineEntry]:
        return self._list("/v1/customers/{}/timeline", customer, limit=limit)

    def why(
        self, customer: str, *, journey: str | None = None, step: str | None = None, message: str | None = None
    ) -> m.WhyOut:
        """Why did they (not) get that mail?"""
        params = {"journey": journey, "step": step, "message": message}
        return self.call("GET", "/v1/customers/{}/why", customer, params=params)

    def consent(self, customer: str, topic: str, granted: bool, source: str = "api") -> list[m.ConsentOut]:
        body = {"granted": granted, "source": source}
        return self.call("PUT", "/v1/customers/{}/consent/{}", customer, topic, json=body)

    # -- journeys and enrollments --------------------------------------------------------------------------------------

    def journeys(self, **filters: Any) -> Iterator[m.JourneyOut]:
        return self._list("/v1/journeys", **filters)

    def journey(self, key: str) -> m.JourneyOut:
        return self.call("GET", "/v1/journeys/{}", key)

    def put_journey(self, key: str, definition: str, if_match: str | None = None) -> m.DraftOut:
        """Store a draft, as YAML or JSON text."""
        return self._put("/v1/journeys/{}", key, content=definition.encode(), if_match=if_match).body

    def publish(self, key: str) -> m.Published:
        return self.call("POST", "/v1/journeys/{}/publish", key)

    def change_journey(
        self, key: str, change: Literal["pause", "resume", "archive"], body: Json | None = None
    ) -> m.JourneyOut:
        return self.call("POST", "/v1/journeys/{}/{}", key, change, json=body)

    def journey_report(self, key: str) -> m.JourneyReport:
        return self.call("GET", "/v1/journeys/{}/report", key)

    def enroll(self, journey: str, customer: str, data: Json | None = None) -> m.EnrollmentOut:
        body = {"customer": customer, "data": data or {}}
        return self.call("POST", "/v1/journeys/{}/enrollments", journey, json=body)

    def enroll_segment(self, journey: str, segment: str, data: Json | None = None) -> m.OperationOut:
        body = {"segment": segment, "data": data or {}}
        return self.call("POST", "/v1/journeys/{}/enrollments", journey, json=body)

    def enrollments(self, **filters: Any) -> Iterator[m.EnrollmentOut]:
        return self._list("/v1/enrollments", **filters)

    def forecast(self, enrollment: str) -> m.Forecast:
        return self.call("GET", "/v1/enrollments/{}/forecast", enrollment)

    def control(
        self, enrollment: str, verb: Literal["pause", "resume", "skip", "exit"], reason: str = ""
    ) -> m.EnrollmentOut:
        return self.call("POST", "/v1/enrollments/{}/{}", enrollment, verb, json={"reason": reason})

    # -- mail ----------------------------------------------------------------------------------------------------------

    def templates(self) -> Iterator[m.TemplateOut]:
        return self._list("/v1/templates")

    def put_template(
        self, key: str, subject: str, html: str, text: str = "", if_match: str | None = None, **more: Any
    ) -> m.TemplateStored:
        """A new version; `more` may hold `preheader`, and `locales` with the same texts in other languages."""
        body = {"subject": subject, "html": html, "text": text, **more}
        return self._put("/v1/templates/{}", key, json=body, if_match=if_match).body

    def preview(self, key: str, **asked: Any) -> m.PreviewOut:
        """For a `customer`, or made-up `attributes`."""
        return self.call("POST", "/v1/templates/{}/preview", key, json=asked)

    def messages(self, **filters: Any) -> Iterator[m.MessageOut]:
        return self._list("/v1/messages", **filters)

    def message(self, message: str) -> m.MessageWhole:
        return self.call("GET", "/v1/messages/{}", message)

    def suppress(self, email: str, reason: str = "manual") -> m.SuppressionOut:
        return self._put("/v1/suppressions/{}", email, json={"reason": reason}).body

    def unsuppress(self, email: str) -> None:
        self.call("DELETE", "/v1/suppressions/{}", email)

    def put_topic(self, key: str, **terms: Any) -> m.TopicOut:
        return self._put("/v1/topics/{}", key, json=terms).body

    # -- broadcasts ----------------------------------------------------------------------------------------------------

    def put_broadcast(self, key: str, body: Json, if_match: str | None = None) -> m.BroadcastOut:
        """Store a draft: `segment` (or recipients of a file), `template`, `topic`, `at`, and the rest."""
        return self._put("/v1/broadcasts/{}", key, json=body, if_match=if_match).body

    def broadcast(self, key: str) -> m.BroadcastProgress:
        return self.call("GET", "/v1/broadcasts/{}", key)

    def broadcasts(self, **filters: Any) -> Iterator[m.BroadcastOut]:
        return self._list("/v1/broadcasts", **filters)

    def preview_broadcast(self, key: str) -> m.OperationOut:
        """Count who would get it and who would not, by reason: the result of the operation."""
        return self.call("POST", "/v1/broadcasts/{}/preview", key)

    def change_broadcast(self, key: str, change: Literal["send", "pause", "resume", "cancel"]) -> m.BroadcastOut:
        return self.call("POST", "/v1/broadcasts/{}/{}", key, change)

    def choose_winner(self, key: str, variant: str) -> m.BroadcastOut:
        return self.call("POST", "/v1/broadcasts/{}/winner", key, json={"variant": variant})

    def channels(self) -> m.ChannelsOut:
        """The ways out, open or closed, and what waits in each lane."""
        return self.call("GET", "/v1/channels")

    # -- segments, settings, keys --------------------------------------------------------------------------------------

    def put_segment(self, key: str, guard: str, name: str | None = None) -> m.SegmentOut:
        return self._put("/v1/segments/{}", key, json={"guard": guard, "name": name}).body

    def members(self, segment: str) -> Iterator[m.MemberOut]:
        return self._list("/v1/segments/{}/members", segment)

    def settings(self) -> m.InstallationSettings:
        return self.call("GET", "/v1/settings")

    def put_settings(self, settings: Json, if_match: str | None = None) -> m.InstallationSettings:
        return self._put("/v1/settings", json=settings, if_match=if_match).body

    def make_key(self, name: str, scopes: list[str], **more: Any) -> m.KeyMade:
        return self.call("POST", "/v1/keys", json={"name": name, "scopes": scopes, **more})

    def keys(self) -> Iterator[m.KeyOut]:
        return self._list("/v1/keys")

    def revoke_key(self, key: str) -> m.KeyOut:
        return self.call("DELETE", "/v1/keys/{}", key)

    def audit(self, **filters: Any) -> Iterator[m.AuditOut]:
        return self._list("/v1/audit", **filters)

    # -- operations and reports ----------------------------------------------------------------------------------------

    def import_file(
        self,
        path: Path,
        kind: str,
        format: str | None = None,
        journey: str | None = None,
        broadcast: str | None = None,
    ) -> m.OperationOut:
        """Import a file of customers, events, consents, enrollments or recipients; by its name CSV or NDJSON."""
        chosen = format or ("csv" if path.suffix.lower() == ".csv" else "ndjson")
        params = {"kind": kind, "format": chosen, "journey": journey, "broadcast": broadcast}
        with path.open("rb") as file:
            return self.call("POST", "/v1/imports", params=params, content=_chunks(file))

    def operation(self, operation: str) -> m.OperationOut:
        return self.call("GET", "/v1/operations/{}", operation)

    def operation_errors(self, operation: str) -> Iterator[m.OperationErrorOut]:
        return self._list("/v1/operations/{}/errors", operation)

    def cancel(self, operation: str) -> m.OperationOut:
        return self.call("POST", "/v1/operations/{}/cancel", operation)

    def watch(self, operation: str, every: float = 0.5) -> Iterator[m.OperationOut]:
        """The operation again and again, until it has ended."""
        while True:
            shown = self.operation(operation)
            yield shown
            if shown["status"] in ENDED:
                return
            time.sleep(every)

    def wait(self, operation: str) -> m.OperationOut:
        """The operation when it has ended."""
        return list(self.watch(operation, 0.1))[-1]

    def lifecycle(self, journey: str | None = None) -> m.LifecycleReport:
        return self.call("GET", "/v1/reports/lifecycle", params={"journey": journey})

    def reconciliation(self, journey: str | None = None) -> m.Reconciliation:
        return self.call("GET", "/v1/reports/reconciliation", params={"journey": journey})


def _with_id(more: Json) -> Json:
    """A message has an id, so that a repeat on the way counts once."""
    return {"messageId": uuid.uuid4().hex, **more}


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(256 * 1024):
        yield chunk
