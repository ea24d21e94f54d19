"""What comes by the clock: an item that raises what nobody foresaw is passed over on record, and holds up no other."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from activities import upkeep as upkeep_lane
from activities.upkeep import UpkeepLane
from services.customers.audiences import segments
from services.customers.history.event_log import NewEvent
from services.enrollments.entering import customer_events
from services.errors import Refused
from services.upkeep import upkeep
from services.upkeep.clocks import broadcast_clock
from services.upkeep.upkeep import Duty
from store.queries.upkeep import backfills
from store.session import Database
from store.statuses import BroadcastStatus
from store.tables.broadcasts import Broadcast
from store.tables.customers import Customer, DateDue, Segment, SegmentMember
from store.tables.enrollments import Decision
from tests.refused import CANCELLED, REFUSED


@pytest.fixture
def lane(database: Database, clock: Any) -> UpkeepLane:
    made = UpkeepLane(database, clock)
    made.take()
    return made


@pytest.fixture
def people(database: Database, take: Callable[..., Any]) -> list[str]:
    """Five customers, in the order of their ids."""
    for number in range(5):
        take({"type": "identify", "userId": f"u{number}", "traits": {"plan": "pro"}})
    with database.reading() as session:
        return sorted(session.exec(select(Customer.id)).all())


async def work_off(lane: UpkeepLane) -> None:
    while await lane.pump():
        pass


def told(database: Database) -> list[tuple[str, str, dict[str, Any]]]:
    with database.reading() as session:
        return [(one.customer_id, one.what, one.detail) for one in session.exec(select(Decision)).all()]


@pytest.mark.parametrize("error", [KeyError("nobody expects this"), REFUSED], ids=["of ours", "of the database's"])
async def test_a_date_that_raises_lets_nobody_in_and_the_others_have_their_turn(
    database: Database, lane: UpkeepLane, people: list[str], noon: datetime, monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:  # fmt: skip
    with database.writing() as session:
        session.add_all(DateDue(journey="j", trigger="enter[0]", customer_id=one, at=noon) for one in people)
    record, reached = customer_events.record_all, list[str]()

    def failing(session: Session, happened: Sequence[tuple[Customer, NewEvent]], *rest: Any, **more: Any) -> Any:
        names = [customer.id for customer, _ in happened]
        if people[2] in names:
            raise error
        reached.extend(names)
        return record(session, happened, *rest, **more)

    monkeypatch.setattr(customer_events, "record_all", failing)
    await work_off(lane)
    assert {*reached} == {*people} - {people[2]}
    with database.reading() as session:
        assert session.exec(select(DateDue)).all() == []
    assert told(database) == [
        (people[2], "not_entered",
         {"reason": "unexpected_error", "because": f"enter[0]: {type(error).__name__}", "at": noon.isoformat()}),
    ]  # fmt: skip


async def test_a_customer_who_raises_keeps_their_segments_and_the_others_are_looked_at(
    database: Database, lane: UpkeepLane, people: list[str], noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.writing() as session:
        session.add(Segment(key="pros", name="Pros", guard="customer.plan == 'pro'", created_at=noon, updated_at=noon))
        backfills.start(session, segments.KIND, "pros", noon)
    recount = segments.recount

    def failing(session: Session, segment: Segment, page: Sequence[Customer], now: datetime) -> Any:
        if people[0] in [customer.id for customer in page]:
            raise KeyError("nobody expects this")
        return recount(session, segment, page, now)

    monkeypatch.setattr(segments, "recount", failing)
    await work_off(lane)
    with database.reading() as session:
        members = session.exec(select(SegmentMember.customer_id)).all()
        assert backfills.next_one(session) is None
    assert sorted(members) == people[1:]
    assert told(database) == [
        (people[0], "not_looked_at", {"reason": "unexpected_error", "because": "segment pros: KeyError"})
    ]


async def test_a_broadcast_that_raises_pauses_with_an_alarm(
    database: Database, lane: UpkeepLane, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.writing() as session:
        session.add(
            Broadcast(key="spring", status=BroadcastStatus.SCHEDULED, wake_at=noon, created_at=noon, updated_at=noon)
        )

    def fails(*_: Any) -> None:
        raise KeyError("nobody expects this")

    monkeypatch.setattr(broadcast_clock, "_wake", fails)
    await work_off(lane)
    with database.reading() as session:
        found = session.exec(select(Broadcast)).one()
    assert found.paused_at == noon
    assert found.alarm == "it failed unexpectedly (KeyError; the worker's log tells more); resume tries it again"


async def test_the_members_of_a_removed_segment_are_let_go_page_by_page(
    database: Database, lane: UpkeepLane, people: list[str], noon: datetime, statements: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(segments, "MEMBERS", 2)
    with database.writing() as session:
        for key in ("pros", "vips"):
            segments.put(session, key, "customer.plan == 'pro'", None, noon)
    await work_off(lane)

    def removed() -> None:
        with database.writing() as session:
            segments.delete(session, "pros", [], noon)

    with statements(database, at_most=12):
        removed()
    with database.writing() as session, pytest.raises(Refused, match="let go"):
        segments.put(session, "pros", "customer.plan == 'pro'", None, noon)
    seen = list[tuple[int, int]]()
    while await lane.pump():
        with database.reading() as session:
            left = session.exec(select(SegmentMember).where(SegmentMember.segment == "pros")).all()
            named = [one.id for one in session.exec(select(Customer)).all() if "pros" in one.segments]
        seen.append((len(left), len(named)))
    assert seen == [(3, 3), (1, 1), (0, 0), (0, 0)], "each page lets go of both, in a transaction of its own"
    with database.reading() as session:
        assert {tuple(one.segments) for one in session.exec(select(Customer)).all()} == {("vips",)}
        assert len(session.exec(select(SegmentMember)).all()) == len(people)
        assert backfills.next_one(session) is None
    with database.writing() as session:
        segments.put(session, "pros", "customer.plan == 'pro'", None, noon)


async def test_removing_a_segment_costs_the_same_few_statements_however_many_its_members(
    database: Database, lane: UpkeepLane, people: list[str], noon: datetime, statements: Any
) -> None:
    with database.writing() as session:
        segments.put(session, "pros", "customer.plan == 'pro'", None, noon)
    await work_off(lane)
    with database.writing() as session:
        segments.delete(session, "pros", [], noon)
    with statements(database, at_most=20):
        assert await lane.pump() == len(people)


async def test_a_member_who_cannot_be_let_go_is_passed_over(
    database: Database, lane: UpkeepLane, people: list[str], noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.writing() as session:
        segments.put(session, "pros", "customer.plan == 'pro'", None, noon)
    await work_off(lane)
    with database.writing() as session:
        segments.delete(session, "pros", [], noon)

    def fails(*_: Any) -> None:
        raise KeyError("nobody expects this")

    monkeypatch.setattr(segments, "let_go", fails)
    await work_off(lane)
    with database.reading() as session:
        assert session.exec(select(SegmentMember)).all() == []
        assert backfills.next_one(session) is None
    assert told(database) == [
        (one, "not_looked_at", {"reason": "unexpected_error", "because": "segment removed pros: KeyError"})
        for one in people
    ]


# -- what is done while nothing is due ---------------------------------------------------------------------------------


async def test_a_chore_that_raises_is_tried_again_in_an_hour_and_holds_up_no_other(
    database: Database, lane: UpkeepLane, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, left = list[str](), [3]

    def fails(*_: Any) -> int:
        asked.append("fails")
        raise KeyError("nobody expects this")

    def works(*_: Any) -> int:
        asked.append("works")
        left[0] = max(0, left[0] - 1)
        return left[0]

    monkeypatch.setattr(upkeep_lane, "CHORES", {"first": fails, "second": works})
    assert [await lane.when_idle() for _ in range(4)] == [2, 1, 0, 0]
    assert sorted(asked) == ["fails", "works", "works", "works"], "an error is told once"
    clock.at += upkeep_lane.PRUNE_EVERY
    await lane.when_idle()
    assert sorted(asked) == ["fails", "fails", "works", "works", "works", "works"]


async def test_what_cannot_even_be_passed_over_holds_up_no_other(
    database: Database, lane: UpkeepLane, people: list[str], noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.writing() as session:
        session.add_all(DateDue(journey="j", trigger="enter[0]", customer_id=one, at=noon) for one in people)

    def fails(*_: Any) -> Any:
        raise KeyError("nobody expects this")

    broken = Duty(name="broken", run_due=fails, pass_over=fails)
    for module in (upkeep, upkeep_lane):
        monkeypatch.setattr(module, "DUTIES", (broken, *upkeep.DUTIES))
    await work_off(lane)
    with database.reading() as session:
        assert session.exec(select(DateDue)).all() == []


async def test_a_chore_that_the_database_cancels_each_time_holds_up_no_other(
    lane: UpkeepLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = list[str]()

    def cancelled(*_: Any) -> int:
        raise CANCELLED

    def quick(*_: Any) -> int:
        done.append("quick")
        return 0

    monkeypatch.setattr(upkeep_lane, "CHORES", {"slow": cancelled, "quick": quick})
    assert (await lane.when_idle(), done) == (0, ["quick"])


async def test_a_database_that_can_be_had_for_no_chore_ends_the_round(
    lane: UpkeepLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancelled(*_: Any) -> int:
        raise CANCELLED

    monkeypatch.setattr(upkeep_lane, "CHORES", {"one": cancelled, "other": cancelled})
    with pytest.raises(OperationalError):
        await lane.when_idle()
