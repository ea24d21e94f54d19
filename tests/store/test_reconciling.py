"""What is kept in several places says the same: each difference is caused, found by its name, and repaired once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from services.messages.deciding import withdrawing
from services.messages.sending import sending_ledger
from services.messages.sending.claiming import OutgoingChannel, claim
from services.operations import operations
from services.reconciliation import reconciling, with_temporal
from services.reconciliation.differences import MEANINGS, DifferenceKind
from services.reports.health import backlog
from services.reports.health.reconciliation import reconcile
from store.session import Database
from store.tables.access import Operation
from store.tables.enrollments import Dispatch, Enrollment
from store.tables.messages import Message, OutboxMail
from tests import kept_counts
from tests.shells import Shell
from tests.store.reconciled import SaidDirectory, differences, reconciled

Ingest = Callable[..., Any]
HOUR = timedelta(hours=1)


@pytest.fixture
def lived(database: Database, welcome: None, shell: Shell, take: Ingest, noon: datetime) -> datetime:
    """Ann has come, bought and left; Bob waits for his second mail. Returns the instant at which they stand there."""
    shell.wake(noon)
    for number, event in enumerate(("Bought", "Account Closed"), start=1):
        take({"type": "track", "userId": "ann", "event": event}, at=noon + number * HOUR)
        shell.wake(noon + number * HOUR)
    take({"type": "identify", "userId": "bob", "traits": {"email": "bob@example.com"}})
    take({"type": "track", "userId": "bob", "event": "Signed Up"}, at=noon + 2 * HOUR)
    Shell(database, _of(database, "live")).wake(noon + 2 * HOUR)
    _do(database, "DELETE FROM dispatch")  # Temporal has them
    return noon + 3 * HOUR


def _do(database: Database, statement: str, **values: Any) -> None:
    with database.engine.begin() as connection:
        connection.execute(text(statement), values)


def _of(database: Database, status: str) -> Enrollment:
    with database.reading() as session:
        return session.exec(select(Enrollment).where(Enrollment.status == status)).one()


def _all(database: Database, table: Any) -> list[Any]:
    with database.reading() as session:
        return list(session.exec(select(table)).all())


def test_where_nothing_differs_nothing_is_found(database: Database, lived: datetime) -> None:
    assert reconciled(database, lived, repair=True) == {}


CAUSES = {
    "live_count": "UPDATE stage_count SET count = count + 1 WHERE stage = 'new'",
    "ended_count": "DELETE FROM run_count WHERE name = 'ended'",
    "movement_count": "UPDATE movement SET count = count - 1 WHERE source = 'new'",
    "day_count": "DELETE FROM day_count WHERE name = 'moved'",
    "message_count": "UPDATE message_count SET count = count + 3 WHERE status = 'planned'",
    "message_day_count": "DELETE FROM message_day_count WHERE status = 'planned'",
}


@pytest.mark.parametrize("kind", CAUSES)
def test_a_count_that_is_not_what_the_rows_say_is_found_and_set_right(
    database: Database, lived: datetime, kind: str
) -> None:
    before = _counts(database)
    _do(database, CAUSES[kind])
    found = reconciled(database, lived)
    assert set(found) == {kind}
    assert _counts(database) != before, "a check changes nothing"
    assert found[kind][1] == 0
    assert reconciled(database, lived, repair=True) == {kind: (found[kind][0],) * 2}
    assert _counts(database) == before
    assert reconciled(database, lived, repair=True) == {}


def _counts(database: Database) -> dict[str, list[Any]]:
    """Every kept count, over its shards."""
    by = {
        "stage_count": "journey, stage, step",
        "run_count": "journey, name, label",
        "movement": "journey, source, target",
        "day_count": "journey, name, day, label",
        "message_count": "journey, template, status, reason",
        "message_day_count": "day, journey, template, status, reason",
    }
    with database.engine.connect() as connection:
        return {
            table: sorted(
                tuple(row)
                for row in connection.execute(text(f"SELECT {names}, sum(count) FROM {table} GROUP BY {names}"))
                if row[-1]
            )
            for table, names in by.items()
        }


def test_a_live_enrollment_without_its_workflow_begins_where_it_stands(database: Database, lived: datetime) -> None:
    run = _of(database, "live")
    directory = SaidDirectory(database, lost={run.workflow_id})
    assert reconciled(database, lived, directory) == {"enrollment_without_workflow": (1, 0)}
    assert _all(database, Dispatch) == []
    assert reconciled(database, lived, directory, repair=True) == {"enrollment_without_workflow": (1, 1)}
    (row,) = _all(database, Dispatch)
    assert (row.kind, row.enrollment_id, row.workflow_id) == ("restart", run.id, run.workflow_id)
    assert reconciled(database, lived, directory, repair=True) == {}, "it is on its way"


def test_a_workflow_without_a_live_enrollment_is_ended_once(database: Database, lived: datetime) -> None:
    ended, nobodys = _of(database, "ended").workflow_id, "enrollment/welcome/cus_nobody/1"
    directory = SaidDirectory(database, more=[ended, nobodys])
    both = {"workflow_of_ended_enrollment": (1, 1), "workflow_without_enrollment": (1, 1)}
    assert reconciled(database, lived, directory, repair=True) == both
    rows = [(one.kind, one.workflow_id) for one in _all(database, Dispatch)]
    assert sorted(rows) == [("end", ended), ("end", nobodys)]
    assert reconciled(database, lived, directory) == {}, "they are on their way to their end"


def test_a_workflow_whose_enrollment_has_just_ended_is_left_to_hear_of_it(
    database: Database, lived: datetime, noon: datetime
) -> None:
    directory = SaidDirectory(database, more=[_of(database, "ended").workflow_id])
    assert reconciled(database, noon + 2 * HOUR + with_temporal.GRACE / 2, directory) == {}


def test_a_workflow_whose_enrollment_ended_ahead_of_it_is_left_to_follow(database: Database, lived: datetime) -> None:
    _do(database, "UPDATE enrollment SET follow_at = ended_at WHERE status = 'ended'")
    directory = SaidDirectory(database, more=[_of(database, "ended").workflow_id])
    assert reconciled(database, lived, directory) == {}


def test_a_merged_run_keeps_its_workflow_and_is_no_stranger(database: Database, lived: datetime) -> None:
    ended = _of(database, "ended").customer_id
    _do(database, "UPDATE enrollment SET customer_id = :ended, run = 2 WHERE status = 'live'", ended=ended)
    assert reconciled(database, lived) == {}


def test_an_operation_that_nobody_works_on_is_begun_again(database: Database, lived: datetime) -> None:
    asked = database.write(lambda session: operations.start(session, "simulate", {}, lived))
    _do(database, "DELETE FROM dispatch")
    found = reconciled(database, lived, repair=True)
    rows = [(one.enrollment_id, one.payload) for one in _all(database, Dispatch)]
    assert (found["operation_without_workflow"], rows) == ((1, 1), [(asked.id, {"again": True})])


def test_a_row_on_its_way_for_nobody_is_taken_away(database: Database, lived: datetime) -> None:
    _do(
        database,
        "INSERT INTO dispatch (enrollment_id, workflow_id, kind, payload, status, priority, attempts, created_at) "
        "VALUES ('enr_nobody', 'w', 'poke', '{}', 'ready', 1, 0, '2026-03-02 12:00:00+00:00')",
    )
    assert reconciled(database, lived, repair=True) == {"dispatch_of_nobody": (1, 1)}
    assert _all(database, Dispatch) == []


def test_a_mail_whose_enrollment_is_not_there_is_skipped(database: Database, lived: datetime) -> None:
    mail = next(one for one in _all(database, Message) if one.enrollment_id == _of(database, "live").id)
    _do(database, "UPDATE message SET enrollment_id = 'enr_gone' WHERE id = :id", id=mail.id)
    assert reconciled(database, lived, repair=True) == {"mail_of_nobody": (1, 1)}
    (after,) = [one for one in _all(database, Message) if one.id == mail.id]
    assert (after.status, after.reason) == ("skipped", "exited")
    assert reconciled(database, lived, repair=True) == {}


def test_a_mail_that_went_and_is_planned_still_is_accepted_and_never_sent_again(
    database: Database, lived: datetime
) -> None:
    mail = next(one for one in _all(database, Message) if one.enrollment_id == _of(database, "live").id)
    _caught(database, mail.id, lived)
    assert reconciled(database, lived) == {"mail_went_unrecorded": (1, 0)}
    assert reconciled(database, lived, repair=True) == {"mail_went_unrecorded": (1, 1)}
    (after,) = [one for one in _all(database, Message) if one.id == mail.id]
    assert (after.status, after.accepted_at) == ("accepted", lived)
    with database.writing() as session:
        sending_ledger.take_over(session, "journey", "f", lived)
        assert claim(session, "journey", "f", 10, lived, OutgoingChannel(channel="p")) == []


def _caught(database: Database, send_id: str, now: datetime) -> None:
    """The outbox has it."""
    texts = dict.fromkeys(("to_address", "from_address", "subject", "html", "text"), "")
    with database.writing() as session:
        session.add(OutboxMail(id="box_1", send_id=send_id, received_at=now, **texts))


def test_a_mail_that_the_outbox_should_have_is_for_a_person(database: Database, lived: datetime) -> None:
    mail = next(one for one in _all(database, Message) if one.enrollment_id == _of(database, "live").id)
    with database.writing() as session:
        (message,) = session.exec(select(Message).where(Message.id == mail.id)).all()
        kept_counts.put(session, message, "accepted", provider="outbox", accepted_at=lived)
    assert reconciled(database, lived, repair=True) == {"mail_not_caught": (1, 0)}
    with database.reading() as session:
        assert reconcile(session)["balanced"] is False


def test_what_fails_of_a_repair_fails_alone(
    database: Database, lived: datetime, take: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    take({"type": "track", "userId": "cora", "event": "Signed Up"}, at=lived)
    take({"type": "identify", "userId": "cora", "traits": {"email": "cora@example.com"}}, at=lived)
    with database.reading() as session:
        cora = session.exec(select(Enrollment).where(Enrollment.status == "live", Enrollment.wakes == 0)).one()
    Shell(database, cora).wake(lived)
    ids = sorted(one.id for one in _all(database, Message) if one.status == "planned")
    _do(database, "UPDATE message SET enrollment_id = 'enr_gone' WHERE status = 'planned'")
    _do(database, "DELETE FROM dispatch")
    withdraw = withdrawing.withdraw

    def refuses(session: Any, message_id: str, *more: Any) -> bool:
        if message_id == ids[0]:
            raise ZeroDivisionError("for this one alone")
        return withdraw(session, message_id, *more)

    monkeypatch.setattr(withdrawing, "withdraw", refuses)
    assert reconciled(database, lived, repair=True) == {"mail_of_nobody": (2, 1)}
    (operation,) = [one for one in _all(database, Operation) if one.error_count]
    assert operation.error_count == 1


def test_a_check_tells_how_much_of_what_is_where_with_examples_and_the_repair(
    database: Database, lived: datetime
) -> None:
    run = _of(database, "live")
    (found,) = differences(database, lived, SaidDirectory(database, lost={run.workflow_id}))
    meaning = MEANINGS[DifferenceKind.ENROLLMENT_WITHOUT_WORKFLOW]
    assert found == {
        "kind": "enrollment_without_workflow",
        "place": "welcome",
        "count": 1,
        "repaired": 0,
        "examples": [run.id],
        "told": meaning.told,
        "repair": meaning.repair,
    }
    with database.reading() as session:
        assert reconcile(session)["balanced"] is False
        assert backlog.measure(session, lived).differences["enrollment_without_workflow"] == 1


def test_a_check_is_asked_for_once_a_night_and_repairs_nothing(
    database: Database, lived: datetime, noon: datetime
) -> None:
    def asked(at: datetime) -> int:
        return database.write(lambda session: reconciling.ask_for_tonight(session, at))

    night = noon.replace(hour=2) + timedelta(days=1)
    assert [asked(noon), asked(night), asked(night + HOUR)] == [0, 1, 0]
    (operation,) = _all(database, Operation)
    assert (operation.kind, operation.request, operation.asked_by) == ("reconcile", {"repair": False}, "the clock")
    database.write(lambda session: operations.begin(session, operation.id, night))
    database.write(lambda session: operations.close(session, operation.id, night))
    assert [asked(night + HOUR), asked(night + timedelta(days=1))] == [0, 1]


def test_every_kind_of_difference_says_what_it_is_and_what_is_done_about_it() -> None:
    assert set(MEANINGS) == set(DifferenceKind)
    assert [kind for kind, meaning in MEANINGS.items() if meaning.repair is None] == [DifferenceKind.MAIL_NOT_CAUGHT]
