"""Which mails may be credited with an order: within which time before it, and whether transactional ones are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from journeys.facts import calendar
from journeys.program.program import Program
from services.installation import installation_settings
from store.queries.figures.credits import AcceptedMail
from store.queries.sending.lanes import TRANSACTIONAL

UNDELIVERED = ("bounced", "dropped", "blocked")
"""What is known of mails that nobody got."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionRules:
    """The time of each journey's goal, and for mails of other journeys and of broadcasts the one of the settings."""

    windows: Mapping[str, timedelta] = field(default_factory=dict[str, timedelta])
    window: timedelta
    transactional: bool = False

    @property
    def longest(self) -> timedelta:
        """Nothing before it is ever credited."""
        return max((self.window, *self.windows.values()))

    def may_credit(self, mail: AcceptedMail, at: datetime) -> bool:
        """Whether a mail may have brought an order of this instant."""
        if mail.lane == TRANSACTIONAL and not self.transactional:
            return False
        window = self.windows.get(mail.journey, self.window)
        return at - window <= mail.accepted_at <= at and mail.delivery not in UNDELIVERED


def of(session: Session, programs: Iterable[Program]) -> AttributionRules:
    """The rules under these live journeys and the settings."""
    said = installation_settings.load(session).attribution
    goals = {one.journey: one.goal.within.elapsed for one in programs if one.goal is not None}
    return AttributionRules(
        windows=goals, window=calendar.parse_span(said.window).elapsed, transactional=said.transactional
    )
