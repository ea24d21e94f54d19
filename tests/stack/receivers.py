"""What mails and traces go to: an SMTP inbox and an OpenTelemetry collector, which keep what they get."""

import gzip
import time
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.handlers import Message as Handler
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.serving import Serving


class Inbox(Handler):
    """A receiver that counts; each mail takes a while, so that something is always under way."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []

    def prepare_message(self, session: Any, envelope: Any) -> Any:
        return envelope

    def handle_message(self, message: Any) -> None:
        time.sleep(0.005)
        self.got.append((message.rcpt_tos[0], message_from_bytes(message.content, policy=policy.default)))


class Collector(Serving):
    """An OpenTelemetry collector: keeps every span, as (service, trace, name, attributes)."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, bytes, str, dict[str, str]]] = []
        collector = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.keep(self.rfile.read(int(self.headers["content-length"])), self.headers["content-encoding"])
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                return

        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), Answering))

    def keep(self, body: bytes, encoding: str | None) -> None:
        request = ExportTraceServiceRequest.FromString(gzip.decompress(body) if encoding == "gzip" else body)
        for resource in request.resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    said = {one.key: one.value.string_value for one in span.attributes}
                    self.spans.append((named["service.name"], span.trace_id, span.name, said))
