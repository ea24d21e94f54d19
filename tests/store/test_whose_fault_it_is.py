"""An error is an item's own, or the database's: what a database refuses for good fails one item, and holds up nobody."""

import pytest
from sqlalchemy.exc import OperationalError

from services.operations.item_pages import in_halves
from store import dialect
from store.session import Database
from tests.refused import CANCELLED, REFUSED

STATEMENTS = {
    "sqlite": "SELECT json('{')",
    "postgresql": "DO $$ BEGIN RAISE EXCEPTION 'too complex' USING ERRCODE = 'statement_too_complex'; END $$",
}
"""What each database refuses as beyond a bound of its own, or as nothing it knows, by an operational error."""


def test_what_a_database_refuses_for_good_is_no_fault_of_the_database(database: Database) -> None:
    with pytest.raises(OperationalError) as refused, database.writing() as session:
        session.connection().exec_driver_sql(STATEMENTS[session.get_bind().dialect.name])
    assert (dialect.is_at_fault(refused.value), dialect.is_at_fault(REFUSED)) == (False, False)
    assert dialect.is_at_fault(CANCELLED)


def test_an_item_of_an_operation_that_the_database_refuses_fails_alone() -> None:
    def do(items: object) -> object:
        if 5 in items:  # type: ignore[operator]
            raise REFUSED
        return items

    assert in_halves([*range(8)], do, lambda one, error: (one, error)) == [
        [0, 1, 2, 3], [4], (5, REFUSED), [6, 7],
    ]  # fmt: skip


def test_a_database_that_cannot_be_had_fails_no_item() -> None:
    def do(items: object) -> object:
        raise CANCELLED

    with pytest.raises(OperationalError):
        in_halves([1, 2], do, lambda one, error: error)
