"""While all lanes are held nothing is claimed, whatever is due; once they are let go, everything is."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session, select

from services.access import audit_log
from services.enrollments import hooks
from services.messages.sending import claiming, held_lanes, sending_ledger
from services.messages.sending.claiming import OutgoingChannel
from store.queries.sending import hooks as hook_rows
from store.queries.sending import lanes
from store.session import Database
from store.tables.access import Audit
from store.tables.enrollments import Enrollment
from store.tables.messages import Message
from tests.shells import Shell
from tests.store.broadcast_desk import Desk

BY, WHY = audit_log.COMMAND_LINE, "a backup was restored"


def held(database: Database, now: datetime) -> None:
    database.write(lambda session: held_lanes.hold(session, BY, WHY, now))


def let_go(database: Database, now: datetime) -> None:
    database.write(lambda session: held_lanes.release(session, BY, now))


def claimed(database: Database, now: datetime) -> list[str]:
    """What the journey lane claims."""

    def claim(session: Session) -> list[str]:
        sending_ledger.take_over(session, "journey", "f", now)
        found = claiming.claim(session, "journey", "f", 10, now, OutgoingChannel(channel="p"))
        return [one.template for one in found]

    return database.write(claim)


@pytest.mark.usefixtures("welcome")
def test_a_due_mail_is_claimed_only_once_the_lanes_are_let_go(database: Database, shell: Shell, noon: datetime) -> None:
    shell.wake(noon)
    held(database, noon)
    with database.reading() as session:
        assert lanes.next_due(session, "journey") is None, "an owner has nothing to look for"
    assert claimed(database, noon) == []
    let_go(database, noon)
    with database.reading() as session:
        assert lanes.next_due(session, "journey") == noon
    assert claimed(database, noon) == ["mail_a"]


@pytest.mark.usefixtures("welcome")
def test_a_mail_that_nobody_planned_before_is_held_too(database: Database, shell: Shell, noon: datetime) -> None:
    held(database, noon)
    shell.wake(noon)
    assert claimed(database, noon) == []
    with database.reading() as session:
        assert [one.status for one in session.exec(select(Message))] == ["planned"]


def test_a_broadcast_waits_as_well(database: Database, desk: Desk, noon: datetime) -> None:
    desk.people("ann", "bob")
    desk.put()
    desk.send()
    held(database, noon)
    assert desk.deliver() == []
    let_go(database, noon)
    assert len(desk.deliver()) == 2


def test_no_webhook_is_called_either(
    database: Database, publish: Callable[[str, str], None], take: Callable[..., Any], noon: datetime
) -> None:
    publish(
        "calls", "journey: calls\nenter: [{on: Go}]\nstart: a\nstages: {a: {steps: [{webhook: https://x.example}]}}"
    )
    take({"type": "track", "userId": "ann", "event": "Go"})
    with database.reading() as session:
        run = Shell(database, session.exec(select(Enrollment)).one())
    run.wake(noon)
    database.write(lambda session: hooks.take_over(session, "f", noon))
    held(database, noon)
    with database.reading() as session:
        assert hook_rows.next_due(session) is None
    assert database.write(lambda session: hooks.claim(session, "f", 10, noon)) == []
    let_go(database, noon)
    assert len(database.write(lambda session: hooks.claim(session, "f", 10, noon))) == 1


def test_who_held_them_first_stays_on_record_and_who_let_them_go(database: Database, noon: datetime) -> None:
    held(database, noon)
    database.write(lambda session: held_lanes.hold(session, "key_2", "another reason", noon))
    let_go(database, noon)
    let_go(database, noon)
    with database.reading() as session:
        told = [
            (one.actor, one.action, one.kind, one.target, one.before, one.after) for one in session.exec(select(Audit))
        ]
    since = {"since": noon.isoformat()}
    assert told == [
        (BY, "held", "lanes", "all", None, {**since, "said": WHY}),
        (BY, "released", "lanes", "all", since, None),
    ]
