"""Journeys beside one another: the state of each, who is under way, and what the last days brought.

Everything but the stuck ones is read from counts that are kept, a statement for all journeys of the list together.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session

from store.queries.definitions import journeys as journey_rows
from store.queries.enrollment import live_enrollments
from store.queries.figures import counts, mail_results, series
from store.queries.figures.mail_results import CONVERTED, SENT
from store.tables.definitions import Journey

DAYS = 7
"""Days whose numbers are told, today among them: a week, so that each weekday is in them once."""


class JourneyState(StrEnum):
    """How a journey stands, in the word that matters most to whoever looks."""

    DRAFT = "draft"
    """It was never published."""
    LIVE = "live"
    """It lets customers in."""
    PAUSED = "paused"
    """Everybody in it keeps their place."""
    STUCK = "stuck"
    """It lets customers in, and the wakes of some end in an error."""
    ARCHIVED = "archived"
    """It lets nobody in any more."""


def state_of(journey: Journey, stuck: int) -> JourneyState:
    """The state of a journey in which so many are stuck."""
    if journey.archived_at is not None:
        return JourneyState.ARCHIVED
    if journey.live_version is None:
        return JourneyState.DRAFT
    if journey.paused_at is not None:
        return JourneyState.PAUSED
    return JourneyState.STUCK if stuck else JourneyState.LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedJourney:
    """A journey with its numbers: who is under way now, and how many entered in the last DAYS.

    `mailed` are mails that were accepted on those days, `converted` those of them that are credited with a conversion.
    """

    journey: Journey
    state: JourneyState
    live: int
    stuck: int
    entered: int
    mailed: int
    converted: int
    published_at: datetime | None


def numbers(session: Session, those: Sequence[Journey], now: datetime) -> list[ListedJourney]:
    """These journeys with their numbers, in their order; days are those of the settings' zone."""
    keys, today = [one.key for one in those], now.astimezone(series.zone_of(session)).date()
    since = today - timedelta(days=DAYS - 1)
    live, stuck = counts.live(session), live_enrollments.stuck(session, keys)
    entered, published = series.entered(session, keys, since), journey_rows.published(session, keys)
    mails: Counter[tuple[str, str]] = Counter()
    for kind, what, _, count in mail_results.of_mails(session, since, today):
        mails[kind.journey, what] += count
    return [
        ListedJourney(
            journey=one,
            state=state_of(one, stuck.get(one.key, 0)),
            live=live.get(one.key, 0),
            stuck=stuck.get(one.key, 0),
            entered=entered.get(one.key, 0),
            mailed=mails[one.key, SENT],
            converted=mails[one.key, CONVERTED],
            published_at=published.get(one.key),
        )
        for one in those
    ]
