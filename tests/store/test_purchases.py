"""What customers bought is kept current at ingestion, in imports and merges, and seen as it was at each event."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import select

from journeys.facts import customer_facts, guards
from journeys.simulation.simulator import PastFacts, RecordedEvent
from services.customers import data_export
from services.customers.attributes import known_facts
from services.customers.history import past_orders
from services.imports.placing import placement
from services.ingestion import segment_api
from services.ingestion.ingest import IngestResult
from services.installation import installation_settings, value_fit
from services.installation.installation_settings import InstallationSettings
from services.jobs import fit_value
from services.operations import operations
from services.upkeep.clocks import value_clock
from store.session import Database
from store.tables.access import Operation
from store.tables.customers import Customer
from store.tables.unreadable_values import UnreadableExample
from tests.store import buyers
from value.bgnbd import BgNbd
from value.purchases import Purchases
from value.rfm import Borders
from value.value_model import ValueModel

Ingest = Callable[..., IngestResult]
COFFEE = {"product_id": "p1", "name": "Ground coffee", "category": "coffee", "price": 8.5, "quantity": 2}


def order(
    number: str, total: Any = 20, user: str = "ann", name: str = "Order Completed", **more: Any
) -> dict[str, Any]:
    said = {"order_id": number, "total": total, "currency": "EUR", **more}
    return {"type": "track", "event": name, "userId": user, "properties": said}


def customer(database: Database, user: str = "ann") -> Customer:
    with database.reading() as session:
        return session.exec(select(Customer).where(Customer.external_id == user)).one()


def holds(database: Database, guard: str, now: datetime, seq: int | None = None) -> bool:
    with database.reading() as session:
        found = session.exec(select(Customer).where(Customer.external_id == "ann")).one()
        known = known_facts.facts_of(session, found, seq)
    result = guards.evaluate(guard, customer_facts.context(known, None, {}, now))
    assert result.error is None
    return result.holds


def test_a_guard_reads_what_was_bought(database: Database, take: Ingest, noon: datetime) -> None:
    take(order("a", products=[COFFEE]), order("a", products=[COFFEE]))
    take(order("b", 10, products=[{"name": "Cup", "price": 3}]), at=noon + timedelta(days=10))
    later = noon + timedelta(days=20)
    for guard in (
        'customer.bought["coffee"].count == 1 && customer.bought["coffee"].quantity == 2.0',
        'customer.bought["p1"].sum == 17.0 && customer.bought["Ground coffee"].last_at < now',
        'customer.bought["Cup"].sum == 3.0 && customer.bought["tea"].count == 0',
        'customer.value.orders == 2 && customer.value.monetary == 30.0 && customer.value.average == 15.0',
        'customer.value.currency == "EUR" && customer.value.sums.EUR == 30.0',
        'customer.value.gap == days(10) && customer.value.next_at == customer.value.last_at + days(10)',
        'customer.value.last_order.amount == 10.0 && "Cup" in customer.value.last_order.products',
        "customer.value.alive == null && customer.value.rfm == null",
    ):  # fmt: skip
        assert holds(database, guard, later), guard


def test_a_refund_and_a_cancellation_take_back(database: Database, take: Ingest, noon: datetime) -> None:
    take(order("a"), order("b"), order("b", name="Order Cancelled"), order("a", 5, name="Order Refunded"))
    assert holds(database, "customer.value.orders == 1 && customer.value.monetary == 15.0", noon)
    assert customer(database).events["Order Completed"]["count"] == 2  # events are counted as they came


def test_an_order_years_late_counts_where_it_lies(database: Database, take: Ingest, noon: datetime) -> None:
    take(order("new"))
    take({**order("old", 7), "timestamp": "2021-05-01T10:00:00Z"})
    assert holds(database, "customer.value.orders == 2 && customer.value.last_order.amount == 20.0", noon)
    assert holds(database, 'customer.value.first_at == timestamp("2021-05-01T10:00:00Z")', noon)


def test_what_nobody_can_read_is_counted_and_is_not_zero(database: Database, take: Ingest, noon: datetime) -> None:
    take(order("a", -5, currency="euros", products=[{**COFFEE, "price": "dear"}]), order("b", None))
    assert holds(database, "customer.value.orders == 2 && customer.value.monetary == null", noon)
    with database.reading() as session:
        told = {(one.field, one.value) for one in session.exec(select(UnreadableExample)).all()}
    assert told == {("amount", "-5.0"), ("amount", "(missing)"), ("currency", "euros"), ("products.price", "dear")}


def test_what_was_bought_is_seen_as_it_was_at_each_event(database: Database, take: Ingest, noon: datetime) -> None:
    names = ["Order Completed", "Page Viewed", "Order Refunded", "Order Completed", "Page Viewed"]
    recorded: list[RecordedEvent] = []
    for seq, name in enumerate(names, start=1):
        at, said = (
            noon + timedelta(hours=seq),
            {"order_id": "a" if seq < 4 else "b", "total": 10 - seq, "currency": "EUR"},
        )
        take({"type": "track", "event": name, "userId": "ann", "properties": said}, at=at)
        recorded.append(RecordedEvent(seq=seq, name=name, at=at, properties=said))
    past = PastFacts(recorded, {})
    with database.reading() as session:
        found = session.exec(select(Customer)).one()
        for seq in range(1, len(names)):
            kept = known_facts.facts_of(session, found, seq).purchases
            seen = kept if isinstance(kept, Purchases) else Purchases.from_json(kept)
            assert seen == past.known(seq).purchases, seq
        assert Purchases.from_json(found.purchases) == past.known(len(names)).purchases


def test_two_profiles_merge_what_they_bought(database: Database, take: Ingest, noon: datetime) -> None:
    take({"type": "identify", "userId": "ann"}, order("a"), order("b", 3))
    anonymous = {**order("b", 3), "userId": None, "anonymousId": "a1"}
    take(anonymous, {"type": "identify", "userId": "ann", "anonymousId": "a1"})
    assert holds(database, "customer.value.orders == 2 && customer.value.monetary == 23.0", noon)


def test_an_import_and_a_backfill_fold_the_same(database: Database, take: Ingest, noon: datetime) -> None:
    items = [{**order(str(day), day), "messageId": f"m{day}"} for day in range(1, 6)]
    read = [segment_api.read(one, noon) for one in items]
    with database.writing() as session:
        placement.write(session, placement.prepare(session, [("ann", read)], None, noon))
    imported = customer(database).purchases
    assert len(imported["orders"]) == 5
    take(*({**one, "userId": "bob", "messageId": None} for one in items))
    assert customer(database, "bob").purchases == imported
    with database.writing() as session:
        found = session.exec(select(Customer)).all()
        for one in found:
            one.purchases = {}
        past_orders.fold(session, found)
    assert customer(database).purchases == customer(database, "bob").purchases == imported


def test_an_export_holds_what_was_bought(database: Database, take: Ingest) -> None:
    take(order("a"))
    with database.reading() as session:
        exported = data_export.export(session, session.exec(select(Customer)).one())
    assert exported["customer"]["purchases"]["orders"]["a"]["amount"] == 20


# -- the nightly fit ---------------------------------------------------------------------------------------------------


def fitted(database: Database, now: datetime) -> dict[str, Any]:
    """Do the operation that the clock asks for."""
    with database.writing() as session:
        assert value_clock.run_due(session, now, 1) == 1
        assert value_clock.run_due(session, now, 1) == 0
    with database.reading() as session:
        (asked,) = session.exec(select(Operation)).all()
    for page in fit_value.pages(database, asked, lambda: now):
        with database.writing() as session:
            operations.advance(session, asked.id, page)
    with database.reading() as session:
        return dict(value_fit.kept_fit(session))


def test_a_night_fits_everybody_and_keeps_the_settings(database: Database, take: Ingest, noon: datetime) -> None:
    with database.writing() as session:
        installation_settings.save(session, InstallationSettings(timezone="Europe/Berlin"), noon)
    bought = buyers.days_of_orders(150)
    by_day: dict[int, list[dict[str, Any]]] = {}
    for number, days in enumerate(bought):
        for day in days:
            by_day.setdefault(number % 6 + day, []).append(order(f"{number}/{day}", 10 + number, user=f"u{number}"))
    for day, those in sorted(by_day.items()):
        take(*those, at=noon + timedelta(days=day))
    best = max(range(150), key=lambda number: len(bought[number]) * (10 + number))
    night = (noon + timedelta(days=90)).replace(hour=2)
    kept = fitted(database, night)
    assert kept["refusal"] is None
    assert (kept["report"]["customers"], kept["report"]["money"]["customers"]) == (150, 90)
    with database.reading() as session:
        model = value_fit.load(session)
        assert installation_settings.load(session).timezone == "Europe/Berlin"
        known = known_facts.facts_of(
            session, session.exec(select(Customer).where(Customer.external_id == f"u{best}")).one()
        )
    assert (model.currency, model.orders is not None, model.money is not None) == ("EUR", True, True)
    context = customer_facts.context(known, None, {}, night)
    for guard in ("customer.value.alive > 0.0 && customer.value.alive < 1.0", "customer.value.rfm.endsWith('5')",
                  "customer.value.value_365 > customer.value.value_90", "customer.value.orders_90 > 0.0"):  # fmt: skip
        assert guards.evaluate(guard, context).holds, guard
    with database.writing() as session:
        installation_settings.save(session, InstallationSettings(), noon)
        assert value_fit.load(session) == model


def test_too_few_orders_give_fifths_and_say_why_there_is_no_fit(
    database: Database, take: Ingest, noon: datetime
) -> None:
    take(order("a"))
    kept = fitted(database, noon.replace(hour=3))
    assert kept["refusal"] == "0 customers ordered again; a fit takes 30"
    assert holds(database, "customer.value.class != null && customer.value.alive == null", noon)


def test_a_fit_is_asked_for_at_night_once_and_where_there_are_orders(
    database: Database, take: Ingest, noon: datetime
) -> None:
    night = noon.replace(hour=2)
    with database.reading() as session:
        assert not value_clock.any_due(session, night)
    take(order("a"))
    with database.writing() as session:
        assert not value_clock.any_due(session, noon)
        assert value_clock.any_due(session, night)
        value_clock.run_due(session, night, 1)
        assert not value_clock.any_due(session, night + timedelta(hours=1))
        assert value_clock.any_due(session, night + timedelta(days=1))
        assert value_clock.any_due(session, noon + timedelta(days=3))  # it stood still for two nights


def test_what_is_expected_changes_with_time_alone() -> None:
    assert guards.reads_now("customer.value.alive < 0.2")
    assert not guards.reads_now("customer.value.orders > 3")
    assert guards.reads("customer.value.alive < 0.2") == {"Order Completed", "Order Refunded", "Order Cancelled"}
    assert guards.attributes_read('customer.value.alive < 0.2 && customer.bought["x"].count > 0') == frozenset()
    model = ValueModel(
        currency="EUR", orders=BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426),
        borders=Borders(recency=(1, 2, 3, 4), frequency=(1, 2, 3, 4), monetary=(1, 2, 3, 4)),
    )  # fmt: skip
    assert ValueModel.from_json(model.as_json()) == model


def test_a_name_that_there_is_not_is_told_with_the_nearest() -> None:
    assert guards.refusal("customer.value.aliv < 0.5") == (
        "unknown_value",
        "the guard reads customer.value.aliv, which there is not; did you mean customer.value.alive?",
    )
    assert guards.type_problem('customer.value.orders == "3"') is not None
    assert guards.type_problem('customer.bought["x"].last_at < "2026-01-01"') is not None
    assert guards.type_problem("customer.value.gap > days(30)") is None
