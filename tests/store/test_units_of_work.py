"""The rule for transactions: one way to open one, repeated only where another came between, locks in one order."""

import ast
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlmodel import Session, func, select, text

from services.ingestion import ingest, merging
from store.queries.identity import customers, identities
from store.queries.identity.tombstones import Identifier
from store.session import Database
from store.tables.customers import Customer, Event
from tests.conftest import database_url

ROOT = Path(__file__).parents[2]
PRODUCT = ("journeys", "pictures", "store", "services", "mail", "activities", "workflows", "api", "waypost")


@pytest.fixture
def postgresql(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    made = Database(database_url("postgresql", request, tmp_path))
    yield made
    made.close()


def customer(name: str, at: datetime, external_id: str | None = None) -> Customer:
    return Customer(id=name, external_id=external_id, created_at=at, updated_at=at)


# -- a unit of work ----------------------------------------------------------------------------------------------------


def test_work_is_done_again_where_another_made_the_same_new_row(postgresql: Database, noon: datetime) -> None:
    seen: list[int] = []

    def work(session: Session) -> str:
        found = customers.by_external_id(session, "17")
        seen.append(0 if found is None else 1)
        if found is None:
            if len(seen) == 1:
                postgresql.write(lambda other: other.add(customer("cus_other", noon, "17")))
            session.add(found := customer("cus_mine", noon, "17"))
            session.flush()
        return found.id

    assert (postgresql.write(work), seen) == ("cus_other", [0, 1])


def test_work_is_done_again_where_two_waited_for_each_other(postgresql: Database, noon: datetime) -> None:
    names = ("cus_1", "cus_2")
    postgresql.write(lambda session: session.add_all([customer(name, noon) for name in names]))
    both, done = threading.Barrier(2), list[str]()

    def work(first: str, second: str) -> Callable[[Session], None]:
        attempts: list[int] = []

        def do(session: Session) -> None:
            attempts.append(1)
            customers.lock(session, first)
            if len(attempts) == 1:
                both.wait(30)
            customers.lock(session, second)
            done.append(first)

        return do

    threads = [threading.Thread(target=postgresql.write, args=[work(*pair)]) for pair in (names, names[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == ["cus_1", "cus_2"]


def test_who_was_merged_before_the_lock_was_there_is_looked_up_anew_and_nobody_is_locked_out_of_order(
    postgresql: Database, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, visitor = customer("cus_1", noon, "17"), customer("cus_2", noon)
    visitor.anonymous_id = "v"
    postgresql.write(lambda session: session.add_all([known, visitor, customer("cus_3", noon, "18")]))
    look_up, lock_all, locked = identities.look_up, customers.lock_all, list[list[str]]()

    def merges(session: Session) -> None:
        mine = lock_all(session, ["cus_1", "cus_2"])
        merging.merge(session, mine[1], mine[0], noon)

    def stale(session: Session, names: Sequence[Identifier]) -> Any:
        found = look_up(session, names)
        if not locked:
            postgresql.write(merges)
        return found

    def noted(session: Session, ids: Iterable[str]) -> Any:
        locked.append(sorted(ids))
        return lock_all(session, ids)

    monkeypatch.setattr(identities, "look_up", stale)
    monkeypatch.setattr(customers, "lock_all", noted)
    batch = [{"type": "track", "anonymousId": "v", "event": "A"}, {"type": "track", "userId": "18", "event": "A"}]
    outcome = postgresql.write(lambda session: ingest.ingest(session, batch, noon))
    assert (outcome.accepted, locked) == (2, [["cus_2", "cus_3"], ["cus_1", "cus_3"]]), "each time all at once"
    with postgresql.reading() as session:
        assert set(session.exec(select(Event.customer_id)).all()) == {"cus_1", "cus_3"}


def test_work_that_is_wrong_by_itself_is_not_done_again(database: Database) -> None:
    attempts: list[int] = []

    def work(session: Session) -> None:
        attempts.append(1)
        session.connection().execute(text("INSERT INTO topic (key) VALUES ('news')"))

    with pytest.raises(IntegrityError):
        database.write(work)
    assert attempts == [1]


# -- reading -----------------------------------------------------------------------------------------------------------


def test_a_database_that_we_do_not_know_is_refused_by_name() -> None:
    with pytest.raises(ArgumentError, match="begins with sqlite:// or postgresql://"):
        Database("mysql://name:secret@127.0.0.1/db")


def test_a_reading_transaction_can_change_nothing(database: Database, noon: datetime) -> None:
    def change() -> None:
        with database.reading() as session:
            session.add(customer("cus_1", noon))
            session.flush()

    with pytest.raises(DBAPIError):
        change()
    database.write(lambda session: session.add(customer("cus_1", noon)))


def test_what_is_committed_is_on_the_disk(database: Database) -> None:
    """SQLite forgets the last transactions where the power fails, unless it is told otherwise; PostgreSQL does not."""
    asked = {"sqlite": ("PRAGMA synchronous", "2"), "postgresql": ("SHOW synchronous_commit", "on")}
    statement, answer = asked[database.engine.dialect.name]
    with database.writing() as session:
        assert str(session.connection().exec_driver_sql(statement).scalar()) == answer


def test_a_reading_transaction_sees_one_state(database: Database, noon: datetime) -> None:
    with database.reading() as session:
        count = select(func.count()).select_from(Customer)
        before = session.exec(count).one()
        database.write(lambda other: other.add(customer("cus_1", noon)))
        assert (before, session.exec(count).one()) == (0, 0)
    with database.reading() as session:
        assert session.exec(count).one() == 1


# -- locks -------------------------------------------------------------------------------------------------------------


def test_customers_are_locked_in_the_order_of_their_ids(database: Database, noon: datetime) -> None:
    names = ["cus_3", "cus_1", "cus_2"]
    database.write(lambda session: session.add_all([customer(name, noon) for name in names]))
    found = database.write(lambda session: customers.lock_all(session, names))
    assert [one.id for one in found] == ["cus_1", "cus_2", "cus_3"]


# -- what holds by its form --------------------------------------------------------------------------------------------


def calls(name: str, on: Sequence[str] = ()) -> set[str]:
    """The files of the product that call a method of this name, on one of these where they are named."""
    return {
        str(file.relative_to(ROOT))
        for room in PRODUCT
        for file in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == name
        and (not on or ast.unparse(node.func.value).rpartition(".")[2].strip("_") in on)
    }


@pytest.mark.parametrize("name", ["commit", "rollback", "begin_nested"])
def test_nothing_below_the_edge_ends_a_transaction(name: str) -> None:
    assert calls(name) - {"store/migrations/env.py"} == set()


def imported(module: str) -> set[tuple[str, str]]:
    """What the rooms above the store take from a library: file, and what it takes."""
    return {
        (str(file.relative_to(ROOT)), f"{getattr(node, 'module', None) or ''}.{name.name}".lstrip("."))
        for room in PRODUCT
        if room != "store"
        for file in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
        if (getattr(node, "module", None) or name.name).partition(".")[0] == module
    }


def test_every_statement_stands_in_the_store() -> None:
    known = {"sqlmodel.Session", "sqlmodel.SQLModel", "sqlalchemy.orm.attributes.set_committed_value"}
    taken = imported("sqlmodel") | imported("sqlalchemy")
    assert {one for one in taken if one[1] not in known and not one[1].startswith("sqlalchemy.exc.")} == set()


def test_many_rows_at_once_are_written_by_a_query_of_their_subject() -> None:
    """Above the store `bulk` cuts work into parts and turns, and names rows; nothing else."""
    used = {
        (name, file)
        for name in ("add", "add_missing", "change", "put", "increment", "matching")
        for file in calls(name, on=("bulk",))
    }
    assert {one for one in used if not one[1].startswith("store/")} == set()
    taken = {(file, name) for file, name in imported("store") if name.startswith("store.bulk.")}
    assert {name for _, name in taken} - {"store.bulk.turns", "store.bulk.parts", "store.bulk.ColumnValues"} == set()


def test_a_session_above_the_store_takes_rows_and_gives_them_by_their_keys() -> None:
    by_row = {"add", "add_all", "delete", "expunge", "flush", "get", "get_one", "merge", "refresh"}
    asked = {
        (str(file.relative_to(ROOT)), node.func.attr)
        for room in PRODUCT
        if room != "store"
        for file in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value).rpartition(".")[2].strip("_") == "session"
    }
    assert {one for one in asked if one[1] not in by_row} == {
        ("services/enrollments/entering/customer_events.py", "get_bind")
    }


@pytest.mark.parametrize("name", ["exec", "exec_driver_sql", "connection", "scalars"])
def test_nothing_above_the_store_asks_the_database_past_its_queries(name: str) -> None:
    assert {file for file in calls(name) if not file.startswith("store/")} == set()


def naming_a_database() -> set[str]:
    """The files of the store and of the services whose code (not their prose) names a database."""
    return {
        str(file.relative_to(ROOT))
        for room in ("store", "services")
        for file in (ROOT / room).rglob("*.py")
        for node in ast.walk(_without_prose(ast.parse(file.read_text())))
        for word in (getattr(node, name, None) for name in ("id", "attr", "arg", "module", "value", "name"))
        if isinstance(word, str) and re.search("sqlite|postgres|psycopg", word, re.IGNORECASE)
    }


def _without_prose(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [one for one in node.body if not isinstance(one, ast.Expr) or not _is_prose(one)]
    return tree


def _is_prose(one: ast.Expr) -> bool:
    return isinstance(one.value, ast.Constant) and isinstance(one.value.value, str)


def test_a_difference_between_the_databases_has_one_place() -> None:
    elsewhere = {one for one in naming_a_database() if not one.startswith(("store/dialects/", "store/migrations/"))}
    assert elsewhere == {
        "store/dialect.py",
        "services/imports/histories/event_histories.py",
    }  # which sorts a file by SQLite


def test_rows_are_locked_in_the_store_and_customers_in_one_place() -> None:
    locking = {
        (str(file.relative_to(ROOT)), ast.unparse(function))
        for room in PRODUCT
        for file in (ROOT / room).rglob("*.py")
        for function in ast.walk(ast.parse(file.read_text()))
        if isinstance(function, ast.FunctionDef) and "with_for_update" in ast.unparse(function)
    }
    assert {file for file, _ in locking if not file.startswith("store/queries/")} == set()
    assert {file for file, text in locking if "select(Customer)" in text} == {"store/queries/identity/customers.py"}


def test_a_transaction_is_opened_in_one_way() -> None:
    assert calls("writing") == {"store/session.py", "api/deps/transactions.py"}
    assert calls("begin", on=("session", "connection", "engine")) == {"store/session.py"}
