"""What *why* says of dates and clocks: a date that cannot be told, an event that came too late to start anything."""

from collections.abc import Sequence

from journeys.rules.answers import UNKNOWN
from services.customers.history.event_log import STALE
from store.statuses import EnrollmentStatus
from store.tables.customers import Event
from store.tables.enrollments import Decision, Enrollment


def unknown_date(run: Enrollment, recorded: Sequence[Decision]) -> tuple[str | None, str]:
    """Why the date that a run waits for cannot be told: the reason's code (of UNKNOWN), and a clause for a sentence.

    None and nothing where it waits for no such date. `recorded` are its last decisions, the oldest first.
    """
    here = [one for one in recorded if (one.step, one.visit) == (run.step, run.visit) and one.what != "asked"]
    if run.status != EnrollmentStatus.LIVE or not here or here[-1].what != "date_unknown":
        return None, ""
    detail = here[-1].detail
    reason, seen = str(detail["reason"]), detail.get("seen")
    told = f"; the date in customer.{detail['attribute']} cannot be told: {UNKNOWN[reason]}"
    return reason, told + (f" ({seen!r})" if seen is not None else "")


def too_late(event: Event | None) -> str | None:
    """That a customer's event was too old when it came to start anything; None where it was not."""
    if event is None or event.fires or event.at > event.received_at - STALE:
        return None
    hours = round(STALE.total_seconds() / 3600)
    return (
        f"on {event.received_at:%Y-%m-%d %H:%M} UTC of what had happened on {event.at:%Y-%m-%d %H:%M} UTC, more than "
        f"{hours} hours before: so old an event only counts"
    )
