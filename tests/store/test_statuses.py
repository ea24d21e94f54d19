"""What may follow what is a table; it is held where a status is written."""

from datetime import datetime
from enum import StrEnum

import pytest
from sqlmodel import Session, col, select, update

from services.reports.customer import why_mail
from store import statuses
from store.queries.mails import messages
from store.session import Database
from store.statuses import ImpossibleTransition, MessageStatus, checked_transition, predecessors
from store.tables.messages import Message


def add(session: Session, now: datetime) -> None:
    """A planned message."""
    messages.add(session, [messages.row("1", "c", template="t", topic="news", lane="journey", due=now, now=now)])


@pytest.mark.parametrize("kind", statuses.TABLES)
def test_every_status_has_a_place_in_its_table(kind: type[StrEnum]) -> None:
    assert set(statuses.TABLES[kind]) == set(kind)


@pytest.mark.parametrize("kind", statuses.TABLES)
def test_every_status_is_reached_from_the_first(kind: type[StrEnum]) -> None:
    table, reached = statuses.TABLES[kind], [next(iter(kind))]
    for status in reached:
        reached += [one for one in table[status] if one not in reached]
    assert set(reached) == set(kind)


def test_what_was_sent_is_never_planned_again() -> None:
    with pytest.raises(ImpossibleTransition, match="MessageStatus: planned may not follow accepted"):
        checked_transition(MessageStatus.ACCEPTED, MessageStatus.PLANNED)
    assert predecessors(MessageStatus.SENDING) == (MessageStatus.CLAIMED,)


def test_a_row_refuses_what_may_not_follow(database: Database, noon: datetime) -> None:
    with database.writing() as session:
        add(session, noon)
    with database.writing() as session:
        kept = messages.locked(session, "1")
        assert kept is not None
        assert kept.status is MessageStatus.PLANNED
        messages.change(session, kept, MessageStatus.CLAIMED, noon)
        messages.change(session, kept, MessageStatus.SENDING, noon)
        with pytest.raises(ImpossibleTransition):
            kept.status = MessageStatus.SKIPPED
        messages.change(session, kept, MessageStatus.ACCEPTED, noon)
    with database.reading() as session:
        assert session.exec(select(Message.status)).all() == [MessageStatus.ACCEPTED]


def test_a_statement_knows_only_statuses_that_there_are(database: Database, noon: datetime) -> None:
    with database.writing() as session:
        add(session, noon)
    with pytest.raises(Exception, match="is not a valid MessageStatus"), database.writing() as session:
        session.connection().execute(update(Message).where(col(Message.id) == "1").values(status="gone"))


def test_support_is_told_every_status_of_a_mail_in_words() -> None:
    assert set(why_mail.STATES) == set(MessageStatus)
