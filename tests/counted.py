"""A meter that keeps what a worker counts."""

from typing import Any

from temporalio.common import MetricMeter


class Counted(MetricMeter):
    """Counts what a worker counts."""

    def __init__(self) -> None:
        self.counts: list[tuple[str, dict[str, Any]]] = []

    def create_counter(self, name: str, description: str | None = None, unit: str | None = None) -> Any:
        counts = self.counts

        class Counter:
            def add(self, value: int, additional_attributes: Any = None) -> None:
                counts.extend([(name, dict(additional_attributes))] * value)

        return Counter()

    def with_additional_attributes(self, additional_attributes: Any) -> "Counted":
        return self

    create_histogram = create_histogram_float = create_histogram_timedelta = create_counter
    create_gauge = create_gauge_float = create_counter

    def unexpected(self) -> list[str]:
        """What was done whenever something unexpected was raised."""
        return [labels["doing"] for name, labels in self.counts if name == "waypost_unexpected"]
