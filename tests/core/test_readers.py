"""Dates, numbers and zones as others write them: what is read is what was meant, and what is not is None."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from journeys.facts import calendar, customer_facts
from readers import dates, numbers, zones

NEW_YORK = ZoneInfo("America/New_York")
SPELT = st.datetimes(datetime(1990, 1, 1), datetime(4999, 1, 1)).map(lambda at: at.replace(microsecond=0))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates() | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
LOOKALIKE = st.text("0123456789-+:.,/TZtz eE_ ", max_size=30)

# -- dates -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("2026-12-10", date(2026, 12, 10)),
        (" 2026-12-10\n", date(2026, 12, 10)),
        ("20261210", date(2026, 12, 10)),
        ("2026-12-10T09:30", datetime(2026, 12, 10, 9, 30)),
        ("2026-12-10 09:30:15", datetime(2026, 12, 10, 9, 30, 15)),
        ("2026-12-10T09:30:15Z", datetime(2026, 12, 10, 9, 30, 15, tzinfo=UTC)),
        ("2026-12-10t09:30:15.25z", datetime(2026, 12, 10, 9, 30, 15, 250_000, tzinfo=UTC)),
        ("2026-12-10T09:30:15.123456789Z", datetime(2026, 12, 10, 9, 30, 15, 123_456, tzinfo=UTC)),
        ("2026-12-10T09:30:15+01:00", datetime(2026, 12, 10, 8, 30, 15, tzinfo=UTC)),
        ("2026-12-10T09:30:15+0100", datetime(2026, 12, 10, 8, 30, 15, tzinfo=UTC)),
        ("2026-12-10 09:30:15 -05", datetime(2026, 12, 10, 14, 30, 15, tzinfo=UTC)),
        ("2026-12-10 09:30:15 UTC", datetime(2026, 12, 10, 9, 30, 15, tzinfo=UTC)),
        (1_796_860_800, datetime(2026, 12, 10, tzinfo=UTC)),
        (1_796_860_800.5, datetime(2026, 12, 10, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("1796860800", datetime(2026, 12, 10, tzinfo=UTC)),
        (1_796_860_800_000, datetime(2026, 12, 10, tzinfo=UTC)),
        ("1796860800123", datetime(2026, 12, 10, 0, 0, 0, 123_000, tzinfo=UTC)),
    ],
)
def test_a_date_is_read_however_machines_write_it(value: object, meant: dates.Moment) -> None:
    assert dates.read(value) == meant


@pytest.mark.parametrize(
    "value",
    ["12/10/2026", "10.12.2026", "Dec 10, 2026", "2026-13-01", "2026-02-30", "next week", "", " ", "0", "2026", "26-12-10"]
    + ["2026-1-5", "2026-12-10T25:00", "2026-12-10T09:00:00+99:00", "0001-01-01T00:00+01:00", "1_796_860_800"]
    + [0, 20, 99_999_999, 10**14, 10**400, float("nan"), float("inf"), True, None, [], {}, b"2026-12-10"],
)  # fmt: skip
def test_what_is_no_date_or_may_be_two_is_none(value: object) -> None:
    assert dates.read(value) is None


def test_a_format_that_is_stated_reads_what_is_ambiguous_without_it() -> None:
    assert dates.read("10.12.2026", "DD.MM.YYYY") == date(2026, 12, 10)
    assert dates.read("12/10/2026", "MM/DD/YYYY") == date(2026, 12, 10)
    assert dates.read("12/10/2026", "DD/MM/YYYY") == date(2026, 10, 12)
    assert dates.read(" 1.2.2026 9:05 ", "DD.MM.YYYY HH:mm") == datetime(2026, 2, 1, 9, 5)
    assert dates.read("13/13/2026", "DD/MM/YYYY") is None
    assert dates.read("2026-12-10", "DD.MM.YYYY") is None


@pytest.mark.parametrize("form", ["", "DD.MM", "dd.mm.yyyy", "DD.MM.YYYY.DD", "%d.%m.%Y", "x" * 99])
def test_a_format_that_is_none_is_told(form: str) -> None:
    with pytest.raises(ValueError, match="date"):
        dates.check_form(form)


@given(SPELT, st.integers(-14 * 60, 14 * 60), st.sampled_from(["", ":"]), st.sampled_from(["T", " "]))
def test_an_instant_written_in_any_zone_is_that_instant(at: datetime, offset: int, colon: str, between: str) -> None:
    local = at.replace(tzinfo=timezone(timedelta(minutes=offset)))
    sign, minutes = "-" if offset < 0 else "+", abs(offset)
    written = f" {at:%Y-%m-%d}{between}{at:%H:%M:%S}{sign}{minutes // 60:02}{colon}{minutes % 60:02}\t"
    assert dates.read(written) == local
    assert dates.read(local) == local


@given(SPELT)
def test_unix_time_is_the_same_instant_in_seconds_and_milliseconds_as_number_and_text(at: datetime) -> None:
    at = at.replace(tzinfo=UTC)
    seconds = int(at.timestamp())
    for value in (seconds, seconds * 1_000, str(seconds), str(seconds * 1_000), float(seconds), json.dumps(seconds)):
        assert dates.read(value) == at


@given(ANYTHING | LOOKALIKE)
def test_reading_never_raises_and_what_is_read_is_read_the_same_again(value: Any) -> None:
    found = dates.read(value)
    if found is not None:
        assert dates.read(found.isoformat()) == found or found.year < 1000
    calendar.read_date(value, NEW_YORK)
    zones.read(value)
    number = numbers.read(value)
    assert number is None or numbers.read(number) == number


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1980, 2099), st.sampled_from("/.-"))
def test_day_and_month_are_never_guessed(one: int, other: int, year: int, mark: str) -> None:
    assert dates.read(f"{one:02}{mark}{other:02}{mark}{year}") is None


@given(st.dates(date(1000, 1, 1), date(9000, 1, 1)), st.sampled_from(sorted(available_timezones() - {"Factory"})))
def test_midnight_utc_means_that_day_where_the_customer_is(day: date, zone: str) -> None:
    here = ZoneInfo(zone)
    plain = calendar.read_date(f"{day:%Y-%m-%d}" if day.year >= 1000 else "", here)
    assume(plain is not None)
    assert calendar.read_date(f"{day.isoformat()}T00:00:00.000Z", here) == plain
    assert plain is not None
    assert plain.astimezone(here).date() >= day


def test_an_instant_that_is_no_midnight_utc_stays_an_instant() -> None:
    assert calendar.read_date("2026-12-10T00:00:01Z", NEW_YORK) == datetime(2026, 12, 10, 0, 0, 1, tzinfo=UTC)
    assert calendar.read_date("2026-12-10T00:00:00+01:00", NEW_YORK) == datetime(2026, 12, 9, 23, tzinfo=UTC)


# -- numbers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (39.9, 39.9),
        ("39.90", 39.9),
        (" 42 ", 42),
        ("-3", -3),
        ("+7", 7),
        (".5", 0.5),
        ("1e3", 1000.0),
        (0, 0),
        ("0", 0),
    ],
)
def test_a_number_is_read_as_number_and_as_text(value: object, meant: float) -> None:
    assert numbers.read(value) == meant


@pytest.mark.parametrize(
    "value",
    ["39,90", "1,234", "1.234,50", "1 234", "€ 5", "5 €", "5%", "", " ", ".", "-", "1_000", "0x10", "NaN", "inf", "1e999"]
    + [True, False, None, float("nan"), float("inf"), [], {}, b"1", "٣"],
)  # fmt: skip
def test_what_is_no_number_or_may_be_two_is_none(value: object) -> None:
    assert numbers.read(value) is None


def test_a_decimal_comma_is_read_where_it_is_stated() -> None:
    assert [numbers.read(text, ",") for text in ("39,90", "1.234,50", "1.234.567", "7", "-0,5")] == [
        39.9, 1234.5, 1_234_567, 7, -0.5,
    ]  # fmt: skip
    assert [numbers.read(text, ",") for text in ("39.90", "1,234,567", "1.23,4", ",5", "5,")] == [None] * 5
    with pytest.raises(ValueError, match="decimal mark"):
        numbers.read("1", ";")


@given(st.integers(-(10**17), 10**17) | st.floats(-1e15, 1e15, allow_nan=False).map(lambda one: round(one, 6)))
def test_a_number_written_by_a_machine_is_that_number(number: float) -> None:
    assert numbers.read(number) == numbers.read(f" {number!r} ") == numbers.read(json.dumps(number)) == number


@given(st.decimals(0, 10**9, places=2))
def test_a_decimal_comma_is_that_number(amount: Any) -> None:
    assert numbers.read(f"{amount:,.2f}".replace(",", " ").replace(".", ",").replace(" ", "."), ",") == float(amount)
    assert numbers.read(str(amount).replace(".", ",")) is None


def test_an_amount_that_is_a_text_counts_and_one_that_is_none_is_told() -> None:
    assert customer_facts.amount({"total": "39.90"}) == 39.9
    assert customer_facts.amount({"revenue": "39,90", "total": 5}) == 5
    assert customer_facts.unreadable_amounts({"revenue": "39,90", "total": 5, "value": ""}) == {"revenue": "39,90"}
    assert customer_facts.unreadable_amounts({"total": True, "other": "x"}) == {"total": True}


# -- zones -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (" europe/berlin ", "Europe/Berlin"),
        ("EUROPE / BERLIN", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("america\\new_york", "America/New_York"),
        ("Europe/Kyiv", "Europe/Kyiv"),
        ("Europe/Kiev", "Europe/Kiev"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("pacific standard time", "America/Los_Angeles"),
        ("utc", "UTC"),
    ],
)
def test_a_zone_is_recognised_however_it_is_spelt(value: str, meant: str) -> None:
    assert zones.read(value) == meant
    assert customer_facts.timezone_in({"timezone": value}) == meant


@pytest.mark.parametrize(
    "value", ["", "Berlin", "PST", "+02:00", "GMT+2", "Mars/Olympus", "../etc/passwd", 7, None, "x" * 999]
)
def test_what_is_no_zone_is_none(value: object) -> None:
    assert zones.read(value) is None


def test_kyiv_and_kiev_are_one_time() -> None:
    at = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert (
        at.astimezone(calendar.zone_of("Europe/Kyiv")).hour == at.astimezone(calendar.zone_of("europe/kiev")).hour == 15
    )


@given(st.sampled_from(sorted(available_timezones() - {"Factory", "localtime"})), st.data())
def test_every_zone_is_itself_in_any_case(name: str, data: st.DataObject) -> None:
    assume(zones.read(name) is not None)
    spelt = "".join(data.draw(st.sampled_from([char.upper(), char.lower()])) for char in name)
    assert zones.read(f" {spelt.replace('_', ' ')} ") == zones.read(name) == name


def test_whoever_spells_a_zone_wrongly_in_a_journey_is_told_the_right_one() -> None:
    with pytest.raises(ValueError, match='did you mean "Europe/Berlin"'):
        calendar.check_zone("europe/berlin")
    with pytest.raises(ValueError, match='did you mean "Europe/Berlin"'):
        calendar.check_zone("Berlin")
