"""The schema: migrations and tables in code agree, on both databases."""

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

import store.tables
from store import migrate
from store.ids import new_id
from store.session import Database
from store.tables.customers import Customer


def test_migrations_make_the_tables_of_the_code(database: Database) -> None:
    assert migrate.differences(database.engine) == []
    assert not migrate.pending(database.engine)


def test_no_column_asks_pydantic_for_the_signature_of_a_builtin() -> None:
    """`default_factory=dict` has its signature read at each row: a quarter of what an event of a new customer costs."""
    tables = Path(store.tables.__file__).parent
    read = [
        path.name for path in tables.glob("*.py") if re.search(r"default_factory=(dict|list|set)\b", path.read_text())
    ]
    assert read == []


def test_instants_come_back_aware_and_in_utc(database: Database) -> None:
    at = datetime(2026, 7, 1, 9, 30, 15, 123456, tzinfo=timezone(timedelta(hours=2)))
    with database.writing() as session:
        session.add(Customer(id="cus_1", created_at=at, updated_at=at))
    with database.reading() as session:
        assert session.exec(select(Customer.created_at)).one() == at.astimezone(UTC)


def test_a_transaction_that_raises_leaves_nothing(database: Database, noon: datetime) -> None:
    def fails() -> None:
        with database.writing() as session:
            session.add(Customer(id="cus_1", created_at=noon, updated_at=noon))
            session.flush()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        fails()
    with database.reading() as session:
        assert session.exec(select(Customer)).all() == []


def test_ids_sort_by_the_time_they_were_made() -> None:
    import time

    made: list[str] = []
    for _ in range(5):
        made.append(new_id("enr"))
        time.sleep(0.002)
    assert made == sorted(made)
    assert len({new_id("x") for _ in range(1_000)}) == 1_000


def test_no_error_of_the_database_tells_whose_row_it_was(database: Database, noon: datetime) -> None:
    def twice() -> None:
        with database.writing() as session:
            for name in ("cus_1", "cus_2"):
                session.add(Customer(id=name, external_id="ann@secret.example", created_at=noon, updated_at=noon))

    with pytest.raises(IntegrityError) as refused:
        twice()
    assert "parameters hidden" in str(refused.value)
    assert "ann@secret.example" not in str(refused.value) + str(refused.value.orig)
