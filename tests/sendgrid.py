"""A SendGrid of our own: it reads each request as strictly as the documentation says, keeps mails, fails as it is told,
lists what it has in its activity feed, and posts signed events.

Sources: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send (limits, reserved headers, status codes),
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event (events and their signature).
"""

import base64
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.serving import Serving

ADDRESS = re.compile(r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
RESERVED = frozenset(
    {
        "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding",
        "to", "from", "subject", "reply-to", "cc", "bcc",
    }
)  # fmt: skip
TOP = frozenset(
    {
        "personalizations", "from", "reply_to", "reply_to_list", "subject", "content", "attachments", "template_id",
        "headers", "categories", "custom_args", "send_at", "batch_id", "asm", "ip_pool_name", "mail_settings",
        "tracking_settings",
    }
)  # fmt: skip
PERSONAL = frozenset(
    {
        "to",
        "cc",
        "bcc",
        "from",
        "subject",
        "headers",
        "substitutions",
        "dynamic_template_data",
        "custom_args",
        "send_at",
    }
)
LARGEST = 30 * 1024 * 1024
LONGEST_ARGS = 10_000
MOST_RECIPIENTS = 1_000
MOST_CATEGORIES, LONGEST_CATEGORY = 10, 255
FURTHEST = 72 * 3_600


@dataclass(frozen=True, slots=True)
class Wrong:
    """An error as SendGrid lists it."""

    field: str
    message: str


def faults_of(body: Any, now: float) -> Iterator[Wrong]:
    """Everything that the documentation forbids."""
    if not isinstance(body, dict):
        yield Wrong("", "the body must be a JSON object")
        return
    for name in sorted(set(body) - TOP):
        yield Wrong(name, "this field is not known")
    yield from _personalizations(body, now)
    yield from _sender(body.get("from"), "from")
    if "reply_to" in body:
        yield from _sender(body["reply_to"], "reply_to")
    yield from _content(body)
    yield from _headers(body.get("headers"), "headers")
    yield from _args(body.get("custom_args"), "custom_args")
    yield from _categories(body.get("categories"))
    yield from _send_at(body.get("send_at"), "send_at", now)


def _personalizations(body: dict[str, Any], now: float) -> Iterator[Wrong]:
    found = body.get("personalizations")
    if not isinstance(found, list) or not found:
        yield Wrong("personalizations", "there must be one at least")
        return
    if len(found) > MOST_RECIPIENTS:
        yield Wrong("personalizations", "there are more than 1000")
    total = 0
    for place, one in enumerate(found):
        where = f"personalizations.{place}"
        for name in sorted(set(one) - PERSONAL):
            yield Wrong(f"{where}.{name}", "this field is not known")
        total += sum(len(one.get(kind) or []) for kind in ("to", "cc", "bcc"))
        yield from _people(one, where)
        yield from _headers(one.get("headers"), f"{where}.headers")
        yield from _args(one.get("custom_args"), f"{where}.custom_args")
        yield from _send_at(one.get("send_at"), f"{where}.send_at", now)
        if not (body.get("subject") or one.get("subject") or body.get("template_id")):
            yield Wrong("subject", "a subject is required, at least one character")
    if total > MOST_RECIPIENTS:
        yield Wrong("personalizations", "there are more than 1000 recipients")


def _people(one: dict[str, Any], where: str) -> Iterator[Wrong]:
    seen: set[str] = set()
    if not one.get("to"):
        yield Wrong(f"{where}.to", "there must be a recipient")
    for kind in ("to", "cc", "bcc"):
        for number, person in enumerate(one.get(kind) or []):
            yield from _person(person, f"{where}.{kind}.{number}")
            email = str(person.get("email", "")).lower()
            if email in seen:
                yield Wrong(f"{where}.{kind}.{number}.email", "each address may stand once among to, cc and bcc")
            seen.add(email)


def _person(person: Any, where: str) -> Iterator[Wrong]:
    if not isinstance(person, dict) or not ADDRESS.match(str(person.get("email", ""))):
        yield Wrong(f"{where}.email", "does not contain a valid address")
        return
    if any(sign in str(person.get("name", "")) for sign in ";,"):
        yield Wrong(f"{where}.name", "may contain neither ; nor ,")


def _sender(person: Any, where: str) -> Iterator[Wrong]:
    if not isinstance(person, dict) or not ADDRESS.match(str(person.get("email", ""))):
        yield Wrong(f"{where}.email", "does not contain a valid address")


def _content(body: dict[str, Any]) -> Iterator[Wrong]:
    found = body.get("content")
    if not isinstance(found, list) or not found:
        if not body.get("template_id"):
            yield Wrong("content", "there must be content, or a template_id")
        return
    kinds = [one.get("type") for one in found]
    ranks = [{"text/plain": 0, "text/html": 1}.get(str(kind), 2) for kind in kinds]
    if ranks != sorted(ranks):
        yield Wrong("content", "text/plain comes first, then text/html, then the others")
    for place, one in enumerate(found):
        if not one.get("type") or re.search(r"[\r\n;]", str(one["type"])):
            yield Wrong(f"content.{place}.type", "is required, without CRLF and ;")
        if not isinstance(one.get("value"), str) or not one["value"]:
            yield Wrong(f"content.{place}.value", "must be a string of one character at least")


def _headers(headers: Any, where: str) -> Iterator[Wrong]:
    for name, value in (headers or {}).items():
        if name.lower() in RESERVED:
            yield Wrong(f"{where}.{name}", "is a reserved header")
        if not isinstance(value, str) or not value.isascii() or re.search(r"[\r\n]", name + value):
            yield Wrong(f"{where}.{name}", "must be one line of ASCII")


def _args(args: Any, where: str) -> Iterator[Wrong]:
    if args is None:
        return
    if not isinstance(args, dict) or any(not isinstance(value, str) for value in args.values()):
        yield Wrong(where, "must be an object of strings")
    elif len(json.dumps(args).encode()) > LONGEST_ARGS:
        yield Wrong(where, "is larger than 10,000 bytes")


def _categories(found: Any) -> Iterator[Wrong]:
    categories = found or []
    if len(categories) > MOST_CATEGORIES or len(set(categories)) != len(categories):
        yield Wrong("categories", "at most 10, each once")
    if any(len(one) > LONGEST_CATEGORY for one in categories):
        yield Wrong("categories", "at most 255 characters")


def _send_at(at: Any, where: str, now: float) -> Iterator[Wrong]:
    if at is not None and (not isinstance(at, int) or at > now + FURTHEST):
        yield Wrong(where, "is more than 72 hours ahead")


# -- the server --------------------------------------------------------------------------------------------------------

Fault = Callable[["_Handler", bytes], bool]
"""Answers a request in some bad way; whether the mail was accepted all the same is what it returns."""


def status(code: int, headers: dict[str, str] | None = None, *, accepted: bool = False) -> Fault:
    """An answer without the mail being taken (or with it: an error after acceptance)."""

    def fault(handler: "_Handler", body: bytes) -> bool:
        handler.answer(code, {"errors": [{"message": "as the test wants", "field": None}]}, headers or {})
        return accepted

    return fault


def hang(seconds: float, *, accepted: bool) -> Fault:
    """No answer at all for a while, then a cut."""

    def fault(handler: "_Handler", body: bytes) -> bool:
        handler.server.fake.keep(body) if accepted else None
        time.sleep(seconds)
        handler.cut()
        return False

    return fault


def cut(*, accepted: bool, after: bytes = b"") -> Fault:
    """The connection is lost before the answer, or in the middle of it."""

    def fault(handler: "_Handler", body: bytes) -> bool:
        handler.server.fake.keep(body) if accepted else None
        handler.wfile.write(after)
        handler.wfile.flush()
        handler.cut()
        return False

    return fault


@dataclass
class FakeSendGrid(Serving):
    """The provider. `faults` are used up, one a request; `key` is what it lets in; `log` is its activity feed."""

    key: str = "SG.good"
    log: bool = False
    faults: list[Fault] = field(default_factory=list)
    mails: list[dict[str, Any]] = field(default_factory=list)
    refused: list[list[Wrong]] = field(default_factory=list)
    requests: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._private = ec.generate_private_key(ec.SECP256R1())
        server = _Server(("127.0.0.1", 0), _Handler)
        server.fake = self
        super().__init__(server)
        self.url = f"http://{self.address}"

    @property
    def verification_key(self) -> str:
        public = self._private.public_key()
        der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(der).decode()

    def next_fault(self) -> Fault | None:
        with self._lock:
            self.requests += 1
            return self.faults.pop(0) if self.faults else None

    def keep(self, body: bytes) -> str:
        mail = json.loads(body)
        mail["message_id"] = uuid.uuid4().hex[:22]
        with self._lock:
            self.mails.append(mail)
        return mail["message_id"]

    def send_ids(self) -> list[str]:
        """The send_id of each mail that was accepted; once for each time."""
        return [one["custom_args"]["send_id"] for one in self.mails]

    def to(self) -> list[str]:
        return [one["personalizations"][0]["to"][0]["email"] for one in self.mails]

    def events(self, kinds: Iterable[str], at: float, mails: Iterable[dict[str, Any]] | None = None) -> list[Any]:
        """What it would report of its mails, with custom arguments flattened into the event, as SendGrid does."""
        return [
            {
                "email": mail["personalizations"][0]["to"][0]["email"],
                "timestamp": int(at) + place,
                "event": kind,
                "sg_event_id": uuid.uuid4().hex,
                "sg_message_id": f"{mail['message_id']}.filter",
                "smtp-id": "<x@geopod-ismtpd>",
                **mail.get("custom_args", {}),
            }
            for mail in (self.mails if mails is None else mails)
            for place, kind in enumerate(kinds)
        ]

    def signed(self, events: list[Any], stamp: str = "1700000000") -> tuple[bytes, dict[str, str]]:
        """A report's body and headers."""
        body = json.dumps(events).encode()
        signature = self._private.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return body, {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
            "Content-Type": "application/json",
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    fake: FakeSendGrid

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if not self._let_in():
            return
        if self.path != "/v3/mail/send":
            self.answer(404, {"errors": [{"message": "not found", "field": None}]})
            return
        fake = self.server.fake
        wrong = self._wrong(body)
        if wrong:
            fake.refused.append(wrong)
            code = 413 if wrong[0].field == "size" else 400
            self.answer(code, {"errors": [{"message": one.message, "field": one.field} for one in wrong]})
            return
        fault = fake.next_fault()
        if fault is not None:
            if fault(self, body):
                fake.keep(body)
            return
        if json.loads(body).get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
            self.answer(200, None)
            return
        self.answer(202, None, {"X-Message-Id": fake.keep(body)})

    def do_GET(self) -> None:
        if not self._let_in():
            return
        parts = urlsplit(self.path)
        if parts.path != "/v3/messages" or not self.server.fake.log:
            self.answer(403, {"errors": [{"message": "you have no access to the Email Activity Feed", "field": None}]})
            return
        query = parse_qs(parts.query)
        found = re.fullmatch(r"\(unique_args\['send_id'\]=\"([^\"]+)\"\)", query.get("query", [""])[0])
        if found is None or not query.get("limit", [""])[0].isdigit():
            self.answer(400, {"errors": [{"message": "the query cannot be read", "field": "query"}]})
            return
        mails = [one for one in self.server.fake.mails if one["custom_args"]["send_id"] == found[1]]
        self.answer(200, {"messages": [{"msg_id": one["message_id"], "status": "processed"} for one in mails]})

    def _let_in(self) -> bool:
        if self.headers.get("authorization") == f"Bearer {self.server.fake.key}":
            return True
        message = "The provided authorization grant is invalid, expired, or revoked"
        self.answer(401, {"errors": [{"message": message, "field": None}]})
        return False

    def _wrong(self, body: bytes) -> list[Wrong]:
        if len(body) > LARGEST:
            return [Wrong("size", "the message is larger than 30 MB")]
        try:
            return list(faults_of(json.loads(body), time.time()))
        except ValueError:
            return [Wrong("", "this is not JSON")]

    def answer(self, code: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def cut(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        return
