"""Nothing happens: a silence is told from a night, a weekend, a quiet journey and a new one."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlmodel import select

from services.definitions.pausing import pauses
from services.reports.health import silence_report
from services.upkeep.silence import resembling, silence_clock, usual_gaps
from store import bulk
from store.queries.audiences import rhythms
from store.session import Database
from store.tables.customers import Customer, Event, SeenEventName
from store.tables.message_counts import MessageDayCount
from tests.conftest import Statements

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WEEKS = 6


@pytest.fixture
def came(database: Database, noon: datetime) -> Callable[..., None]:
    """Somebody's events of a name, at these instants."""
    with database.writing() as session:
        session.add(Customer(id="cus_1", created_at=noon, updated_at=noon))

    def run(instants: Iterator[datetime], name: str = "Signed Up", *, fires: bool = True) -> None:
        with database.writing() as session:
            begun = len(session.exec(select(Event.id)).all())
            rows = [
                {"id": f"evt_{number}", "message_id": f"m{number}", "customer_id": "cus_1", "seq": number, "type": "track",
                 "name": name, "properties": {}, "fires": fires, "at": at, "received_at": at, "said_at": None}
                for number, at in enumerate(instants, start=begun + 1)
            ]  # fmt: skip
            bulk.add(session, Event, rows)

    return run


def by_day(until: datetime, hours: tuple[int, ...] = (9, 12, 17), weekend: bool = True) -> Iterator[datetime]:
    """The hours of six weeks before."""
    first = (until - WEEKS * 7 * DAY).replace(hour=0, minute=0)
    for number in range(WEEKS * 7):
        day = first + number * DAY
        if weekend or day.weekday() < 5:
            yield from (day + hour * HOUR for hour in hours)


def told(database: Database, now: datetime) -> list[tuple[str, str, str | None]]:
    """What the clock finds, looking until it has learnt what is usual."""
    with database.writing() as session:
        while silence_clock.any_due(session, now):
            assert silence_clock.run_due(session, now, 100)
        assert silence_clock.run_due(session, now, 100) == 0
    with database.reading() as session:
        return [(one["kind"], one["journey"], one["name"]) for one in silence_report.silences(session)["silences"]]


def test_an_event_that_does_not_come_for_three_usual_gaps_is_a_silence(
    database: Database, welcome: None, came: Callable[..., None], noon: datetime
) -> None:
    came(by_day(noon))  # the last at 17 yesterday; a night has 16 hours
    last = noon.replace(hour=17) - DAY
    assert told(database, last + 47 * HOUR) == []
    assert told(database, last + 49 * HOUR) == [("event", "welcome", "Signed Up")]
    with database.reading() as session:
        found = silence_report.silences(session)
    (one,) = found["silences"]
    assert found["told"] == "1 thing to look at, as of 2026-03-03 18:00 UTC."
    assert one["told"] == (
        "'Signed Up', which lets customers into welcome, has not come since 2026-03-01T17:00; its usual gap is 16.0 "
        "hours: look at what sends it"
    )
    came(iter([last + 49 * HOUR]))
    assert told(database, last + 51 * HOUR) == []


def test_a_journey_whose_text_cannot_be_read_silences_no_other(
    database: Database, welcome: None, publish: Callable[[str, str], None], came: Callable[..., None], noon: datetime
) -> None:
    """The books and the doctor name it (`test_unreadable_definitions`)."""
    publish("bad", "journey: bad\nenter: [{on: Signed Up}]\nstart: a\nstages: {a: {}}")
    with database.writing() as session:
        session.connection().execute(text("UPDATE journey_version SET canonical = '{}' WHERE journey = 'bad'"))
    came(by_day(noon))
    assert told(database, noon.replace(hour=17) + 25 * HOUR) == [("event", "welcome", "Signed Up")]


def test_a_weekend_is_no_silence_where_weekends_are_usual(
    database: Database, welcome: None, came: Callable[..., None], noon: datetime
) -> None:
    """From Friday at 17 to Monday at 9 are 64 hours."""
    came(by_day(noon, weekend=False))
    friday = noon.replace(hour=17) - 3 * DAY
    assert told(database, friday + 150 * HOUR) == []
    assert told(database, friday + 193 * HOUR) == [("event", "welcome", "Signed Up")]


