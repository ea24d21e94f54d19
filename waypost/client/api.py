"""The calls. Names are those of the API's table; every list is an iterator that reads on page by page."""

import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Literal

import httpx

from waypost.client import models as m
from waypost.client.transport import ParsedAnswer, Transport

ENDED = ("done", "failed", "cancelled")
"""The statuses of an operation that change no more."""

JsonObject = Mapping[str, Any]
"""An object of JSON, as Python reads it."""


class Waypost:
    """A connection to one Waypost at `url`, with a `key`; threads may share it. `timeout` is seconds for one attempt.

    Every call raises ApiProblem where the API refuses, and Unreachable where nothing answers.
    Customers are named by your id or their email address, everything else by its key or id. Times are ISO 8601, UTC.
    """

    def __init__(
        self, url: str, key: str | None = None, *, timeout: float = 30, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._transport = Transport(url, key, timeout, transport)

    def __enter__(self) -> "Waypost":
        """The client itself, whose connections are closed at the end of the block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close its connections; what was raised in the block goes on."""
        self.close()

    def close(self) -> None:
        """Close its connections; calls after that fail."""
        self._transport.close()

    def call(self, method: str, path: str, *parts: str, **options: Any) -> Any:
        """Any call by its path, for what has no name here: `call("GET", "/v1/customers/{}", "17")`.

        `parts` fill the path's places, quoted; `options` are those of an httpx request (`json`, `params`, `content`,
        `headers`). Returns the parsed JSON, or text where the answer is none.
        """
        return self._transport.call(method, path, *parts, **options)

    def _list(self, path: str, *parts: str, **filters: Any) -> Iterator[Any]:
        cursor: str | None = None
        while True:
            page = self.call("GET", path, *parts, params={**filters, "cursor": cursor})
            yield from page["items"]
            cursor = page["cursor"]
            if cursor is None:
                return

    def _put(self, path: str, *parts: str, if_match: str | None = None, **options: Any) -> ParsedAnswer:
        headers = {"If-Match": if_match} if if_match else {}
        return self._transport.answer("PUT", path, *parts, headers=headers, **options)

    # -- ingestion -----------------------------------------------------------------------------------------------------

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

    def rejections(self, **filters: Any) -> Iterator[m.RejectionOut]:
        """Events that were refused, the newest first; `filters`: `type`, `sort`, `limit` (a page, at most 200)."""
        return self._list("/v1/rejections", **filters)

    # -- customers -----------------------------------------------------------------------------------------------------

    def customer(self, customer: str) -> m.CustomerStatus:
        """The profile, the stage, and every enrollment; by your id or the email address."""
        return self.call("GET", "/v1/customers/{}", customer)

    def customers(self, **filters: Any) -> Iterator[m.CustomerOut]:
        """Everybody; `filters`: `query` (the start of an id or an address), `stage`, `segment`, `sort`, `limit`."""
        return self._list("/v1/customers", **filters)

    def put_customer(self, customer: str, attributes: JsonObject, if_match: str | None = None) -> m.CustomerOut:
        """Merge attributes into a customer, who is made where there is none; null removes one.

        With `if_match` (an ETag) a customer who has changed meanwhile is refused (`precondition-failed`).
        """
        return self._put("/v1/customers/{}", customer, json={"attributes": attributes}, if_match=if_match).body

    def erase(self, customer: str) -> str:
        """Erase a customer from every table, for good; returns the id of the operation that does it, to `wait` for."""
        return self.call("DELETE", "/v1/customers/{}", customer)["operation"]

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

    # -- journeys and enrollments --------------------------------------------------------------------------------------

    def journeys(self, **filters: Any) -> Iterator[m.JourneyOut]:
        """Every journey by key; `filters`: `archived=True` for those too, `limit`."""
        return self._list("/v1/journeys", **filters)

    def journey(self, key: str) -> m.JourneyOut:
        """One journey: its draft, and the number of the version that is live."""
        return self.call("GET", "/v1/journeys/{}", key)

    def put_journey(self, key: str, definition: str, if_match: str | None = None) -> m.DraftOut:
        """Store a draft, as YAML or JSON text of at most 1 MB; returns it with its warnings.

        Raises ApiProblem `invalid-journey`, with `body["problems"]`: each with path, line, and what would be right.
        """
        return self._put("/v1/journeys/{}", key, content=definition.encode(), if_match=if_match).body

    def publish(self, key: str) -> m.Published:
        """Make the draft the live version; `created` is false where this very definition was live already."""
        return self.call("POST", "/v1/journeys/{}/publish", key)

    def change_journey(
        self, key: str, change: Literal["pause", "resume", "archive"], body: JsonObject | None = None
    ) -> m.JourneyOut:
        """Park everybody, let them go on, or let nobody in any more.

        With `archive` and the body `{"in_flight": "exit"}` those under way leave at once.
        """
        return self.call("POST", "/v1/journeys/{}/{}", key, change, json=body)

    def journey_report(self, key: str) -> m.JourneyReport:
        """Who entered, where they are, how they left, what was sent, and which goals were reached."""
        return self.call("GET", "/v1/journeys/{}/report", key)

    def enroll(self, journey: str, customer: str, data: JsonObject | None = None) -> m.EnrollmentOut:
        """Enroll one customer; guards and templates read `data` as `enrollment`.

        Raises ApiProblem `refused` where the journey's re-entry rule keeps them out.
        """
        body = {"customer": customer, "data": data or {}}
        return self.call("POST", "/v1/journeys/{}/enrollments", journey, json=body)

    def enroll_segment(self, journey: str, segment: str, data: JsonObject | None = None) -> m.OperationOut:
        """Enroll everybody who is in a segment: an operation, to `watch` or `wait` for."""
        body = {"segment": segment, "data": data or {}}
        return self.call("POST", "/v1/journeys/{}/enrollments", journey, json=body)

    def enrollments(self, **filters: Any) -> Iterator[m.EnrollmentOut]:
        """In the order they were made; `filters`: `journey`, `stage`, `step`, `status`, `customer`, `sort`, `limit`."""
        return self._list("/v1/enrollments", **filters)

    def forecast(self, enrollment: str) -> m.Forecast:
        """The next actions of an enrollment with their local times, if nothing happens, and what would change each.

        Raises ApiProblem `temporal-unavailable` where no worker answers.
        """
        return self.call("GET", "/v1/enrollments/{}/forecast", enrollment)

    def control(
        self, enrollment: str, verb: Literal["pause", "resume", "skip", "exit"], reason: str = ""
    ) -> m.EnrollmentOut:
        """Pause, resume, skip the step that is waited in, or exit; `reason` is kept with the decision.

        Returns when it is done. Raises ApiProblem `refused` with the reason where it cannot be.
        """
        return self.call("POST", "/v1/enrollments/{}/{}", enrollment, verb, json={"reason": reason})

    # -- mail ----------------------------------------------------------------------------------------------------------

    def templates(self) -> Iterator[m.TemplateOut]:
        """Every template by key: those kept in the store, and those that are files."""
        return self._list("/v1/templates")

    def put_template(
        self, key: str, subject: str, html: str, text: str = "", if_match: str | None = None, **more: Any
    ) -> m.TemplateStored:
        """Store a new version, sent from now on; `warnings` say what an inbox may not like.

        `more` may hold `preheader`, and `locales` with the same texts in other languages. Raises ApiProblem
        `invalid-template` where it could give no mail.
        """
        body = {"subject": subject, "html": html, "text": text, **more}
        return self._put("/v1/templates/{}", key, json=body, if_match=if_match).body

    def preview(self, key: str, **asked: Any) -> m.PreviewOut:
        """A template as it would go; nothing is sent.

        `asked`: a `customer`, or made-up `attributes`; `enrollment`, `locale`, `version`.
        """
        return self.call("POST", "/v1/templates/{}/preview", key, json=asked)

    def messages(self, **filters: Any) -> Iterator[m.MessageOut]:
        """The newest first; `filters`: `customer`, `journey`, `broadcast`, `step`, `status`, `template`, `limit`."""
        return self._list("/v1/messages", **filters)

    def message(self, message: str) -> m.MessageWhole:
        """One mail: the very text that was rendered, and everything its provider reported."""
        return self.call("GET", "/v1/messages/{}", message)

    def suppress(self, email: str, reason: str = "manual") -> m.SuppressionOut:
        """Never write to an address again, transactional mail included; the first reason stays."""
        return self._put("/v1/suppressions/{}", email, json={"reason": reason}).body

    def unsuppress(self, email: str) -> None:
        """Let an address be written to again; bounces and complaints bring the suppression back."""
        self.call("DELETE", "/v1/suppressions/{}", email)

    def put_topic(self, key: str, **terms: Any) -> m.TopicOut:
        """Create or change a topic; a term that is left out has its default.

        `terms`: `name`, `consent` (opt_in, opt_out, double_opt_in), `transactional`, `cap` ({max, per}).
        """
        return self._put("/v1/topics/{}", key, json=terms).body

    # -- broadcasts ----------------------------------------------------------------------------------------------------

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

    def channels(self) -> m.ChannelsOut:
        """The ways out, open or closed, and what waits in each lane."""
        return self.call("GET", "/v1/channels")

    def hooks(self, **filters: Any) -> Iterator[m.HookOut]:
        """Webhooks and notes to colleagues, by `journey`, `customer` or `status`."""
        return self._list("/v1/hooks", **filters)

    # -- segments, settings, keys --------------------------------------------------------------------------------------

    def put_segment(self, key: str, guard: str, name: str | None = None) -> m.SegmentOut:
        """Create or change a segment: a CEL guard over the customer. Of a new one, members are found by and by."""
        return self._put("/v1/segments/{}", key, json={"guard": guard, "name": name}).body

    def members(self, segment: str) -> Iterator[m.MemberOut]:
        """Who is in a segment, and since when; in the order of their ids."""
        return self._list("/v1/segments/{}/members", segment)

    def settings(self) -> m.InstallationSettings:
        """The settings of the installation: default zone, quiet hours, cap, sandbox, retention, and the rest."""
        return self.call("GET", "/v1/settings")

    def put_settings(self, settings: JsonObject, if_match: str | None = None) -> m.InstallationSettings:
        """Change them all at once: what is left out gets its default. They hold for mail that is planned, too."""
        return self._put("/v1/settings", json=settings, if_match=if_match).body

    def make_key(self, name: str, scopes: list[str], **more: Any) -> m.KeyMade:
        """Make a key; its text is in this answer alone. `more`: `expires_at` (ISO 8601), `rate` (as 600/minute)."""
        return self.call("POST", "/v1/keys", json={"name": name, "scopes": scopes, **more})

    def keys(self) -> Iterator[m.KeyOut]:
        """Every key by prefix, with scopes and last use; never the key itself."""
        return self._list("/v1/keys")

    def revoke_key(self, key: str) -> m.KeyOut:
        """Refuse a key from now on; returns it."""
        return self.call("DELETE", "/v1/keys/{}", key)

    def audit(self, **filters: Any) -> Iterator[m.AuditOut]:
        """Who changed what, the newest first; `filters`: `kind`, `target`, `actor`, `limit`."""
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
        """Import a file of customers, events, consents, enrollments or recipients, as an operation to `watch`.

        CSV or NDJSON by its name, or by `format`. `journey`: enrollments go into it, and events place their customers
        in it; `broadcast`: whose recipients they are. Raises ApiProblem `invalid-input` where it begins otherwise.
        """
        chosen = format or ("csv" if path.suffix.lower() == ".csv" else "ndjson")
        params = {"kind": kind, "format": chosen, "journey": journey, "broadcast": broadcast}
        with path.open("rb") as file:
            return self.call("POST", "/v1/imports", params=params, content=_chunks(file))

    def operation(self, operation: str) -> m.OperationOut:
        """How far an operation is: done, total, rate (a second), seconds left, and its result at the end."""
        return self.call("GET", "/v1/operations/{}", operation)

    def operation_errors(self, operation: str) -> Iterator[m.OperationErrorOut]:
        """The lines that were not taken, with reasons; the first 10,000 are kept."""
        return self._list("/v1/operations/{}/errors", operation)

    def cancel(self, operation: str) -> m.OperationOut:
        """Stop an operation soon; what was done stays done."""
        return self.call("POST", "/v1/operations/{}/cancel", operation)

    def watch(self, operation: str, every: float = 0.5) -> Iterator[m.OperationOut]:
        """The operation again and again, until it has ended; `every` is seconds between two looks."""
        while True:
            shown = self.operation(operation)
            yield shown
            if shown["status"] in ENDED:
                return
            time.sleep(every)

    def wait(self, operation: str) -> m.OperationOut:
        """The operation when it has ended, done or not: `status` says which. It looks ten times a second."""
        return list(self.watch(operation, 0.1))[-1]

    def lifecycle(self, journey: str | None = None) -> m.LifecycleReport:
        """Customers per stage and step, movements, time in each stage; of the lifecycle journey, or of this one."""
        return self.call("GET", "/v1/reports/lifecycle", params={"journey": journey})

    def reconciliation(self, journey: str | None = None, *, recount: bool = False) -> m.Reconciliation:
        """Whether the books balance, and each difference by its name; of one journey, or of all.

        With `recount` the kept counts are compared with the rows, which takes seconds where there are millions.
        """
        return self.call("GET", "/v1/reports/reconciliation", params={"journey": journey, "recount": recount})


def _with_id(more: JsonObject) -> JsonObject:
    """A message has an id, so that a repeat on the way counts once."""
    return {"messageId": uuid.uuid4().hex, **more}


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(256 * 1024):
        yield chunk
