"""Traces, from the HTTP request through the workflow to the mail; on where OTEL_EXPORTER_OTLP_ENDPOINT is set.

    POST /v1/batch (api) → wake (worker) → deliver (worker)
                         → dispatch start (worker)

A trace leads through the database: a dispatch row and a mail keep the `traceparent` of what caused them. Through a
workflow it is carried in headers, from what woke it last to the activities that follow; workflow code sees none of it,
and histories stay as they are where tracing is off. Attributes hold opaque ids, never anything personal.
"""

import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from store.trace_context import CURRENT, OpenSpan

HEADER = "traceparent"
"""The header that carries a trace (W3C Trace Context)."""

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""The variables of OpenTelemetry one of which says where traces go; without them there are none."""


def no_span(name: str, parent: str | None = None, **attributes: Any) -> AbstractContextManager[Any]:
    """What a span is where tracing is off."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Tracing:
    """The traces of one process."""

    span: OpenSpan
    """Opens a span."""
    close: Callable[[], None]
    """Export what was traced until now, and nothing after."""


UNTRACED = Tracing(no_span, lambda: None)
"""What a process has that does not trace."""


def tracing(service: str) -> Tracing:
    """Begin to export the traces of this process; nothing where tracing is off."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return UNTRACED
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    provider = TracerProvider(resource=Resource.create({"service.name": f"waypost-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer, format = provider.get_tracer("waypost"), TraceContextTextMapPropagator()

    @contextmanager
    def span(name: str, parent: str | None = None, **attributes: Any) -> Generator[Any, None, None]:
        known = parent or CURRENT.get()
        above = format.extract({HEADER: known}) if known else None
        kind = trace.SpanKind.SERVER if "http.request.method" in attributes else trace.SpanKind.INTERNAL
        with tracer.start_as_current_span(name, context=above, kind=kind, attributes=attributes) as made:
            carrier: dict[str, str] = {}
            format.inject(carrier)
            token = CURRENT.set(carrier.get(HEADER))
            try:
                yield made
            finally:
                CURRENT.reset(token)

    return Tracing(span, provider.shutdown)


class Traced:
    """The API with a span for each request; one that comes with a `traceparent` goes on with that trace."""

    def __init__(self, app: ASGIApp, span: OpenSpan) -> None:
        self._app = app
        self._span = span

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request within a span that is named by its route."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given = dict(scope["headers"]).get(HEADER.encode(), b"").decode("latin-1")
        method = scope["method"]
        with self._span(method, given or None, **{"http.request.method": method}) as span:

            async def answered(message: Message) -> None:
                if message["type"] == "http.response.start":
                    route = getattr(scope.get("route"), "path", "none")
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.route", route)
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self._app(scope, receive, answered)
