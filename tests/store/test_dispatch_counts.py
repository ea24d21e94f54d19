"""What is on its way to Temporal is counted along an index, and no further than anybody needs to know."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from services.reports.health import readiness
from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import KINDS, Priority
from store.session import Database
from store.statuses import DispatchStatus
from store.tables.enrollments import Dispatch
from tests.conftest import NOON
from tests.store.query_plans import plan, watched
from waypost.processes.dispatcher import STREAMS

ASKED: dict[str, Callable[[Session], Any]] = {
    "those waiting": dispatches.waiting,
    "by kind": dispatches.by_kind,
    "the stuck": dispatches.stuck,
    "the stuck by kind": dispatches.stuck_by_kind,
    "starts": dispatches.starts_left,
    "whether a lease finds any": lambda session: [dispatches.any_ready(session, one.priorities) for one in STREAMS],
    "the oldest": lambda session: [dispatches.oldest(session, one.priorities, NOON) for one in STREAMS],
    "the oldest to wake at": lambda session: [
        dispatches.oldest(session, those, NOON, DispatchStatus.TO_WAKE) for those in readiness.WAKERS.values()
    ],
}


def add(session: Session, kinds: dict[str, int], now: datetime) -> None:
    rows = [
        dispatches.row(
            f"e/{kind}/{one}", f"w/{one}", kind, {}, Priority.SIGNAL, now + timedelta(seconds=one), waked=True
        )
        for kind, count in kinds.items()
        for one in range(count)
    ]
    dispatches.add(session, rows)


def set_aside(row: Dispatch) -> None:
    """Waked at, and failed again and again."""
    for status in (DispatchStatus.READY, DispatchStatus.STUCK):
        if row.status != status:
            row.status = status


@pytest.mark.parametrize("question", ASKED)
def test_no_count_looks_at_the_whole_queue(database: Database, noon: datetime, question: str) -> None:
    with database.writing() as session:
        add(session, {"poke": 1}, noon)
    with watched(database) as asked, database.writing() as session:
        ASKED[question](session)
    with database.writing() as session:
        for statement, parameters in asked:
            steps = plan(session, statement, parameters)
            ends = "LIMIT" in statement and "WHERE" not in statement  # the first row of all
            bad = [one for one in steps if ("SCAN dispatch" in one and not ends) or "Seq Scan" in one or "TEMP" in one]
            assert bad == [], (statement, steps)


def test_each_kind_is_counted_and_the_stuck_among_them_too(database: Database, noon: datetime) -> None:
    with database.writing() as session:
        assert (dispatches.by_kind(session), dispatches.waiting(session)) == ({}, (0, None))
        add(session, {"start": 3, "poke": 2, "end": 1}, noon)
        for row in session.exec(select(Dispatch).where(Dispatch.kind == "start")):
            set_aside(row)
    with database.reading() as session:
        assert dispatches.by_kind(session) == {"start": 3, "poke": 2, "end": 1}
        assert dispatches.waiting(session) == (6, noon)
        assert (dispatches.stuck(session), dispatches.stuck_by_kind(session)) == (3, {"start": 3})
        assert dispatches.starts_left(session) == 3


def test_what_waits_for_a_person_and_what_waits_behind_it_is_not_late(database: Database, noon: datetime) -> None:
    with database.writing() as session:
        add(session, {"start": 1, "poke": 3}, noon)
        first, second, behind, late = session.exec(select(Dispatch).order_by(col(Dispatch.id))).all()
        set_aside(first)
        set_aside(second)
        behind.enrollment_id, behind.created_at = first.enrollment_id, noon - timedelta(days=1)
        late.created_at = noon + timedelta(seconds=9)
    with database.writing() as session:
        assert dispatches.waiting(session) == (4, noon + timedelta(seconds=9))
        assert dispatches.oldest(session, list(Priority), NOON + timedelta(hours=1)) == noon + timedelta(seconds=9)
        dispatches.remove_arrived(session, [late.id or 0])
        assert dispatches.waiting(session) == (3, None)


def test_of_a_long_queue_no_more_are_counted_than_the_bound(database: Database, noon: datetime) -> None:
    with database.writing() as session:
        add(session, {"start": 7, "poke": 2}, noon)
        for row in session.exec(select(Dispatch)):
            set_aside(row)
    with database.reading() as session:
        assert dispatches.by_kind(session, 5) == {"start": 5, "poke": 2}
        assert dispatches.stuck_by_kind(session, 5) == {"start": 5, "poke": 2}
        assert dispatches.stuck(session, 5) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_that_is_made_is_counted(database: Database, noon: datetime, kind: str) -> None:
    with database.writing() as session:
        add(session, {kind: 1}, noon)
        assert dispatches.by_kind(session) == {kind: 1}
