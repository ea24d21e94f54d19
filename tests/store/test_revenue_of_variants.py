"""What a variant brought: each order once, less what takes it back, on its day, so that the day's rate applies."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sqlmodel import col, select

from journeys.program import compiler
from services.definitions.journey_versions import journeys
from services.experiments import comparison, results
from services.experiments.comparison import VariantCounts
from services.installation import installation_settings
from services.jobs import erasure
from store.queries.figures import counts, currency_rates, variant_revenue
from store.session import Database
from store.tables.customers import Customer, Event
from store.tables.enrollments import Enrollment
from store.tables.splits import Assignment
from tests import kept_counts
from tests.conftest import NOON, Statements
from tests.shells import Shell
from tests.store.mailed_shop import bought_by, order
from tests.store.one_enrollment import Ingest, rows

Publish = Callable[[str, str], None]

TOUR = """
journey: tour
enter: [{on: Signed Up}]
goal: {on: Order Completed, within: 14 days}
defaults: {topic: news}
start: new
stages:
  new:
    steps:
      - split:
          id: tip
          variants:
            a: {weight: 1, steps: [{send: mail_a}]}
            b: {weight: 1, steps: [{send: mail_b}]}
            none: {weight: 1, holdout: true}
      - wait: 90 days
"""
PEOPLE = 24
"""So many that each variant has somebody."""

USD, GBP = Decimal("0.9215"), Decimal("1.1534")


@pytest.fixture
def people(database: Database, publish: Publish, take: Ingest, noon: datetime) -> list[Shell]:
    """Customers, each with a variant since noon."""
    publish("tour", TOUR)
    take(*({"type": "track", "userId": f"u{number}", "event": "Signed Up"} for number in range(PEOPLE)))
    with database.reading() as session:
        shells = [Shell(database, one) for one in session.exec(select(Enrollment).order_by(col(Enrollment.id))).all()]
    for shell in shells:
        shell.wake(noon)
    return shells


def wake(people: list[Shell], at: datetime) -> None:
    for one in people:
        one.wake(at)


def shown(database: Database) -> Any:
    """The split of the report, of sums that equal what the assignments say."""
    kept_counts.assert_revenue_true(database)
    with database.reading() as session:
        version, _ = journeys.live(session, "tour")
        (found,) = results.of_program(session, compiler.load(version.canonical))
    return found


def brought(database: Database) -> dict[tuple[str, str], int]:
    """By variant and currency the cents of all its customers together, by the report."""
    return {
        (one["variant"], money["currency"]): round(100 * money["per_customer"] * one["customers"])
        for one in shown(database)["variants"]
        for money in one["revenue"]
    }


def of(database: Database, user: str) -> str:
    """The variant of one of them."""
    names = {one.id: one.external_id for one in rows(database, Customer)}
    return next(one.variant for one in rows(database, Assignment) if names[one.customer_id] == user)


def put_main(database: Database, rates: dict[tuple[str, str], Decimal]) -> None:
    with database.writing() as session:
        known = installation_settings.load(session)
        installation_settings.save(session, known.model_copy(update={"main_currency": "EUR"}), NOON)
        currency_rates.put(session, "EUR", rates)


def test_an_order_that_is_told_twice_counts_once_and_what_takes_it_back_is_taken_back(
    database: Database, people: list[Shell], take: Ingest, noon: datetime
) -> None:
    later, mine = noon + timedelta(days=1), of(database, "u0")
    take(order("1", 20, "u0"), at=later)
    wake(people, later)
    take(order("1", 20, "u0"), order("2", "0.10", "u0"), order("3", "0.20", "u0"), at=later + timedelta(hours=1))
    wake(people, later + timedelta(hours=1))
    assert brought(database) == {(mine, "EUR"): 2_030}, "cents add up exactly"
    take(order("1", "5.50", "u0", "Order Refunded"), at=later + timedelta(days=30))
    assert brought(database) == {(mine, "EUR"): 1_480}
    take(order("1", None, "u0", "Order Cancelled"), at=later + timedelta(days=31))
    assert brought(database) == {(mine, "EUR"): 30}


def test_an_order_without_an_amount_or_below_zero_brings_nothing_and_one_from_before_the_split_is_not_its(
    database: Database, publish: Publish, take: Ingest, noon: datetime
) -> None:
    publish("tour", TOUR)
    take(order("early", 40, "ann"), at=noon - timedelta(days=1))
    take({"type": "track", "userId": "ann", "event": "Signed Up"})
    with database.reading() as session:
        shell = Shell(database, session.exec(select(Enrollment)).one())
    shell.wake(noon)
    later = noon + timedelta(days=1)
    take(order("early", 40, "ann"), order("no", None, "ann"), order("odd", -5, "ann"), at=later)
    shell.wake(later)
    assert brought(database) == {}


def test_the_report_of_a_made_shop_is_what_its_events_say_counted_anew(
    database: Database, people: list[Shell], take: Ingest, noon: datetime
) -> None:
    """Orders in three currencies over a fortnight, some told twice, some taken back in part or whole, before or after."""
    random, users = Random(18), [f"u{number}" for number in range(PEOPLE)]
    for number in range(40):
        at, user = noon + timedelta(hours=8 * (number + 1)), random.choice(users)
        currency, total = random.choice(["EUR", "USD", "GBP"]), round(random.uniform(0.01, 99), 2)
        told = [order(f"o{number}", total, user, currency=currency)] * random.choice([1, 1, 2])
        if random.random() < 0.2:
            told.append(order(f"o{number}", round(total / 3, 2), user, "Order Refunded", currency=currency))
        if random.random() < 0.1:
            told.append(order(f"o{number}", None, user, "Order Cancelled"))
        random.shuffle(told)
        take(*told, at=at)
        if random.random() < 0.3:
            wake(people, at)
    wake(people, noon + timedelta(days=14))
    expected, in_main = Counter[tuple[str, str]](), defaultdict[str, Decimal](Decimal)
    given = {one.customer_id: one.variant for one in rows(database, Assignment)}
    happened = defaultdict[str, list[Event]](list)
    for event in rows(database, Event):
        happened[event.customer_id].append(event)
    rates = {
        (name, f"{noon + timedelta(days=day):%Y-%m-%d}"): rate + Decimal(day) / 1000
        for name, rate in (("USD", USD), ("GBP", GBP))
        for day in range(15)
    }
    customers = Counter(given.values())
    for customer, events in happened.items():
        worth = Decimal(0)
        for one in bought_by(events):
            expected[given[customer], one.currency] += one.cents
            worth += Decimal(one.cents) / 100 * rates.get((one.currency, f"{one.at:%Y-%m-%d}"), Decimal(1))
        in_main[given[customer]] += worth
    assert brought(database) == {key: cents for key, cents in expected.items() if cents}
    put_main(database, rates)
    found = shown(database)
    assert (found["main_currency"], {money["currency"] for one in found["variants"] for money in one["revenue"]}) == (
        "EUR", {"EUR"},
    )  # fmt: skip
    for one in found["variants"]:
        (money,) = one["revenue"] or [{"per_customer": 0, "low": 0, "high": 0}]
        assert money["per_customer"] == pytest.approx(
            float(round(in_main[one["variant"]], 2)) / customers[one["variant"]]
        )
        assert money["low"] <= money["per_customer"] <= money["high"]
    assert any("It changes what a customer spends by" in sentence for sentence in found["told"])


def test_without_a_rate_of_one_day_revenue_stays_by_currency_and_the_gap_is_told(
    database: Database, people: list[Shell], take: Ingest, noon: datetime
) -> None:
    later, mine = noon + timedelta(days=1), of(database, "u0")
    take(order("1", 20, "u0"), order("2", 10, "u0", currency="USD"), at=later)
    wake(people, later)
    put_main(database, {("USD", "2026-03-02"): USD})
    assert brought(database) == {(mine, "EUR"): 2_000, (mine, "USD"): 1_000}
    assert shown(database)["told"][-1] == ("Not everything has a sum in EUR: USD has no rate on 2026-03-03.")
    put_main(database, {("USD", "2026-03-03"): USD})
    assert brought(database) == {(mine, "EUR"): 2_922}, "20 and 9.215, of which the half goes to the even cent"


def test_an_order_of_the_goal_costs_a_wake_two_statements_more_and_a_plain_order_none(
    database: Database, people: list[Shell], take: Ingest, statements: Statements, noon: datetime
) -> None:
    """One asks for the zone, one for the order; only what takes back an order asks for variants."""
    later = noon + timedelta(days=1)
    take(order("1", 20, "u0"), at=later)
    with statements(database, at_most=400) as seen:
        wake(people, later)
    assert sum("FROM credited_order" in one for one in seen) == 1
    with statements(database, at_most=400) as seen:
        take(order("2", 20, "u0"), at=later + timedelta(hours=1))
    assert not any("FROM assignment" in one for one in seen)


def test_an_order_that_two_profiles_told_stands_on_the_day_and_in_the_currency_of_the_first_when_they_are_merged(
    database: Database, people: list[Shell], take: Ingest, noon: datetime
) -> None:
    """The known profile told it later, and in another currency."""
    earlier, later, mine = noon + timedelta(days=1), noon + timedelta(days=3), of(database, "u0")
    take({"type": "track", "anonymousId": "x", "event": "Looked", "properties": {}}, at=noon)
    take({**order("1", 20, "u0"), "userId": None, "anonymousId": "x"}, at=earlier)
    take(order("1", 30, "u0", currency="USD"), order("2", 5, "u0"), at=later)
    wake(people, later)
    assert brought(database) == {(mine, "USD"): 3_000, (mine, "EUR"): 500}
    take({"type": "identify", "userId": "u0", "anonymousId": "x"}, at=later + timedelta(days=1))
    assert brought(database) == {(mine, "EUR"): 2_500}
    (one,) = [each for each in rows(database, Assignment) if each.converted_at is not None]
    assert one.revenue["orders"]["1"] == [earlier.date().isoformat(), "EUR", 2_000]
    take(order("1", 20, "u0", "Order Refunded"), at=later + timedelta(days=2))
    assert brought(database) == {(mine, "EUR"): 500}


def test_of_two_who_had_a_variant_each_and_are_one_the_variant_that_is_kept_keeps_its_revenue(
    database: Database, people: list[Shell], take: Ingest, noon: datetime
) -> None:
    later = noon + timedelta(days=1)
    take(order("1", 20, "u0"), order("2", 7, "u1"), at=later)
    wake(people, later)
    kept = of(database, "u0")
    take({"type": "alias", "userId": "u0", "previousId": "u1"}, at=later + timedelta(days=1))
    assert brought(database) == {(kept, "EUR"): 2_000}


def test_the_report_reads_kept_sums_and_nobody_who_converted(
    database: Database, people: list[Shell], take: Ingest, statements: Statements, noon: datetime
) -> None:
    later = noon + timedelta(days=1)
    take(*(order(f"{one}", 20, f"u{one}", currency=["EUR", "USD"][one % 2]) for one in range(PEOPLE)), at=later)
    wake(people, later)
    put_main(database, {("USD", later.date().isoformat()): USD})
    with database.reading() as session:
        version, _ = journeys.live(session, "tour")
        program = compiler.load(version.canonical)
    with statements(database, at_most=12) as seen, database.reading() as session:
        results.of_program(session, program)
    assert not any("FROM assignment" in one for one in seen)


def test_intervals_by_kept_sums_are_those_of_the_amounts_one_by_one(database: Database) -> None:
    random, customers = Random(4), 2_000
    spent = [round(random.lognormvariate(3, 1), 2) for _ in range(400)]
    with database.writing() as session:
        tally = counts.tally(session)
        tally.count("enr", "tour", counts.ASSIGNED, counts.of_variant("tip", "a", {"a": 1}), customers)
        for one in spent:
            variant_revenue.tally(session).change("tour", ("tip", "a"), {}, {("EUR", "2026-03-02"): round(100 * one)})
    with database.reading() as session:
        kept = results.everything_counted(session, "tour").variants["tip"]["a"]
    each = VariantCounts(name="a", customers=customers, amounts={"EUR": Counter(spent)})
    (found,), (wanted,) = (comparison.figures("tip", [one])[0]["revenue"] for one in (kept, each))
    assert found["paying"] == wanted["paying"] == 400
    assert found["per_customer"] == pytest.approx(wanted["per_customer"], abs=1e-9)
    width = wanted["high"] - wanted["low"]
    assert abs(found["low"] - wanted["low"]) < 0.01 * width
    assert abs(found["high"] - wanted["high"]) < 0.01 * width


def test_what_erased_customers_were_worth_stays_the_variants_and_is_nobodys(
    database: Database, people: list[Shell], take: Ingest, noon: datetime
) -> None:
    later, mine = noon + timedelta(days=1), of(database, "u0")
    take(order("1", 20, "u0"), order("2", 7, "u0"), at=later)
    wake(people, later)
    take(order("2", 3, "u0", "Order Refunded"), at=later + timedelta(days=1))
    before = shown(database)
    (who,) = [one.id for one in rows(database, Customer) if one.external_id == "u0"]
    for phase in erasure.ROWS.values():
        while database.write(lambda session, phase=phase: phase(session, who, later)):
            pass
    assert shown(database) == before
    assert brought(database) == {(mine, "EUR"): 2_400}
    (kept,) = [one for one in rows(database, Assignment) if one.converted_at is not None]
    assert (who in kept.customer_id, kept.revenue) == (False, {"other": {later.date().isoformat(): {"EUR": 2_400}}})
    assert (kept.at, kept.converted_at) == (NOON.replace(hour=0), later.replace(hour=0)), "no instant tells who it was"
    assert len(rows(database, Assignment)) == PEOPLE