@pytest.mark.parametrize("case", ["new", "imported", "paused", "never"])
def test_what_is_new_imported_paused_or_never_came_is_no_silence(
    database: Database, welcome: None, came: Callable[..., None], noon: datetime, case: str
) -> None:
    if case == "new":
        came(at for at in by_day(noon) if at > noon - 15 * DAY)
    elif case != "never":
        came(by_day(noon), fires=case != "imported")
    if case == "paused":
        with database.writing() as session:
            pauses.pause(session, "welcome", noon)
    assert told(database, noon + 30 * DAY) == []


def test_a_journey_that_sends_nothing_any_more_is_a_silence(database: Database, welcome: None, noon: datetime) -> None:
    def sent(journey: str, days: range) -> None:
        rows = [
            {"day": (noon - number * DAY).date().isoformat(), "journey": journey, "template": "mail_a", "reason": "",
             "status": "accepted", "shard": 0, "count": 3}
            for number in days
        ]  # fmt: skip
        with database.writing() as session:
            bulk.add(session, MessageDayCount, rows)

    sent("welcome", range(40))
    sent("gone", range(40))
    assert told(database, noon + 3 * DAY) == []
    assert told(database, noon + 4 * DAY) == [("sends", "welcome", None)]
    with database.writing() as session:  # the counts have no mails that they could agree with
        for one in session.exec(select(MessageDayCount)).all():
            session.delete(one)


def test_a_name_that_resembles_an_awaited_one_is_told_for_a_week(
    database: Database, welcome: None, noon: datetime
) -> None:
    with database.writing() as session:
        for name, at in (("signed_up", noon), ("Bougth", noon), ("Signed In", noon), ("SignedUp", noon - 8 * DAY)):
            session.add(SeenEventName(name=name, first_seen_at=at))
    assert told(database, noon) == [("name", "welcome", "Bougth"), ("name", "welcome", "signed_up")]
    assert told(database, noon + 8 * DAY) == []


@pytest.mark.parametrize(("name", "resembles"), [
    ("order completed", "Order Completed"), ("OrderCompleted", "Order Completed"), ("Order Complete", "Order Completed"),
    ("Order Compelted", "Order Completed"), ("Order Created", None), ("Signed In", None), ("Order Completed", None),
    ("Signe Up", "Signed Up"), ("", None),
])  # fmt: skip
def test_a_slip_is_told_from_another_word(name: str, resembles: str | None) -> None:
    assert resembling.nearest(name, ["Order Completed", "Signed Up"]) == resembles


def test_the_usual_gap_is_the_second_longest_of_four_weeks() -> None:
    last = datetime(2026, 3, 2, tzinfo=UTC)
    gaps = [(last - week * 7 * DAY - HOUR, length * HOUR) for week, length in enumerate((10, 12, 90, 11))]
    long_ago = last - 60 * DAY
    assert usual_gaps.usual(gaps, long_ago, last) == 12 * HOUR, "one outage of 90 hours is not usual"
    assert usual_gaps.usual([], long_ago, last) == HOUR
    assert usual_gaps.usual([], last - 20 * DAY, last) is None
    assert usual_gaps.usual([(last, 30 * DAY)], long_ago, last) == 30 * DAY, "what comes once a month is not missed"


def test_gaps_are_found_by_jumps_however_many_events_there_are(
    database: Database, came: Callable[..., None], noon: datetime, statements: Statements
) -> None:
    came(noon - 3 * HOUR + number * timedelta(seconds=1) for number in range(2_000))
    came(iter([noon]))
    with database.reading() as session, statements(database, at_most=8):
        (gap,) = rhythms.gaps(session, "Signed Up", noon - DAY, noon)
    assert gap == (noon, 3 * HOUR - timedelta(seconds=1_999))


def test_the_clock_looks_once_an_hour(database: Database, welcome: None, noon: datetime) -> None:
    with database.reading() as session:
        assert silence_report.silences(session)["told"].startswith("It was not looked yet")
    assert told(database, noon) == []
    with database.reading() as session:
        assert silence_report.silences(session)["told"] == "All went on as usual at 2026-03-02 12:00 UTC."
    with database.writing() as session:
        assert not silence_clock.any_due(session, noon + timedelta(minutes=59))
        assert silence_clock.any_due(session, noon + HOUR)
        silence_clock.pass_over(session, noon + HOUR, "Boom")
        assert not silence_clock.any_due(session, noon + HOUR)
