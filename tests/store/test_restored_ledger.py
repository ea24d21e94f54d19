"""A restored copy sends nothing that may have gone between the backup and the restore, until evidence lets it go."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from services.messages.sending import claiming, sending_ledger
from services.messages.sending.claiming import OutgoingChannel
from services.messages.waiting import restored_ledger
from store.queries.mails import messages
from store.session import Database
from store.statuses import MessageStatus
from store.tables.enrollments import Enrollment
from store.tables.messages import Message
from tests.shells import Shell
from tests.store.broadcast_desk import Desk

Ingest = Callable[..., Any]


def restore(database: Database, taken: datetime, now: datetime) -> int:
    """A copy of `taken` is put in place now; return how many of its mails are in doubt."""
    database.write(lambda session: restored_ledger.begin(session, taken, now))
    return database.write(lambda session: restored_ledger.doubt_page(session, now))


def claimed(database: Database, now: datetime, lane: str = "journey") -> list[str]:
    def claim(session: Session) -> list[str]:
        sending_ledger.take_over(session, lane, "f", now)
        return [one.template for one in claiming.claim(session, lane, "f", 10, now, OutgoingChannel(channel="p"))]

    return database.write(claim)


def ledger(database: Database) -> dict[str, tuple[str, str | None]]:
    with database.reading() as session:
        return {one.template: (one.status, one.reason) for one in session.exec(select(Message))}


def id_of(database: Database) -> str:
    with database.reading() as session:
        return session.exec(select(Message.id)).one()


@pytest.mark.usefixtures("welcome")
@pytest.mark.parametrize("held", [False, True], ids=["planned", "claimed"])
def test_what_was_due_when_the_copy_was_taken_is_in_doubt(
    database: Database, shell: Shell, noon: datetime, held: bool
) -> None:
    shell.wake(noon)
    if held:
        assert claimed(database, noon) == ["mail_a"]
    now = noon + timedelta(hours=7)
    assert restore(database, noon, now) == 1
    assert claimed(database, now) == []
    assert ledger(database) == {"mail_a": ("unknown", "restored")}


@pytest.mark.parametrize(("hours", "becomes"), [(6, ("unknown", "restored")), (8, ("deferred", "quiet_hours"))])
def test_what_was_deferred_until_before_the_restore_would_have_gone_by_then(
    database: Database, noon: datetime, hours: int, becomes: tuple[str, str]
) -> None:
    with database.writing() as session:
        row = messages.row(
            "m", "cus_1", template="mail_a", topic="news", lane="journey", due=noon, now=noon,
            not_before=noon + timedelta(hours=hours), status=MessageStatus.DEFERRED, reason="quiet_hours",
        )  # fmt: skip
        messages.add(session, [row])
    restore(database, noon, noon + timedelta(hours=7))
    assert ledger(database) == {"mail_a": becomes}


@pytest.mark.usefixtures("welcome")
@pytest.mark.parametrize(
    ("evidence", "becomes"),
    [("absent", ("claimed", None)), ("accepted", ("accepted", None)), ("unknowable", ("parked", "parked"))],
)
def test_the_provider_is_asked_and_where_nobody_can_tell_a_person_decides(
    database: Database, shell: Shell, noon: datetime, evidence: str, becomes: tuple[str, str | None]
) -> None:
    shell.wake(noon)
    restore(database, noon, noon + timedelta(hours=7))
    later = noon + timedelta(hours=32)
    database.write(lambda session: sending_ledger.decide_unknown(session, id_of(database), evidence, later))
    claimed(database, later)
    assert ledger(database) == {"mail_a": becomes}


@pytest.mark.usefixtures("welcome")
def test_what_a_journey_makes_again_is_in_doubt_and_what_it_makes_anew_goes(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    """The copy was taken while ann waited for two days; five days later it is restored."""
    shell.wake(noon)
    claimed(database, noon)
    database.write(lambda session: sending_ledger.decide_unknown(session, id_of(database), "accepted", noon))
    taken, now = noon + timedelta(days=1), noon + timedelta(days=5)
    restore(database, taken, now)
    then = now + timedelta(minutes=1)
    shell.wake(then)
    assert claimed(database, then) == []
    assert ledger(database)["mail_b"] == ("unknown", "restored")
    take({"type": "track", "userId": "ann", "event": "Bought"}, at=then)
    shell.wake(then)
    assert claimed(database, then) == ["mail_c"]


@pytest.mark.usefixtures("welcome")
def test_whoever_comes_after_the_restore_is_mailed_at_once(database: Database, take: Ingest, noon: datetime) -> None:
    restore(database, noon - timedelta(days=1), noon - timedelta(minutes=1))
    take({"type": "identify", "userId": "bob", "traits": {"email": "bob@example.com"}})
    take({"type": "track", "userId": "bob", "event": "Signed Up"})
    with database.reading() as session:
        run = Shell(database, session.exec(select(Enrollment)).one())
    run.wake(noon)
    assert claimed(database, noon) == ["mail_a"]


def test_a_broadcast_that_began_before_the_restore_goes_to_nobody_unseen(
    database: Database, desk: Desk, noon: datetime
) -> None:
    """In the copy it is scheduled; it went out in the hours that the copy does not know."""
    desk.people("ann", "bob")
    desk.put(at=(noon + timedelta(hours=1)).isoformat())
    desk.send()
    now = noon + timedelta(hours=7)
    restore(database, noon, now)
    desk.ticks(hours=8)
    assert desk.deliver() == []
    with database.reading() as session:
        found = [(one.status, one.reason) for one in session.exec(select(Message))]
    assert found == [("unknown", "restored")] * 2


@pytest.mark.usefixtures("welcome")
def test_what_comes_of_an_event_of_the_lost_time_that_is_said_again_is_in_doubt(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    """The client says again what it had said between the backup and the restore: its mail may have gone then."""
    shell.wake(noon)
    claimed(database, noon)
    database.write(lambda session: sending_ledger.decide_unknown(session, id_of(database), "accepted", noon))
    taken, now = noon + timedelta(hours=1), noon + timedelta(hours=5)
    restore(database, taken, now)
    then, said = now + timedelta(minutes=1), (taken + timedelta(hours=1)).isoformat()
    take({"type": "track", "userId": "ann", "event": "Bought", "timestamp": said}, at=then)
    shell.wake(then)
    assert claimed(database, then) == []
    assert ledger(database)["mail_c"] == ("unknown", "restored")


@pytest.mark.usefixtures("welcome")
def test_whoever_came_in_the_lost_time_and_is_said_again_is_in_doubt(
    database: Database, take: Ingest, noon: datetime
) -> None:
    now = noon - timedelta(minutes=1)
    restore(database, noon - timedelta(days=1), now)
    said = (noon - timedelta(hours=3)).isoformat()
    take({"type": "identify", "userId": "bob", "traits": {"email": "bob@example.com"}, "timestamp": said})
    take({"type": "track", "userId": "bob", "event": "Signed Up", "timestamp": said})
    with database.reading() as session:
        run = Shell(database, session.exec(select(Enrollment)).one())
    run.wake(noon)
    assert claimed(database, noon) == []
    assert ledger(database) == {"mail_a": ("unknown", "restored")}
