"""The channel: open or closed for every lane, as fast as it bears, fair to those who wait."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.installation import rates
from services.installation.rates import Rate
from services.messages.sending import circuit_breaker, claiming, sending_ledger
from services.messages.sending.circuit_breaker import ChannelReport
from services.messages.sending.claiming import OutgoingChannel
from store.queries.mails import messages
from store.session import Database
from store.tables.definitions import Journey, Topic
from store.tables.messages import Channel

FAILED, WELL = ChannelReport(heard="failed", why="it cannot be reached"), ChannelReport(heard="well")


class Line:
    def __init__(self, database: Database, at: datetime) -> None:
        self.database, self.at = database, at

    def hears(self, *said: ChannelReport, **later: float) -> Channel:
        self.at += timedelta(**later)
        with self.database.writing() as session:
            circuit_breaker.record(session, "p", said, self.at)
        with self.database.reading() as session:
            return session.get(Channel, "p") or Channel(name="p", updated_at=self.at)

    def room(self, **later: float) -> int:
        self.at += timedelta(**later)
        with self.database.reading() as session:
            return circuit_breaker.free_capacity(session, "p", 50, self.at)


@pytest.fixture
def line(database: Database, noon: datetime) -> Line:
    return Line(database, noon)


def test_five_failures_in_a_row_close_it_longer_each_time(line: Line) -> None:
    assert line.hears(FAILED, FAILED, FAILED, FAILED).closed_until is None
    assert line.room() == 50
    row = line.hears(FAILED)
    assert (row.closed_until, row.alarm) == (
        line.at + timedelta(seconds=5),
        "5 attempts in a row failed; the last: it cannot be reached",
    )
    assert (line.room(), line.room(seconds=6)) == (0, 1), "then one mail is tried"
    waits: list[float] = []
    for _ in range(8):
        row = line.hears(FAILED, seconds=400)
        waits.append((row.closed_until - line.at).total_seconds() if row.closed_until else 0)
    assert waits == [10, 20, 40, 80, 160, 300, 300, 300], "twice as long each time the one that is tried fails"
    row = line.hears(WELL, seconds=400)
    assert (row.closed_until, row.failures, row.alarm, line.room()) == (None, 0, None, 50)


def test_calls_that_were_under_way_when_it_closed_do_not_close_it_for_longer(line: Line) -> None:
    closed = line.hears(*[FAILED] * 50).closed_until
    assert closed == line.at + timedelta(seconds=5)
    assert line.hears(*[FAILED] * 3, seconds=2).closed_until == closed
    assert (line.room(), line.room(seconds=4)) == (0, 1)
    assert line.hears(FAILED).closed_until == line.at + timedelta(seconds=10)


def test_a_refused_key_is_an_alarm_and_a_busy_provider_is_not(line: Line) -> None:
    row = line.hears(ChannelReport(heard="busy", wait=timedelta(seconds=30)))
    assert (row.alarm, line.room(), line.room(seconds=31)) == (None, 0, 50)
    row = line.hears(ChannelReport(heard="refused", why="the key is refused"))
    assert (row.alarm, line.room(), line.room(seconds=61)) == ("the key is refused", 0, 1)


def test_a_mail_that_fails_for_itself_says_nothing_of_the_channel(line: Line) -> None:
    row = line.hears(*[ChannelReport(heard="nothing")] * 20)
    assert (row.failures, line.room()) == (0, 50)


# -- rates -------------------------------------------------------------------------------------------------------------


def test_a_rate_is_read_or_refused() -> None:
    assert rates.parse("600/minute") == Rate(per_second=10.0, burst=10.0)
    assert rates.parse("5/hour").burst == 1.0
    for bad in ("", "fast", "0/second", "10/week", "1.5/second"):
        with pytest.raises(ValueError, match="looks like"):
            rates.parse(bad)


def test_two_processes_share_a_bucket(database: Database, noon: datetime) -> None:
    rate = rates.parse("100/second")

    def take(wanted: int, at: datetime, leave: float = 0.0) -> int:
        with database.writing() as session:
            return rates.take(session, "p", rate, wanted, at, leave)

    assert [take(60, noon), take(60, noon), take(60, noon)] == [60, 40, 0]
    assert take(60, noon + timedelta(seconds=0.25)) == 25
    assert take(200, noon + timedelta(hours=1), leave=0.3) == 70, "a broadcast leaves some to those before it"
    assert take(200, noon + timedelta(hours=1)) == 30
    assert take(10, noon) == 0, "a clock that runs behind gains nothing"


# -- turns -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(database: Database, take: Any, noon: datetime, publish: Any) -> None:
    """Forty mails of one journey, then two of another, all due."""
    steps = "\nenter: [{on: Signed Up}]\nstart: new\nstages: {new: {steps: [{id: a, send: mail_a}]}}"
    for key in ("busy", "quiet"):
        publish(key, f"journey: {key}{steps}")
    take({"type": "identify", "userId": "ann", "traits": {"email": "ann@example.com"}})
    from services.definitions.journey_versions import journeys
    from services.reports.customer import customer_view

    with database.writing() as session:
        ann = customer_view.customer(session, "ann").id
        rows = []
        for key, count in (("busy", 40), ("quiet", 2)):
            digest = journeys.live(session, key)[0].digest
            step = next(iter(one for one in journeys.compiled(session, digest).nodes if "a" in one))
            rows += [
                messages.row(
                    f"{key}{number:02}", ann, journey=key, digest=digest, stage="new", step=step, visit=1,
                    template="mail_a", topic="news", lane="journey", due=noon, now=noon, not_before=noon,
                )
                for number in range(count)
            ]  # fmt: skip
        messages.add(session, rows)


def claim(database: Database, at: datetime, limit: int = 10, way: OutgoingChannel | None = None) -> Counter[str]:
    with database.writing() as session:
        sending_ledger.take_over(session, "journey", "f", at)
        return Counter(
            one.campaign
            for one in claiming.claim(session, "journey", "f", limit, at, way or OutgoingChannel(channel="p"))
        )


@pytest.mark.usefixtures("waiting")
def test_a_journey_with_little_to_say_does_not_wait_for_a_busy_one(database: Database, noon: datetime) -> None:
    assert claim(database, noon) == {"busy": 8, "quiet": 2}


@pytest.mark.usefixtures("waiting")
def test_a_paused_journey_and_a_paused_topic_wait(database: Database, noon: datetime) -> None:
    with database.writing() as session:
        journey = session.get(Journey, "busy")
        assert journey is not None
        journey.paused_at = noon
    assert claim(database, noon) == {"quiet": 2}
    with database.writing() as session:
        session.add(Topic(key="news", paused_at=noon, created_at=noon, updated_at=noon))
        session.get(Journey, "busy").paused_at = None  # type: ignore[union-attr]
    assert claim(database, noon) == {}


@pytest.mark.usefixtures("waiting")
def test_a_closed_channel_and_a_slow_one_hold_the_lane(database: Database, noon: datetime) -> None:
    slow = OutgoingChannel(channel="p", rate=rates.parse("4/second"))
    assert sum(claim(database, noon, way=slow).values()) == 4
    assert sum(claim(database, noon, way=slow).values()) == 0
    assert sum(claim(database, noon + timedelta(seconds=0.5), way=slow).values()) == 2
    with database.writing() as session:
        circuit_breaker.record(session, "p", [ChannelReport(heard="refused", why="x")], noon)
    assert claim(database, noon) == {}
    assert sum(claim(database, noon + timedelta(minutes=2)).values()) == 1


@pytest.mark.usefixtures("waiting")
def test_what_waits_is_told(database: Database, noon: datetime) -> None:
    claim(database, noon)
    with database.reading() as session:
        assert sending_ledger.waiting(session)["journey"] == {
            "waiting": 32,
            "sending": 10,
            "unknown": 0,
            "parked": 0,
        }
