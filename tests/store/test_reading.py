"""Lists, timelines and reports read the same on both databases."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from services.access import audit_log
from services.customers import suppressions
from services.customers.audiences import segments
from services.definitions import topics
from services.ingestion.ingest import IngestResult
from services.operations import operations
from services.operations.operations import Done, LineError
from services.reports.conversion import paged_report
from services.reports.conversion.entry_cohorts import EntryCohorts, EntryCohortsQuestion
from services.reports.customer import customer_view, why_answers
from services.reports.health import reconciliation
from services.reports.lifecycle import journey_report, lifecycle_report
from store.keyset import BadCursor
from store.queries.listing import lists
from store.queries.listing.lists import Slice
from store.session import Database

LISTS: dict[str, Callable[[Session, Slice], Any]] = {
    "customers": lambda s, w: lists.customers(s, w, query_text=None, stage=None, segment=None, sort="created"),
    "customers by email": lambda s, w: lists.customers(s, w, query_text="c", stage="new", segment=None, sort="email"),
    "enrollments": lambda s, w: lists.enrollments(s, w, journey="welcome", status="live"),
    "messages": lambda s, w: lists.messages(s, w, journey="welcome"),
    "journeys": lists.journeys,
    "versions": lambda s, w: lists.versions(s, w, "welcome"),
    "segments": lists.segments,
    "topics": lists.topics,
    "suppressions": lambda s, w: lists.suppressions(s, w, reason="manual"),
    "operations": lambda s, w: lists.operations(s, w, kind="simulate"),
    "operation errors": lambda s, w: lists.operation_errors(s, w, "op_1"),
    "rejections": lists.rejections,
    "audit": lambda s, w: lists.audit(s, w, kind="segment"),
}
ALONE = ("journeys", "versions", "messages")


@pytest.fixture
def full(database: Database, welcome: None, take: Callable[..., IngestResult], noon: datetime) -> Database:
    """Three of everything."""
    for number in range(3):
        at = noon + timedelta(days=20 * number)
        user = f"c{number}"
        take({"type": "identify", "userId": user, "traits": {"email": f"{user}@example.com"}}, at=at)
        take({"type": "track", "userId": user, "event": "Signed Up"}, {"type": "nonsense"}, at=at)
        with database.writing() as session:
            segments.put(session, f"s{number}", "customer.a == 1", None, at)
            topics.put(session, f"t{number}", name=None, consent="opt_out", transactional=False, cap=None, now=at)
            suppressions.put(session, f"x{number}@example.com", "manual", "test", at)
            operations.start(session, "simulate", {}, at, operation_id=f"op_{number}")
            audit_log.record(session, "k", "created", "segment", f"s{number}", at, None, {"guard": "x"})
    with database.writing() as session:
        wrong = [LineError(line=line, reason="no") for line in range(3)]
        operations.advance(session, "op_1", lambda _: Done(count=3, errors=wrong))
    return database


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("descending", [False, True])
def test_a_list_reads_page_by_page_as_it_reads_at_once(full: Database, name: str, descending: bool) -> None:
    read = LISTS[name]
    with full.reading() as session:
        whole, end = read(session, Slice(limit=50, descending=descending))
        paged, cursor = list[Any](), None
        while True:
            rows, cursor = read(session, Slice(limit=1, descending=descending, cursor=cursor))
            paged += rows
            if cursor is None:
                break
        assert [str(one) for one in paged] == [str(one) for one in whole]
        assert end is None
        assert len(whole) == (3 if name not in ALONE else len(whole))
        for odd in ("x", "eyJhIjoxfQ", "%00", "W10", cursor or "WyJpZCIsMV0"):
            with pytest.raises(BadCursor):
                read(session, Slice(limit=1, cursor=odd))


def test_a_timeline_reads_page_by_page(full: Database) -> None:
    with full.reading() as session:
        customer = customer_view.customer(session, "c1").id
        whole, _ = customer_view.timeline(session, customer, None, 100)
        paged, cursor = list[Any](), None
        while True:
            entries, cursor = customer_view.timeline(session, customer, cursor, 1)
            paged += entries
            if cursor is None:
                break
    assert paged == whole
    assert [one["what"] for one in whole] == ["Signed Up", "Identify"]


def test_reports_count_the_same(full: Database, noon: datetime) -> None:
    with full.reading() as session:
        assert lifecycle_report.lifecycle(session)["stages"] == {"new": 3}
        months = EntryCohorts(session, EntryCohortsQuestion(journey="welcome"), noon)
        assert paged_report.at_once(session, months)["cohorts"] == [
            {"month": "2026-03", "entered": 2, "stages": {"new": 2}, "ended": {}},
            {"month": "2026-04", "entered": 1, "stages": {"new": 1}, "ended": {}},
        ]
        assert journey_report.journey(session, "welcome")["entered"] == 3
        books = reconciliation.reconcile(session)
        assert (books["balanced"], books["on_their_way"]["start"]) == (True, 3)
        why = why_answers.why(session, customer_view.customer(session, "c0"), "welcome", "mail_b", None, noon)
        assert why.answer.startswith("the step was not reached: it rests in new")
