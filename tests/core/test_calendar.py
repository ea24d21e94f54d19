"""The laws of time."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from journeys.facts import calendar
from journeys.facts.calendar import LocalTime, Span, Window

BERLIN = ZoneInfo("Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("2 days", Span(seconds=172_800)),
        ("1 week", Span(seconds=604_800)),
        ("36 hours", Span(seconds=129_600)),
        ("1 second", Span(seconds=1)),
        ("2 calendar days", Span(days=2)),
        ("1 calendar week", Span(days=7)),
        ("3 calendar months", Span(months=3)),
    ],
)
def test_durations_are_read_as_written(text: str, span: Span) -> None:
    assert calendar.parse_span(text) == span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(604_800, "7 days"), (86_400, "1 day"), (90_000, "25 hours"), (61, "61 seconds"), (60, "1 minute")],
)
def test_a_span_is_told_in_the_largest_unit_that_measures_it(seconds: int, text: str) -> None:
    assert calendar.span_words(seconds) == text
    assert calendar.parse_span(text) == Span(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["3 moons", "days", "-1 days", "0 days", "1.5 hours", "2 months", "200000 days", "２ days"]
)
def test_what_is_no_duration_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|unit of time|out of range"):
        calendar.parse_span(text)


def test_two_days_are_48_hours_and_two_calendar_days_keep_the_local_time() -> None:
    before = utc("2026-03-28T09:00")  # 10:00 in Berlin; clocks go forward that night
    assert calendar.add(before, Span(seconds=172_800), BERLIN) == utc("2026-03-30T09:00")
    assert calendar.add(before, Span(days=2), BERLIN) == utc("2026-03-30T08:00")


def test_a_local_time_in_a_gap_becomes_the_first_instant_after_it() -> None:
    assert calendar.resolve(datetime(2026, 3, 29, 2, 30), BERLIN) == utc("2026-03-29T01:00")
    assert calendar.resolve(datetime(2026, 3, 29, 2, 0), BERLIN) == utc("2026-03-29T01:00")


def test_a_local_time_that_occurs_twice_means_the_first() -> None:
    assert calendar.resolve(datetime(2026, 10, 25, 2, 30), BERLIN) == utc("2026-10-25T00:30")


def test_until_is_strictly_after_now() -> None:
    nine = LocalTime(at=time(9))
    assert calendar.next_local(utc("2026-01-05T08:00"), nine, BERLIN) == utc("2026-01-06T08:00")
    assert calendar.next_local(utc("2026-01-05T07:59"), nine, BERLIN) == utc("2026-01-05T08:00")


def test_until_waits_for_a_named_weekday() -> None:
    tuesday_or_thursday = LocalTime(at=time(9), days=calendar.parse_days(["tue", "thu"]))
    assert calendar.next_local(utc("2026-01-06T09:00"), tuesday_or_thursday, BERLIN) == utc("2026-01-08T08:00")


def test_a_month_past_its_end_means_its_last_day() -> None:
    assert calendar.add(utc("2028-01-31T12:00"), Span(months=1), ZoneInfo("UTC")) == utc("2028-02-29T12:00")


def test_weekdays_are_read_as_ranges_and_lists() -> None:
    assert calendar.parse_days("mon-fri") == frozenset(range(5))
    assert calendar.parse_days("sat-mon") == frozenset({5, 6, 0})
    assert calendar.parse_days("tue, thu") == frozenset({1, 3})
    with pytest.raises(ValueError, match="weekday"):
        calendar.parse_days("someday")


def test_a_window_opens_next_monday_for_friday_evening() -> None:
    window = Window(opens=time(9), closes=time(18), days=calendar.parse_days("mon-fri"))
    assert calendar.next_open(window, utc("2026-01-09T18:30"), BERLIN) == utc("2026-01-12T08:00")
    assert calendar.next_open(window, utc("2026-01-09T10:00"), BERLIN) == utc("2026-01-09T10:00")


def test_a_window_may_pass_midnight() -> None:
    night = Window(opens=time(22), closes=time(6), days=frozenset({4}))
    utc_zone = ZoneInfo("UTC")
    assert calendar.is_open(night, utc("2026-01-10T05:00"), utc_zone)
    assert not calendar.is_open(night, utc("2026-01-11T05:00"), utc_zone)


def test_an_unknown_zone_falls_back() -> None:
    assert calendar.zone_of("Mars/Olympus", "Europe/Berlin") == BERLIN
    assert calendar.zone_of(None, "../etc/passwd") == ZoneInfo("UTC")
