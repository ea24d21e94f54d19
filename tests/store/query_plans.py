"""How the database answers: no list and no lane scans a large table, or sorts what it has found.

SQLite's plan is taken as it is. PostgreSQL would scan an empty table whatever indexes there are, so it is told that scans
and sorts cost more than anything: what it does all the same has no index.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import event
from sqlmodel import Session

from store.queries.history.milestones import Milestone, TimeSpan
from store.session import Database
from tests.conftest import NOON

LARGE = (
    "message", "message_body", "enrollment", "event", "decision", "delivery_event", "customer", "audit", "rejection",
    "outbox_mail", "segment_member", "hook", "customer_word", "interest", "consent", "address_consent", "alias", "control", "date_due",
    "suppression", "day_count", "revenue_sum", "mail_credit", "credited_order", "mail_result", "survey_answer", "note_answer", "engagement", "pending_click", "approval_request", "broadcast_member", "plan_entry", "operation_error", "tombstone",
)  # fmt: skip
"""Tables that grow with the customers, or with what they do."""

Statement = tuple[str, Any]

MILESTONES = (Milestone(kind="event", name="Bought"), Milestone(kind="stage", name="new", journey="j"))
ALL = TimeSpan(since=NOON - timedelta(days=90), until=NOON)


@contextmanager
def watched(database: Database) -> Iterator[list[Statement]]:
    """Every SELECT that is asked meanwhile."""
    asked: list[Statement] = []

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            asked.append((statement, parameters))

    for engine in database.engines:
        event.listen(engine, "before_cursor_execute", keep)
    try:
        yield asked
    finally:
        for engine in database.engines:
            event.remove(engine, "before_cursor_execute", keep)


def plan(session: Session, statement: str, parameters: Any) -> list[str]:
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        for costly in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
            connection.exec_driver_sql(f"SET LOCAL enable_{costly} = off")
        return [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)]
    return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]


def is_bad(step: str, statement: str) -> bool:
    """Whether a step of a plan scans a large table or sorts; a walk along an index is well, where a LIMIT ends it."""
    return (
        (step.startswith("USE TEMP B-TREE") and "ORDER BY" in step)
        or "Sort" in _words(step)[:1]
        or is_scan(step, statement)
    )


def is_scan(step: str, statement: str) -> bool:
    words = _words(step)
    scanned = next(
        (name for name in LARGE if words[:2] == ["SCAN", name] or words[:4] == ["Seq", "Scan", "on", name]), None
    )
    return scanned is not None and not ("USING" in words and "LIMIT" in statement)


def _words(step: str) -> list[str]:
    return step.replace("->", " ").replace('"', "").split()


def reads_a_large_table(statement: str) -> bool:
    """Kept counts may be sorted: they are as many as there are templates and reasons."""
    return not {*LARGE}.isdisjoint(re.findall(r"(?:FROM|JOIN) (\w+)", statement))


def assert_quick(database: Database, ask: Callable[[Session], Any], bad: Callable[[str, str], bool] = is_bad) -> None:
    with watched(database) as asked, database.writing() as session:
        ask(session)
    assert asked
    with database.writing() as session:
        for statement, parameters in (one for one in asked if reads_a_large_table(one[0])):
            steps = plan(session, statement, parameters)
            assert [one for one in steps if bad(one, statement)] == [], (statement, steps)
