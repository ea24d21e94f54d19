"""The export for a warehouse: each row once over any number of runs, and none missed, whoever writes meanwhile."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlmodel import Session, select

from services.errors import InvalidInput
from services.ingestion import ingest, merging
from services.messages.waiting import restored_ledger
from services.reports.results import warehouse_export
from services.reports.results.warehouse_export import ExportKind
from services.upkeep import export_marks
from store.queries.enrollment import decisions
from store.queries.identity import customers
from store.queries.listing import exports
from store.queries.listing.exports import ExportPlace
from store.queries.mails import messages
from store.session import Database
from store.statuses import MessageStatus
from store.tables.customers import Customer, Event
from store.tables.enrollments import Decision
from store.tables.exports import ExportMark
from store.tables.messages import Message
from tests.conftest import Statements, database_url
from tests.store.query_plans import assert_quick

Ingest = Callable[..., Any]


class Warehouse:
    """Somebody who reads on behind the last line that they have, of each kind."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cursors: dict[ExportKind, str] = {}

    def run(self, kind: ExportKind, since: datetime | None = None) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = []
        with self._database.reading() as session:
            rest = warehouse_export.asked(session, kind, self._cursors.get(kind), since)
        while rest is not None:
            with self._database.reading() as session:
                page = warehouse_export.page(session, rest)
            lines += [dict(one) for one in page.lines]
            rest = page.rest
        if lines:
            self._cursors[kind] = lines[-1]["cursor"]
        return lines

    def ids(self, kind: ExportKind) -> list[str]:
        return [one["id"] for one in self.run(kind)]


@pytest.fixture
def warehouse(database: Database) -> Warehouse:
    return Warehouse(database)


