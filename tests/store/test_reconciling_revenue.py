"""What variants brought, as it is kept in sums, is what the rows of their customers say: found where not, and set right."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlmodel import select

from services.jobs import erasure
from store.session import Database
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment
from tests import kept_counts
from tests.shells import Shell
from tests.store.mailed_shop import order
from tests.store.one_enrollment import Ingest, rows
from tests.store.reconciled import reconciled
from tests.store.test_revenue_of_variants import TOUR

CAUSES = {
    "UPDATE revenue_sum SET customers = customers + 1 WHERE what = 'paying'": {"variant_buyer_count"},
    "UPDATE revenue_sum SET units = units - 5 WHERE what = 'day'": {"variant_revenue"},
    "DELETE FROM revenue_sum": {"variant_buyer_count", "variant_revenue"},
}


@pytest.fixture
def bought(database: Database, publish: Callable[[str, str], None], take: Ingest, noon: datetime) -> datetime:
    """Three with a variant bought, in two currencies. Returns an instant behind it."""
    publish("tour", TOUR)
    take(*({"type": "track", "userId": f"u{number}", "event": "Signed Up"} for number in range(3)))
    with database.reading() as session:
        shells = [Shell(database, one) for one in session.exec(select(Enrollment)).all()]
    later = noon + timedelta(days=1)
    for shell in shells:
        shell.wake(noon)
    take(order("1", 20, "u0"), order("2", 7, "u1", currency="USD"), order("3", 9, "u2"), at=later)
    for shell in shells:
        shell.wake(later)
    _do(database, "DELETE FROM dispatch")  # Temporal has them
    return later + timedelta(days=1)


@pytest.mark.parametrize("cause", CAUSES)
def test_a_sum_that_is_not_what_the_rows_say_is_found_and_set_right(
    database: Database, bought: datetime, cause: str
) -> None:
    assert reconciled(database, bought) == {}
    _do(database, cause)
    found = reconciled(database, bought)
    assert set(found) == CAUSES[cause]
    assert reconciled(database, bought) == found, "a check changes nothing"
    assert reconciled(database, bought, repair=True) == {kind: (count, count) for kind, (count, _) in found.items()}
    kept_counts.assert_revenue_true(database)
    assert reconciled(database, bought) == {}


def test_what_the_erased_brought_and_two_who_became_one_are_no_difference(
    database: Database, bought: datetime, take: Ingest
) -> None:
    take({"type": "alias", "userId": "u0", "previousId": "u1"}, at=bought)
    (gone,) = [one.id for one in rows(database, Customer) if one.external_id == "u2"]
    for phase in erasure.PHASES.values():
        database.write(lambda session, phase=phase: phase(session, gone, bought))
    _do(database, "DELETE FROM dispatch")
    assert not {"variant_buyer_count", "variant_revenue"} & set(reconciled(database, bought))


def _do(database: Database, statement: str) -> None:
    with database.engine.begin() as connection:
        connection.execute(text(statement))
