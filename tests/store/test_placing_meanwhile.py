"""Known customers are placed behind all events of a file: what comes in between, and what a crash leaves to do."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from services.imports.histories.names_in_files import NamedOnce
from services.imports.placing import placing_known
from services.operations import operations
from services.operations.operations import PageOfWork
from store.queries.definitions.journeys import LiveJourney
from store.session import Database
from store.statuses import EnrollmentStatus
from store.tables.access import Operation
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment
from store.tables.messages import Message
from tests.conftest import HandClock, Statements
from tests.shells import Shell
from tests.store.bulk_shop import rows
from tests.store.known_buyers import (
    BUYERS,
    asked_for_orders,
    import_orders,
    known,
    left_behind,
    order,
    orders,
    pages_of,
    standing,
)

NUMBERED = BUYERS.replace("start: first", "key: event.number\nreentry: {rule}\nstart: first")


@pytest.fixture
def buyers(publish: Any) -> None:
    publish("buyers", BUYERS)


def numbered(noon: datetime, name: str, *runs: tuple[str, float]) -> list[dict[str, Any]]:
    """Orders, each of a run of its own by its number."""
    return [{**order(noon, name, ago), "properties": {"number": number}} for number, ago in runs]


def go_on(database: Database, operation_id: str, clock: Any, most: int | None = None) -> Operation:
    """Work on an import, so many pages at most, as a worker does that has just come to it."""
    (operation,) = rows(database, Operation, Operation.id == operation_id)
    for page in islice(pages_of(database, operation, clock), most):
        database.write(lambda session, page=page: operations.advance(session, operation_id, page))
    (done,) = rows(database, Operation, Operation.id == operation_id)
    return done


def behind_its_events(database: Database, operation: Operation, clock: Any) -> Iterator[PageOfWork]:
    """The pages of an import that are left once all of its events are there."""
    work = pages_of(database, operation, clock)
    total = None
    for page in work:
        done = database.write(lambda session, page=page: operations.advance(session, operation.id, page))
        total = done.total if done is not None and done.total is not None else total
        (now,) = rows(database, Operation, Operation.id == operation.id)
        if now.done == total:
            return work
    raise AssertionError("an import has as many events as it says")


def work_off(database: Database, operation: Operation, left: Iterator[PageOfWork]) -> dict[str, Any]:
    for page in left:
        database.write(lambda session, page=page: operations.advance(session, operation.id, page))
    (done,) = rows(database, Operation, Operation.id == operation.id)
    assert done.error_count == 0
    return done.result or {}


@pytest.mark.usefixtures("buyers")
def test_an_import_that_is_cut_off_at_any_page_goes_on_and_comes_to_the_same(
    database: Database, take: Any, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.imports.placing.placement.CHUNK", 2)
    monkeypatch.setattr("services.imports.placing.placing_known.LOOKED_UP", 3)
    told = set[tuple[str, ...]]()
    for number, most in enumerate(range(1, 20)):
        those = [f"known-{number}-{one}" for one in range(5)]
        take(*known(*those))
        lines = orders(noon, *those, *(f"new-{number}-{one}" for one in range(3)))
        wrong = {**order(noon, f"new-{number}-9", 3), "event": ""}
        operation = asked_for_orders(database, noon, [*lines, wrong], "buyers")
        first = go_on(database, operation.id, lambda: noon, most)
        told.add(tuple((first.cursor or "").split(" ")[:1]))
        done = go_on(database, operation.id, lambda: noon)
        assert (done.error_count, (done.result or {})["enrolled"], (done.result or {})["customers"]) == (1, 8, 8), most
        assert {one for one in standing(database) if f"-{number}-" in one} == {one["userId"] for one in lines}
    assert ("known",) in told, "one of them was cut off while those who were known were placed"
    assert set(standing(database).values()) == {("repeat", "live")}


@pytest.mark.usefixtures("buyers")
def test_what_a_customer_does_meanwhile_is_of_the_past_that_places_them_and_is_not_heard_again(
    database: Database, publish: Any, take: Any, noon: datetime
) -> None:
    publish("buyers", BUYERS.replace("start: first", "exit: [{on: Left}]\nstart: first"))
    take(*known("ann", "bob"))
    operation = asked_for_orders(database, noon, orders(noon, "ann", "bob", days=(10,)), "buyers")
    clock = HandClock(noon)
    left = behind_its_events(database, operation, clock)
    clock.forward(minutes=30)
    take({"type": "track", "userId": "ann", "event": "Left"}, at=clock())
    clock.forward(minutes=30)
    assert work_off(database, operation, left)["enrolled"] == 2
    assert standing(database) == {"ann": ("first", "ended"), "bob": ("first", "live")}
    (bob,) = rows(database, Enrollment, Enrollment.status == EnrollmentStatus.LIVE)
    take({"type": "track", "userId": "bob", "event": "Order"}, at=clock())
    Shell(database, bob).wake(clock())
    assert standing(database)["bob"] == ("repeat", "live"), "what comes behind it is heard"


@pytest.mark.usefixtures("buyers")
def test_who_enters_meanwhile_by_a_live_event_has_that_run_alone(database: Database, take: Any, noon: datetime) -> None:
    take(*known("ann", "bob"))
    operation = asked_for_orders(database, noon, orders(noon, "ann", "bob"), "buyers")
    clock = HandClock(noon)
    left = behind_its_events(database, operation, clock)
    take({"type": "track", "userId": "ann", "event": "Order"}, at=clock.forward(minutes=30))
    work_off(database, operation, left)
    assert standing(database) == {"ann": ("first", "live"), "bob": ("repeat", "live")}


@pytest.mark.parametrize(("rule", "runs"), [("never", 1), ("after_exit", 2)])
def test_who_is_under_way_when_the_import_begins_and_leaves_before_its_end_is_placed_by_the_rule(
    database: Database, publish: Any, take: Any, noon: datetime, rule: str, runs: int
) -> None:
    publish("buyers", BUYERS.replace("start: first", f"reentry: {rule}\nexit: [{{on: Left}}]\nstart: first"))
    take(*known("ann"), {"type": "track", "userId": "ann", "event": "Order"}, at=noon - timedelta(days=40))
    (run,) = rows(database, Enrollment)
    operation = asked_for_orders(database, noon, orders(noon, "ann"), "buyers")
    left = behind_its_events(database, operation, lambda: noon)
    with database.writing() as session:
        ended = session.get_one(Enrollment, run.id)
        ended.status, ended.reason, ended.ended_at = EnrollmentStatus.ENDED, "exited", noon - timedelta(days=30)
    work_off(database, operation, left)
    found = sorted((one.run, one.entered_at, one.status) for one in rows(database, Enrollment))
    later = (2, noon - timedelta(days=20), "live")
    assert found[1:] == [later][: runs - 1], "the order behind the end, and none before it"


def looked_up(database: Database, journey: LiveJourney, *names: str) -> list[placing_known.ToPlace]:
    with database.reading() as session:
        named = [NamedOnce(number, name, number) for number, name in enumerate(names, start=1)]
        return placing_known.looked_up(session, journey, named)


@pytest.mark.usefixtures("buyers")
def test_who_is_merged_between_the_look_and_the_lock_is_placed_as_whom_they_have_become(
    database: Database, take: Any, noon: datetime
) -> None:
    take(*known("old", "ann"))
    import_orders(database, noon, orders(noon, "old"), None)
    with database.reading() as session:
        journey = placing_known.journey_of(session, "buyers")
    those = looked_up(database, journey, "old")
    take({"type": "alias", "userId": "ann", "previousId": "old"})
    database.write(lambda session: placing_known.place(session, journey, those, lambda: noon))
    assert standing(database) == {"ann": ("repeat", "live")}


@pytest.mark.parametrize("rule", ["never", "after_exit", "always", "{after: 5 days}"])
def test_in_a_journey_with_a_key_each_key_has_its_run_and_an_import_again_adds_none(
    database: Database, publish: Any, take: Any, noon: datetime, rule: str
) -> None:
    publish("buyers", NUMBERED.replace("{rule}", rule))
    live = {"type": "track", "userId": "ann", "event": "Order", "properties": {"number": "1"}}
    take(*known("ann"), live, at=noon - timedelta(days=30))
    lines = numbered(noon, "ann", ("1", 300), ("2", 200), ("3", 10))
    first = import_orders(database, noon, lines, "buyers").result or {}
    runs = {(one.key, one.run, one.stage, one.status) for one in rows(database, Enrollment)}
    assert {one[:2] for one in runs} == {("1", 1), ("2", 1), ("3", 1)}
    assert (first["enrolled"], first["already_enrolled"], first["been_before"]) == (2, 0, 0), "a key keeps no other out"
    before = left_behind(database)
    again = import_orders(database, noon, lines, "buyers").result or {}
    assert (left_behind(database), again["enrolled"], again["repeated"]) == (before, 0, 3)


def test_mail_that_is_due_later_goes_to_a_known_customer_once_though_the_import_is_run_again(
    database: Database, publish: Any, take: Any, noon: datetime
) -> None:
    publish("buyers", NUMBERED.replace("{rule}", "always"))
    take(*known("ann"))
    for _ in range(2):
        import_orders(database, noon, numbered(noon, "ann", ("7", 10)), "buyers")
    (run,) = rows(database, Enrollment)
    Shell(database, run).wake(noon + timedelta(days=4))
    (own,) = rows(database, Customer)
    steps = [(one.step, one.status) for one in rows(database, Message, Message.customer_id == own.id)]
    assert sorted(steps) == [("first/send:mail_a", "skipped"), ("first/send:mail_b", "planned")]


@pytest.mark.usefixtures("buyers")
def test_counts_are_written_once_every_customer_is_locked(
    database: Database, take: Any, noon: datetime, statements: Statements
) -> None:
    take(*known("ann"))
    lines = orders(noon, "ann", "new")
    operation = asked_for_orders(database, noon, lines, "buyers")
    with statements(database, at_most=70) as asked:
        go_on(database, operation.id, lambda: noon, 2)
    customers = [number for number, text in enumerate(asked) if "FROM customer" in text]
    counted = [number for number, text in enumerate(asked) if 'INTO "stage_count"' in text]
    assert customers
    assert counted
    assert max(customers) < min(counted), "who holds a count that everybody shares waits for nobody"


def test_a_further_key_of_whoever_is_under_way_is_placed_by_its_past_however_late_that_is(
    database: Database, publish: Any, take: Any, noon: datetime
) -> None:
    publish("buyers", NUMBERED.replace("{rule}", "never"))
    live = {"type": "track", "userId": "ann", "event": "Order", "properties": {"number": "1"}}
    take(*known("ann"), live, at=noon - timedelta(days=1))
    import_orders(database, noon, numbered(noon, "ann", ("2", 2)), "buyers")
    (run,) = rows(database, Enrollment, Enrollment.key == "2")
    mails = rows(database, Message, Message.enrollment_id == run.id)
    assert {(one.status, one.reason) for one in mails} == {("skipped", "imported")}
    assert (run.source, run.entered_at) == ("import, event Order", noon - timedelta(days=2))
