"""An instant as support tells it: by UTC, as everything is recorded, and by the customer's own clock."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from journeys.facts import calendar
from services.installation import installation_settings
from store.tables.customers import Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class BothClocks:
    """Tells instants in UTC and in `zone`, where that is another."""

    zone: ZoneInfo

    def tell(self, at: datetime) -> str:
        """`2026-03-02 12:00 UTC (13:00 Europe/Berlin)`; with the date there where it is another."""
        told = f"{at:%Y-%m-%d %H:%M} UTC"
        local = at.astimezone(self.zone)
        if self.zone.key in ("UTC", "Etc/UTC"):
            return told
        day = "" if local.date() == at.astimezone(UTC).date() else f"{local:%Y-%m-%d} "
        return f"{told} ({day}{local:%H:%M} {self.zone.key})"


def of(session: Session, customer: Customer, journey_zone: str | None = None) -> BothClocks:
    """The clocks of a customer; where their zone is not known the journey's counts, then the installation's."""
    settings = installation_settings.load(session)
    return BothClocks(zone=calendar.zone_of(customer.timezone, journey_zone, settings.timezone))
