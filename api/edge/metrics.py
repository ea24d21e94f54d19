"""What operators watch, as Prometheus reads it: requests of this process, and what waits in the database.

Every API process shows the same depths, so a graph takes their maximum.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.deps.backend import Backend
from services.reports.health import backlog, readiness
from services.reports.health.backlog import Backlog
from services.reports.health.readiness import PartReadiness

KEPT = timedelta(seconds=5)
"""How old depths may be, however many scrape at once."""

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
"""Seconds: most answers take some milliseconds, and at ten nobody waits any more."""


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Labels of methods; a made-up one is no label, or anybody could make as many as they like."""


class Metrics:
    """The registry of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._requests = Counter(
            "waypost_http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "waypost_http_request_duration_seconds", "Time to the end of the answer.", ("route",),
            registry=self.registry, buckets=BUCKETS,
        )  # fmt: skip

        self._repeated = Counter(
            "waypost_repeated_opens_and_clicks", "Opens and clicks after the first within an hour.", ("kind",),
            registry=self.registry,
        )  # fmt: skip

        self._unexpected = Counter(
            "waypost_unexpected", "Items that failed unexpectedly.", ("doing",), registry=self.registry
        )
        for doing in ("ingest", "report"):
            self._unexpected.labels(doing)  # shown as zero from the start: an alarm asks how much it has grown

    def unexpected(self, doing: Literal["ingest", "report"]) -> None:
        """Count an event or a report that raised what nobody expects."""
        self._unexpected.labels(doing).inc()

    def repeated(self, kind: str) -> None:
        """Count an open or a click that was not kept, since it repeats another, or came past the rate of its mail."""
        self._repeated.labels(kind).inc()

    def answered(self, method: str, route: str, status: int | None, seconds: float) -> None:
        """Count a request; `route` is the pattern, never the path."""
        known = method if method in METHODS else "other"  # whoever calls can make words up
        self._requests.labels(known, route, str(status or 499)).inc()
        self._seconds.labels(route).observe(seconds)

    def show_depths(self, parts: Backend) -> None:
        """Show what waits in the database, too, measured when somebody scrapes."""
        self.registry.register(_Depths(parts))


class _Depths(Collector):
    """Measured when somebody scrapes."""

    def __init__(self, parts: Backend) -> None:
        self._parts = parts
        self._lock = Lock()
        self._last: tuple[datetime, Backlog] | None = None
        self._parts_found: Sequence[PartReadiness] = ()

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing, so that registering asks no database."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = self._measured()
        yield _gauge("messages", "Mails whose fate is open.", ("lane", "status"), found.messages)
        lags = {(lane,): seconds for lane, seconds in found.lag.items()}
        yield _gauge("lane_lag_seconds", "Age of the oldest mail that is due and not claimed.", ("lane",), lags)
        yield _gauge("dispatches", "Signals and starts on their way to Temporal.", (), {(): found.dispatches})
        yield _gauge("dispatch_lag_seconds", "Age of the oldest of them.", (), {(): found.dispatch_lag})
        yield _gauge("wake_lag_seconds", "Age of the longest due wake of an enrollment.", (), {(): found.wake_lag})
        text = "Workflows that have not followed yet what was done ahead of them."
        yield _gauge("workflows_behind", text, (), {(): found.behind})
        yield _gauge("hooks", "Webhooks and notes that are due.", (), {(): found.hooks})
        yield _gauge("hook_lag_seconds", "Age of the oldest of them.", (), {(): found.hook_lag})
        yield _gauge("enrollments", "Live enrollments.", ("journey", "stage"), found.enrollments)
        closed = {(name,): int(one) for name, one in found.closed.items()}
        yield _gauge("channel_closed", "1 while the provider is given a rest.", ("channel",), closed)
        stuck = {(kind,): count for kind, count in found.stuck.items()}
        yield _gauge("stuck", "What failed again and again, and waits for a person.", ("kind",), stuck)
        yield _gauge("overdue", "Enrollments that should have acted minutes ago.", (), {(): found.overdue})
        text = "Values that could not be read, from the beginning."
        yield _gauge("unreadable_values", text, ("source", "field"), found.unreadable)
        text = "Places that should say the same, and differ, by the last check."
        differences = {(kind,): count for kind, count in found.differences.items()}
        yield _gauge("differences", text, ("kind",), differences)
        text = "What has stopped happening: events that do not come, journeys that send nothing, names that resemble."
        yield _gauge("silences", text, ("kind", "journey"), found.silences)
        silent = {(one.part,): int(not one.works) for one in self._parts_found}
        yield _gauge("part_silent", "1 while a part of the worker does no round.", ("part",), silent)

    def _measured(self) -> Backlog:
        with self._lock:
            now = self._parts.clock()
            if self._last is None or now - self._last[0] >= KEPT:
                with self._parts.database.reading() as session:
                    self._last = now, backlog.measure(session, now)
                    self._parts_found = readiness.measure(session, now)
            return self._last[1]


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"waypost_{name}", text, labels=labels)
    for label, value in values.items():
        family.add_metric(label, value)
    return family