@pytest.fixture
def postgresql(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    made = Database(database_url("postgresql", request, tmp_path))
    yield made
    made.close()


def track(number: int, user: str = "ann") -> dict[str, Any]:
    return {"type": "track", "userId": user, "event": "Seen", "messageId": f"m{number}", "properties": {"n": number}}


def mail(name: str, now: datetime) -> dict[str, Any]:
    return messages.row(
        name, "cus_1", template="t", topic="news", lane="journey", due=now, now=now, status=MessageStatus.PLANNED
    )


def kept(database: Database, table: Any) -> set[str]:
    with database.reading() as session:
        return set(session.exec(select(table.id)))


def test_each_event_comes_once_over_runs_whatever_the_pages(
    database: Database, warehouse: Warehouse, take: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse_export, "PAGE", 3)
    found: list[str] = []
    for run in range(4):
        take(*(track(10 * run + number) for number in range(7)))
        found += warehouse.ids("events")
    assert warehouse.run("events") == []
    assert len(found) == len(set(found)) == 28
    assert set(found) == kept(database, Event)


def test_what_was_there_before_the_upgrade_comes_first_in_the_order_of_its_ids(
    database: Database, warehouse: Warehouse, take: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse_export, "PAGE", 2)
    take(*(track(number) for number in range(5)))
    with database.writing() as session:
        _without_positions(session)
    old = sorted(kept(database, Event))
    take(track(7))
    found = warehouse.ids("events")
    assert (found[:5], len(found), warehouse.ids("events")) == (old, 6, [])


def _without_positions(session: Session) -> None:
    """As the migration has left them."""
    here = session.connection()
    if here.dialect.name == "postgresql":
        here.exec_driver_sql("ALTER TABLE event DISABLE TRIGGER waypost_export_position")
        here.exec_driver_sql("UPDATE event SET export_position = 0")
        here.exec_driver_sql("ALTER TABLE event ENABLE TRIGGER waypost_export_position")
    else:
        (made,) = here.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'event_export_again'").one()
        here.exec_driver_sql("DROP TRIGGER event_export_again")
        here.exec_driver_sql("UPDATE event SET export_position = 0")
        here.exec_driver_sql(made)


def test_no_run_reads_past_a_transaction_that_has_not_ended(postgresql: Database, noon: datetime) -> None:
    """The first of two began before the second, and is seen after it: a reader of sequences would miss its event."""
    warehouse = Warehouse(postgresql)
    postgresql.write(lambda session: ingest.ingest(session, [track(0, "eve")], noon))  # its name is known from here on
    assert [one["message_id"] for one in warehouse.run("events")] == ["m0"]
    first, second = (Session(postgresql.engine, expire_on_commit=False) for _ in range(2))
    ingest.ingest(first, [track(1, "ann")], noon)
    first.flush()
    for user in ("bob", "dora"):
        ingest.ingest(second, [track(2, user) | {"messageId": user}], noon)
    second.commit()
    assert warehouse.run("events") == []
    first.commit()
    assert [one["message_id"] for one in warehouse.run("events")] == ["m1", "bob", "dora"]
    assert warehouse.run("events") == []
    for session in (first, second):
        session.close()


def test_what_a_transaction_takes_back_holds_nobody_up(postgresql: Database, noon: datetime) -> None:
    warehouse = Warehouse(postgresql)
    with Session(postgresql.engine) as first:
        ingest.ingest(first, [track(1)], noon)
        first.rollback()
    postgresql.write(lambda session: ingest.ingest(session, [track(2)], noon))
    assert [one["message_id"] for one in warehouse.run("events")] == ["m2"]


def test_what_is_written_while_a_run_lasts_is_the_next_ones(
    database: Database, warehouse: Warehouse, take: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse_export, "PAGE", 1)
    take(track(1), track(2))
    with database.reading() as session:
        wanted = warehouse_export.asked(session, "events", None, None)
    take(track(3))
    seen: list[str] = []
    rest: Any = wanted
    while rest is not None:
        with database.reading() as session:
            page = warehouse_export.page(session, rest)
        seen += [one["message_id"] for one in page.lines]
        rest = page.rest
    assert sorted(seen) == ["m1", "m2"]
    assert [one["message_id"] for one in warehouse.run("events")][-1] == "m3"


def test_a_mail_comes_again_when_it_has_changed_and_its_newest_line_holds(
    database: Database, warehouse: Warehouse, noon: datetime
) -> None:
    with database.writing() as session:
        messages.add(session, [mail("a", noon), mail("b", noon)])
    assert [one["status"] for one in warehouse.run("messages")] == ["planned", "planned"]
    with database.writing() as session:
        messages.change(session, session.get_one(Message, "a"), MessageStatus.SKIPPED, noon, reason="paused")
    assert [(one["id"], one["status"], one["reason"]) for one in warehouse.run("messages")] == [
        ("a", "skipped", "paused")
    ]
    assert warehouse.run("messages") == []


def test_decisions_come_once_and_again_where_two_became_one(
    database: Database, warehouse: Warehouse, take: Ingest, noon: datetime
) -> None:
    take(track(1, "ann"), {"type": "track", "anonymousId": "x", "event": "Seen", "messageId": "m2"})
    with database.writing() as session:
        ann = session.exec(select(Customer).where(Customer.external_id == "ann")).one()
        other = session.exec(select(Customer).where(Customer.anonymous_id == "x")).one()
        decisions.add(session, [decisions.row(other.id, "skipped", {"reason": "late"}, noon)])
    before, events = warehouse.run("decisions"), warehouse.run("events")
    with database.writing() as session:
        both = customers.lock_all(session, sorted([ann.id, other.id]))
        by_id = {one.id: one for one in both}
        merging.merge(session, by_id[other.id], by_id[ann.id], noon)
    again = warehouse.run("decisions")
    assert [one["id"] for one in before] == [one["id"] for one in again if one["what"] == "skipped"]
    assert {(one["customer_id"], one["external_id"]) for one in again} == {(ann.id, "ann")}
    moved = warehouse.run("events")
    assert [one["message_id"] for one in moved] == ["m2"]
    newest = {one["id"]: one["customer_id"] for one in (*events, *moved)}
    assert (len(newest), set(newest.values())) == (2, {ann.id})
    assert {one["id"] for one in again} == kept(database, Decision)


def test_since_leaves_out_what_came_before(warehouse: Warehouse, take: Ingest, noon: datetime) -> None:
    take(track(1), at=noon - timedelta(days=2))
    take(track(2))
    assert [one["message_id"] for one in warehouse.run("events", noon - timedelta(days=1))] == ["m2"]


def test_a_first_run_since_an_instant_begins_at_the_newest_mark_before_it_and_misses_nothing(
    database: Database, take: Ingest, noon: datetime
) -> None:
    """What came before the mark is not looked at; what came behind it is, also of a machine whose clock is behind."""
    take(track(1), at=noon - timedelta(days=2))
    for days in (1, 0):
        database.write(lambda session, at=noon - timedelta(days=days): export_marks.run_due(session, at))
        database.write(lambda session, at=noon - timedelta(days=days): export_marks.run_due(session, at))
    take(track(2), at=noon - timedelta(minutes=59))
    take(track(3), at=noon + timedelta(hours=2))
    with database.reading() as session:
        assert len(session.exec(select(ExportMark)).all()) == 2, "one an hour"
        first = warehouse_export.asked(session, "events", None, noon - timedelta(minutes=59))
        before = warehouse_export.asked(session, "events", None, noon - timedelta(days=3))
        page = warehouse_export.page(session, first)
    assert first.after > before.after == ExportPlace()
    assert [one["message_id"] for one in page.lines] == ["m2", "m3"]
    fresh = Warehouse(database)
    assert [one["message_id"] for one in fresh.run("events", noon + timedelta(hours=2))] == ["m3"]


def test_a_transaction_looks_at_so_many_rows_and_no_more(
    database: Database, take: Ingest, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wanted lies behind many rows that are not: page by page it is come to."""
    monkeypatch.setattr(warehouse_export, "LOOKED_AT", 10)
    monkeypatch.setattr(warehouse_export, "PAGE", 3)
    take(*(track(number) for number in range(25)), at=noon - timedelta(days=2))
    take(*(track(number) for number in range(30, 37)))
    rest, pages = None, list[int]()
    with database.reading() as session:
        rest = warehouse_export.asked(session, "events", None, noon - timedelta(days=1))
    while rest is not None:
        with database.reading() as session:
            page = warehouse_export.page(session, rest)
        pages.append(len(page.lines))
        rest = page.rest
    assert (pages[:2], sum(pages), max(pages)) == ([0, 0], 7, 3)


def test_a_line_has_its_customers_own_id_and_the_columns_in_their_order(
    warehouse: Warehouse, take: Ingest, noon: datetime
) -> None:
    take(track(1))
    (line,) = warehouse.run("events")
    assert (line["external_id"], line["name"], line["properties"], line["at"]) == ("ann", "Seen", {"n": 1}, noon)
    columns = warehouse_export.EXPORTED["events"].columns
    assert list(line) == ["cursor", "id", "external_id", *columns[1:]]


def test_a_cursor_of_another_kind_or_of_nobody_is_refused(database: Database, take: Ingest) -> None:
    take(track(1))
    warehouse = Warehouse(database)
    cursor = warehouse.run("events")[-1]["cursor"]
    for kind, after in (("messages", cursor), ("events", "nonsense")):
        with database.reading() as session, pytest.raises(InvalidInput) as refused:
            warehouse_export.asked(session, cast(ExportKind, kind), after, None)
        assert refused.value.path == "after"


def test_a_cursor_that_a_copy_does_not_know_is_refused_until_the_restore_is_told(
    database: Database, warehouse: Warehouse, take: Ingest, noon: datetime
) -> None:
    """The counter goes back with the copy, as it does where a dump is loaded into another cluster."""
    take(track(1), track(2))
    assert len(warehouse.run("events")) == 2
    with database.writing() as session:
        session.connection().exec_driver_sql("UPDATE export_counter SET base = base - 1000")
    with pytest.raises(InvalidInput, match="waypost db restored"):
        warehouse.run("events")
    database.write(lambda session: restored_ledger.begin(session, noon, noon))
    assert warehouse.run("events") == []
    take(track(3))
    assert [one["message_id"] for one in warehouse.run("events")] == ["m3"]


@pytest.mark.parametrize("kind", list(warehouse_export.EXPORTED))
@pytest.mark.parametrize("since", [None, "noon"])
def test_a_page_walks_along_its_index(database: Database, noon: datetime, kind: ExportKind, since: str | None) -> None:
    def ask(session: Session) -> None:
        wanted = warehouse_export.asked(session, kind, None, noon if since else None)
        warehouse_export.page(session, wanted)

    assert_quick(database, ask)


def test_a_later_page_begins_where_the_one_before_has_ended(database: Database) -> None:
    """Also among rows that all have the position 0: SQLite says which columns it looks up."""
    if database.engine.dialect.name == "sqlite":
        with database.reading() as session:
            query = (
                "EXPLAIN QUERY PLAN SELECT id FROM event WHERE (export_position, id) > (0, 'e') AND export_position < 9"
            )
            (step,) = session.connection().exec_driver_sql(f"{query} ORDER BY export_position, id LIMIT 500").all()
        assert "(export_position,id)>(?,?)" in step[3]


def test_a_page_asks_twice_however_many_rows_it_has(database: Database, take: Ingest, statements: Statements) -> None:
    take(*(track(number, f"c{number}") for number in range(300)))
    with database.reading() as session:
        wanted = warehouse_export.asked(session, "events", None, None)
        with statements(database, at_most=2):
            assert len(warehouse_export.page(session, wanted).lines) == 300


def test_positions_jump_further_than_any_lost_time_goes(database: Database) -> None:
    with database.writing() as session:
        before = exports.settled(session)
        exports.jump(session)
    with database.reading() as session:
        assert exports.settled(session) >= before + exports.AFTER_RESTORE
