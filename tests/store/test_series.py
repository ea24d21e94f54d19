"""Series: what each day's transactions keep, against the decisions counted anew by plain SQL."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlmodel import select

from services.definitions.journey_versions import journeys
from services.errors import InvalidInput
from services.imports.placing import placement
from services.ingestion import segment_api
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings
from services.reports.lifecycle import lifecycle_series
from services.reports.measures.periods import Period, periods
from services.statistics import quartiles
from services.upkeep import retention
from store import bulk, log_buckets
from store.queries.figures import series
from store.session import Database
from store.tables.series import DayCount
from tests.shells import Shell

DAY = timedelta(days=1)


def counted(database: Database, name: str) -> dict[tuple[str, str], int]:
    """The kept counts by day and label, over the shards."""
    with database.reading() as session:
        rows = session.exec(select(DayCount).where(DayCount.name == name, DayCount.day != series.EVER)).all()
    found: Counter[tuple[str, str]] = Counter()
    for one in rows:
        found[one.day, one.label] += one.count
    return dict(found)


def told(database: Database, since: date, until: date, now: datetime, by: Any = "day") -> dict[str, Any]:
    with database.reading() as session:
        return lifecycle_series.lifecycle_series(session, "welcome", since, until, by, now)


def test_a_move_counts_on_the_day_on_which_it_happened_in_the_zone_of_the_settings(
    database: Database, welcome: None, take: Callable[..., Any], noon: datetime
) -> None:
    with database.writing() as session:
        installation_settings.save(session, InstallationSettings(timezone="Pacific/Auckland"), noon)
    take({"type": "track", "userId": "ann", "event": "Signed Up"}, at=noon)
    here = noon.astimezone(ZoneInfo("Pacific/Auckland")).date()
    assert here != noon.date()
    assert counted(database, series.MOVED) == {(here.isoformat(), "->new"): 1}


def test_the_days_say_who_stood_where_when_each_of_them_closed(
    database: Database, welcome: None, shell: Shell, take: Callable[..., Any], noon: datetime
) -> None:
    shell.wake(noon)
    take({"type": "track", "userId": "ann", "event": "Bought"}, at=noon + 3 * DAY)
    shell.wake(noon + 3 * DAY)
    take({"type": "track", "userId": "ann", "event": "Account Closed"}, at=noon + 5 * DAY)
    shell.wake(noon + 5 * DAY)
    first = noon.date()
    found = told(database, first - DAY, first + 6 * DAY, noon + 5 * DAY)
    stood = [(one["from"], one["stages"], one["entered"], one["ended"]) for one in found["periods"]]
    assert stood == [
        (first - DAY, {}, 0, {}),
        (first, {"new": 1}, 1, {}),
        (first + DAY, {"new": 1}, 0, {}),
        (first + 2 * DAY, {"new": 1}, 0, {}),
        (first + 3 * DAY, {"buyer": 1}, 0, {}),
        (first + 4 * DAY, {"buyer": 1}, 0, {}),
        (first + 5 * DAY, {}, 0, {"exited": 1}),
    ]
    (moved,) = found["periods"][4]["rates"]
    assert (moved["stage"], moved["to"], moved["count"], moved["n"], moved["rate"]) == ("new", "buyer", 1, 1, 1.0)
    assert found["periods"][4]["net"] == {"buyer": 1, "new": -1}
    assert found["periods"][4]["time_in_stage"]["new"]["median_days"] == pytest.approx(3, rel=0.1)
    assert found["told"] == "1 entered welcome, 1 ended; 0 are in it now."
    (whole,) = told(database, first, first + 6 * DAY, noon + 5 * DAY, "month")["periods"]
    assert whole["movements"] == {"->new": 1, "new->buyer": 1}


def test_an_import_fills_the_past(database: Database, welcome: None, noon: datetime) -> None:
    history = [("Signed Up", noon - 400 * DAY), ("Bought", noon - 370 * DAY), ("Account Closed", noon - 10 * DAY)]
    events = [
        segment_api.read(
            {"type": "track", "userId": "old", "event": name, "messageId": name, "timestamp": at.isoformat()}, noon
        )
        for name, at in history
    ]
    with database.writing() as session:
        (live,) = journeys.all_live(session)
        placement.write(session, placement.prepare(session, [("old", events)], live, noon))
    assert counted(database, series.MOVED) == {
        ((noon - 400 * DAY).date().isoformat(), "->new"): 1,
        ((noon - 370 * DAY).date().isoformat(), "new->buyer"): 1,
    }
    assert counted(database, series.LEFT) == {((noon - 10 * DAY).date().isoformat(), "buyer|exited"): 1}
    assert _decided(database) == {"entered": 1, "moved": 1, "ended": 1}


def _decided(database: Database) -> dict[str, int]:
    """An independent recount."""
    query = "SELECT what, count(*) FROM decision WHERE what IN ('entered', 'moved', 'ended') GROUP BY what"
    with database.engine.connect() as connection:
        return {str(row[0]): int(row[1]) for row in connection.execute(sa.text(query))}


def test_a_day_that_is_over_is_folded_and_says_the_same(database: Database, noon: datetime) -> None:
    day = (noon - 2 * DAY).date().isoformat()
    keys = {("welcome", series.MOVED, day, "->new", shard): (shard + 1,) for shard in range(4)}
    with database.writing() as session:
        bulk.increment(session, DayCount, keys, ("journey", "name", "day", "label", "shard"))
        assert retention.prune(session, noon) == 3
        assert retention.prune(session, noon) == 0
        (row,) = session.exec(select(DayCount)).all()
        assert (row.shard, row.count) == (0, 10)


def test_a_journey_that_nobody_entered_has_an_empty_series_with_a_sentence(
    database: Database, welcome: None, noon: datetime
) -> None:
    found = told(database, noon.date(), noon.date(), noon)
    assert [(one["stages"], one["rates"], one["time_in_stage"]) for one in found["periods"]] == [({}, [], {})]
    assert found["told"] == "Nobody entered, moved in or left welcome in this time, and nobody is in it."


def test_weeks_begin_on_monday_and_months_on_their_first_and_both_are_cut_at_the_ends() -> None:
    wednesday, today = date(2026, 2, 25), date(2026, 3, 9)
    weeks = periods(wednesday, today + DAY, "week", today)
    assert [(one.since.day, one.until.day) for one in weeks] == [(25, 1), (2, 8), (9, 9)]
    assert periods(wednesday, None, "month", today) == [
        Period(since=wednesday, until=date(2026, 2, 28)), Period(since=date(2026, 3, 1), until=today),
    ]  # fmt: skip


@pytest.mark.parametrize(("since", "until", "says"), [
    (date(2026, 3, 2), date(2026, 3, 1), "is after"),
    (date(2020, 3, 2), date(2026, 3, 1), "ask by=week"),
])  # fmt: skip
def test_a_span_that_cannot_be_shown_is_refused_with_a_way_out(since: date, until: date, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        periods(since, until, "day", date(2026, 6, 1))


def test_quartiles_of_a_histogram_lie_within_nine_percent_of_the_durations() -> None:
    days = [1, 2, 3, 4, 5, 6, 7, 8, 400]
    histogram = Counter(log_buckets.bucket_of(one * 86_400.0) for one in days)
    found = quartiles.of(histogram)
    assert found is not None
    assert found.n == 9
    assert [one / 86_400 for one in (found.lower, found.median, found.upper)] == pytest.approx([2.5, 5, 7], rel=0.15)
    assert quartiles.of({}) is None
    assert log_buckets.bucket_of(-5) == 0


def test_an_instant_lies_in_the_day_of_its_zone() -> None:
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    assert series.day_of(late, ZoneInfo("UTC")) == "2026-03-01"
    assert series.day_of(late, ZoneInfo("Europe/Berlin")) == "2026-03-02"
