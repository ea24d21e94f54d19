"""What many rows are done to costs as many statements as what few are done to: batches, and every kind of import."""

import json

import pytest
from sqlmodel import col

from store.session import Database
from store.tables.broadcasts import BroadcastMember
from store.tables.customers import Consent, Customer, SegmentMember
from store.tables.enrollments import Enrollment
from tests.conftest import Statements
from tests.store.bulk_shop import SIZES, Done, Ingest, csv, identified, rows


@SIZES
@pytest.mark.usefixtures("shop")
def test_a_batch_that_everybody_listens_to(
    database: Database, take: Ingest, statements: Statements, count: int
) -> None:
    with statements(database, at_most=45):
        outcome = take(*identified(count))
    assert (outcome.accepted, len(outcome.enrolled)) == (count, 2 * count)
    assert len(rows(database, SegmentMember)) == 2 * count
    with statements(database, at_most=45):
        take(*identified(count, plan="free"))
    assert rows(database, SegmentMember) == []


@SIZES
def test_a_batch_about_new_customers_to_whom_nobody_listens(
    database: Database, take: Ingest, statements: Statements, count: int
) -> None:
    with statements(database, at_most=11):
        take(*identified(count))
    assert len(rows(database, Customer)) == count


@SIZES
@pytest.mark.usefixtures("shop")
def test_an_import_of_customers(database: Database, done: Done, count: int) -> None:
    lines = [f"u{number},u{number}@example.com,pro" for number in range(count)]
    imported = done("import customers", csv("userId,email,plan", lines), kind="customers", at_most=56)
    assert imported == {"taken": count, "repeated": 0}
    assert len(rows(database, Enrollment)) == 2 * count


@SIZES
@pytest.mark.usefixtures("shop")
def test_an_import_of_consents(database: Database, take: Ingest, done: Done, count: int) -> None:
    take(*identified(count))
    lines = [f"u{number},{topic},yes" for number in range(count) for topic in ("news", "club")]
    imported = done("import consents", csv("userId,topic,granted", lines), kind="consents", at_most=30)
    assert imported == {"taken": 2 * count, "repeated": 0}
    assert len(rows(database, Consent, col(Consent.pending))) == count


@SIZES
@pytest.mark.usefixtures("shop")
def test_an_import_of_enrollments(database: Database, take: Ingest, done: Done, count: int) -> None:
    take(*identified(count, plan="free"))
    lines = [f"u{number},X{number}" for number in range(count)]
    request = {"kind": "enrollments", "journey": "on_order"}
    imported = done("import enrollments", csv("userId,voucher", lines), **request, at_most=30)
    assert imported == {"taken": count, "repeated": 0}
    assert len(rows(database, Enrollment)) == count


@SIZES
def test_an_import_of_recipients(database: Database, take: Ingest, done: Done, count: int) -> None:
    take(*identified(count))
    lines = [f"u{number}" for number in (*range(count), 0)]
    request = {"kind": "recipients", "broadcast": "spring"}
    assert done("import recipients", csv("userId", lines), **request, at_most=22) == {"taken": count, "repeated": 1}
    assert len(rows(database, BroadcastMember)) == count


@SIZES
@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("known", [True, False], ids=["of known customers", "of new ones"])
def test_an_import_of_events(database: Database, take: Ingest, known: bool, done: Done, count: int) -> None:
    if known:
        take(*identified(count))
    events = [
        {
            "type": "track",
            "userId": f"u{number}",
            "event": "Order",
            "messageId": f"m{number}",
            "timestamp": "2026-03-01",
        }
        for number in range(count)
    ]
    file = "\n".join(json.dumps(one) for one in events)
    request = {"kind": "events", "journey": "on_order", "format": "ndjson"}
    at_most = 65 if known else 55  # they are placed once all events are there
    assert done("import events", file, **request, at_most=at_most)["enrolled"] == count
    assert len(rows(database, Enrollment, Enrollment.journey == "on_order")) == count
