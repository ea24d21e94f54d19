"""What is counted of runs (how long stages lasted, goals, variants, dates nobody could tell) is what rows and decisions say."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from services.definitions.journey_versions import journeys
from services.imports.placing import placement
from services.ingestion.segment_api import IncomingEvent
from services.jobs import erasure
from store.session import Database
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment
from tests.shells import Shell
from tests.store.one_enrollment import Ingest, rows
from tests.store.reconciled import reconciled

WakeAll = Callable[[datetime], None]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PEOPLE = [f"u{number}" for number in range(6)]
TOUR = """
journey: tour
enter: [{on: Signed Up}]
exit: [{on: Account Closed}]
goal: {on: Bought, within: 14 days}
defaults: {topic: news}
start: new
stages:
  new:
    steps:
      - split: {id: tip, variants: {a: {weight: 3, steps: [{send: mail_a}]}, none: {weight: 1, holdout: true}}}
      - wait: {until: customer.trial_ends_at}
    transitions: [{on: Bought, to: buyer}]
  buyer:
    steps: [{send: mail_b}]
"""


@pytest.fixture
def lived(
    database: Database, publish: Callable[[str, str], None], take: Ingest, wake_all: WakeAll, noon: datetime
) -> datetime:
    """Six came to a split and a date that they have not; two bought, one of those left. Returns an instant behind it."""
    publish("tour", TOUR)
    take(*({"type": "identify", "userId": one, "traits": {"email": f"{one}@example.com"}} for one in PEOPLE))
    take(*({"type": "track", "userId": one, "event": "Signed Up"} for one in PEOPLE))
    wake_all(noon)
    for hours, who, event in ((1, "u0", "Bought"), (30, "u1", "Bought"), (55, "u0", "Account Closed")):
        at = noon + hours * HOUR
        take({"type": "track", "userId": who, "event": event}, at=at)
        wake_all(at)
    _do(database, "DELETE FROM dispatch")  # Temporal has them
    return noon + 3 * DAY


@pytest.fixture
def wake_all(database: Database) -> WakeAll:
    """Every live run wakes; its workflow follows from wake to wake."""
    shells = dict[str, Shell]()

    def run(now: datetime) -> None:
        for one in rows(database, Enrollment):
            if one.status == "live":
                shells.setdefault(one.id, Shell(database, one)).wake(now)

    return run


def _do(database: Database, statement: str, **values: Any) -> None:
    with database.engine.begin() as connection:
        connection.execute(text(statement), values)


def _counts(database: Database) -> dict[str, list[Any]]:
    """The counts that are compared, over their shards."""
    by = {
        "run_count": ("journey, name, label", "sum(count)"),
        "movement": ("journey, source, target", "sum(count), sum(seconds)"),
        "day_count": ("journey, name, day, label", "sum(count)"),
    }
    with database.engine.connect() as connection:
        return {
            table: sorted(
                tuple(row)
                for row in connection.execute(text(f"SELECT {names}, {sums} FROM {table} GROUP BY {names}"))
                if row[-1]
            )
            for table, (names, sums) in by.items()
        }


CAUSES = {
    "stay_count": "DELETE FROM day_count WHERE name = 'stayed'",
    "stay_seconds": "UPDATE movement SET seconds = seconds - 60 WHERE source = 'new'",
    "conversion_count": "DELETE FROM run_count WHERE name = 'converted'",
    "unknown_date_count": "UPDATE run_count SET count = count + 2 WHERE name = 'date_unknown'",
    "variant_count": "DELETE FROM run_count WHERE name = 'assigned'",
    "variant_conversion_count": "UPDATE run_count SET count = count + 1 WHERE name = 'variant_converted'",
}


def test_where_nothing_differs_nothing_is_found(database: Database, lived: datetime) -> None:
    names = {name for _, name, *_ in _counts(database)["run_count"]}
    assert names == {"assigned", "converted", "date_unknown", "ended", "variant_converted"}
    assert reconciled(database, lived, repair=True) == {}


@pytest.mark.parametrize("kind", CAUSES)
def test_a_count_that_is_not_what_is_on_record_is_found_and_set_right(
    database: Database, lived: datetime, kind: str
) -> None:
    before = _counts(database)
    _do(database, CAUSES[kind])
    changed, found = _counts(database), reconciled(database, lived)
    assert set(found) == {kind}
    assert _counts(database) == changed, "a check changes nothing"
    assert changed != before
    assert reconciled(database, lived, repair=True) == {kind: (found[kind][0],) * 2}
    assert _counts(database) == before
    assert reconciled(database, lived, repair=True) == {}


def test_a_wrong_day_of_stays_alone_is_no_difference_and_a_wrong_sum_of_all_days_is(
    database: Database, lived: datetime
) -> None:
    """Days depend on the zone that the installation had then."""
    _do(database, "UPDATE day_count SET day = '2026-01-01' WHERE name = 'stayed' AND day = '2026-03-03'")
    assert reconciled(database, lived) == {}
    _do(database, "UPDATE day_count SET count = count + 1 WHERE name = 'stayed' AND day = ''")
    assert set(reconciled(database, lived, repair=True)) == {"stay_count"}
    assert reconciled(database, lived) == {}


def test_what_an_import_tells_of_the_past_is_compared_as_it_was_counted(
    database: Database, lived: datetime, noon: datetime
) -> None:
    """Its stays are counted, its goals, variants and dates are not."""
    past = [
        IncomingEvent(
            type="track", name=name, user_id="old", anonymous_id=None, message_id=f"old-{name}",
            at=noon - days * DAY, properties={}, traits={},
        )
        for days, name in ((30, "Signed Up"), (20, "Bought"), (10, "Account Closed"))
    ]  # fmt: skip
    with database.reading() as session:
        live = journeys.live(session, "tour")
    database.write(lambda session: placement.write(session, placement.prepare(session, [("old", past)], live, noon)))
    _do(database, "DELETE FROM dispatch")
    assert reconciled(database, lived) == {}
    _do(database, "UPDATE movement SET seconds = seconds - 60 WHERE source = 'new'")
    assert set(reconciled(database, lived)) == {"stay_seconds"}


def test_where_somebody_was_erased_a_count_may_be_above_what_is_left_and_never_below(
    database: Database, lived: datetime
) -> None:
    (gone,) = [one.id for one in rows(database, Customer) if one.external_id == "u0"]
    for phase in erasure.PHASES.values():
        database.write(lambda session, phase=phase: phase(session, gone, lived))
    _do(database, "DELETE FROM dispatch")
    assert reconciled(database, lived) == {}
    _do(database, "DELETE FROM run_count WHERE name IN ('assigned', 'converted')")
    found = reconciled(database, lived, repair=True)
    assert found == {"variant_count": (5, 5), "conversion_count": (1, 1)}
    assert reconciled(database, lived) == {}


def test_where_two_with_a_variant_became_one_the_count_of_the_variant_may_be_above_its_rows(
    database: Database, lived: datetime, take: Ingest, wake_all: WakeAll
) -> None:
    take({"type": "track", "anonymousId": "a1", "event": "Signed Up"}, at=lived)
    wake_all(lived)
    take({"type": "alias", "userId": "u3", "previousId": "a1"}, at=lived)
    wake_all(lived)
    _do(database, "DELETE FROM dispatch")
    with database.reading() as session:
        assert len(session.exec(select(Customer)).all()) == len(PEOPLE)
    assert reconciled(database, lived) == {}


def test_variants_whose_weights_are_counted_nowhere_have_those_that_a_version_gave_them(
    database: Database, lived: datetime, publish: Callable[[str, str], None]
) -> None:
    """The newest version that has the split says them, though the live one has it no more."""
    before = _counts(database)
    publish("tour", TOUR.replace("id: tip", "id: other"))
    _do(database, "DELETE FROM run_count WHERE name = 'assigned'")
    assert set(reconciled(database, lived, repair=True)) == {"variant_count"}
    assert _counts(database) == before
