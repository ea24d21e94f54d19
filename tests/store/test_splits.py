"""Splits: whoever has a variant keeps it, whatever becomes of the weights; conversions are credited to it."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select

from services.definitions.journey_versions import journeys
from services.enrollments.forecast import enrollment_forecast
from services.imports.placing import placement
from services.ingestion.segment_api import IncomingEvent
from store.queries.enrollment import assignments
from store.queries.figures import counts
from store.session import Database
from store.tables.customers import Customer
from store.tables.enrollments import Decision, Enrollment
from store.tables.messages import Message
from store.tables.splits import Assignment, Experiment
from tests import kept_counts
from tests.conftest import Statements
from tests.shells import Shell
from tests.store.one_enrollment import Ingest, rows

Publish = Callable[[str, str], None]

TOUR = """
journey: tour
enter: [{on: Signed Up}]
reentry: always
goal: {on: Bought, within: 14 days}
defaults: {topic: news}
start: new
stages:
  new:
    steps:
      - split:
          id: tip
          variants: VARIANTS
      - wait: 30 days
"""
EVEN = "{a: {weight: 1, steps: [{send: mail_a}]}, b: {weight: 1, steps: [{send: mail_b}]}, none: {weight: 1, holdout: true}}"
PEOPLE = [f"u{number}" for number in range(30)]


def tour(variants: str = EVEN) -> str:
    return TOUR.replace("VARIANTS", variants)


@pytest.fixture
def enters(database: Database, take: Ingest) -> Callable[[list[str], datetime], list[Shell]]:
    """These people enter at an instant, and their enrollments wake."""

    def run(people: list[str], at: datetime) -> list[Shell]:
        take(*({"type": "identify", "userId": one, "traits": {"email": f"{one}@example.com"}} for one in people), at=at)
        take(*({"type": "track", "userId": one, "event": "Signed Up"} for one in people), at=at)
        with database.reading() as session:
            query = select(Enrollment).where(Enrollment.status == "live", Enrollment.entered_at == at)
            shells = [Shell(database, one) for one in session.exec(query.order_by(col(Enrollment.id))).all()]
        for shell in shells:
            shell.wake(at)
        return shells

    return run


Enters = Callable[[list[str], datetime], list[Shell]]


def variants(database: Database) -> dict[str, str]:
    """The variant that each of them has, by their own ids."""
    names = {one.id: one.external_id for one in rows(database, Customer)}
    return {names[one.customer_id]: one.variant for one in rows(database, Assignment)}


def told(database: Database, after: datetime) -> Counter[tuple[str, str, str | None]]:
    """What splits decided from this instant on."""
    found = [one for one in rows(database, Decision) if "split" in one.detail and one.at >= after]
    return Counter((one.what, one.detail["variant"], one.detail.get("why")) for one in found)


def test_an_edit_of_the_weights_moves_nobody_who_has_a_variant(
    database: Database, publish: Publish, enters: Enters, noon: datetime
) -> None:
    publish("tour", tour())
    enters(PEOPLE, noon)
    first = variants(database)
    assert set(first) == set(PEOPLE)
    assert set(first.values()) == {"a", "b", "none"}
    publish(
        "tour", tour(EVEN.replace("a: {weight: 1", "a: {weight: 50").replace("none: {weight: 1", "none: {weight: 0"))
    )
    later = noon + timedelta(days=40)
    enters([*PEOPLE, "newcomer"], later)
    again = variants(database)
    assert {one: again[one] for one in PEOPLE} == first
    seen = told(database, later)
    assert seen["held_out", "none", "remembered"] == Counter(first.values())["none"], "a holdout never shrinks"
    assert sum(count for (_, _, why), count in seen.items() if why == "remembered") == len(PEOPLE)


def test_whose_variant_was_removed_gets_no_other(
    database: Database, publish: Publish, enters: Enters, noon: datetime
) -> None:
    publish("tour", tour())
    enters(PEOPLE, noon)
    first = Counter(variants(database).values())
    publish("tour", tour("{b: {weight: 1, steps: [{send: mail_b}]}, c: {weight: 1, steps: [{send: mail_c}]}}"))
    later = noon + timedelta(days=40)
    shells = enters(PEOPLE, later)
    assert told(database, later) == Counter({
        ("variant_gone", "a", None): first["a"],
        ("assigned", "b", "remembered"): first["b"],
        ("variant_gone", "none", None): first["none"],
    })  # fmt: skip
    assert {shell.state.position for shell in shells} == {"new/wait:30 days"}


def test_a_decided_split_gives_everybody_its_winner_and_no_assignment_changes(
    database: Database, publish: Publish, enters: Enters, noon: datetime
) -> None:
    publish("tour", tour())
    enters(PEOPLE, noon)
    first, later = variants(database), noon + timedelta(days=40)
    with database.writing() as session:
        session.add(Experiment(journey="tour", split="tip", began_at=noon, winner="b", decided_at=later, by="test"))
    enters([*PEOPLE, "newcomer"], later)
    assert told(database, later) == Counter({("assigned", "b", "winner"): len(PEOPLE) + 1})
    assert variants(database) == first
    publish("tour", tour().replace("id: tip", "id: tip\n          winner: a"))
    last = later + timedelta(days=40)
    enters(PEOPLE, last)
    assert told(database, last) == Counter({("assigned", "a", "winner"): len(PEOPLE)}), (
        "the definition has the last word"
    )


def test_a_forecast_knows_the_variant_that_somebody_has(
    database: Database, publish: Publish, enters: Enters, take: Ingest, noon: datetime
) -> None:
    publish("tour", tour())
    enters(PEOPLE, noon)
    first = variants(database)
    delayed = (
        tour().replace("      - split:", "      - wait: 1 day\n      - split:").replace("weight: 1,", "weight: 0,", 1)
    )
    publish("tour", delayed)
    later = noon + timedelta(days=40)
    enters(PEOPLE, later)
    with database.reading() as session:
        for one in session.exec(select(Enrollment).where(Enrollment.entered_at == later)).all():
            customer = session.get(Customer, one.customer_id)
            assert customer is not None
            actions = enrollment_forecast.next_actions(session, one, Shell(database, one).state, later)
            forecast = next(action.detail["variant"] for action in actions if "variant" in action.detail)
            assert forecast == first[str(customer.external_id)]


def test_a_goal_converts_each_variant_once_and_adds_up_its_revenue_by_currency(
    database: Database, publish: Publish, enters: Enters, take: Ingest, noon: datetime
) -> None:
    publish("tour", tour())
    shells = enters(PEOPLE[:2], noon)
    later = noon + timedelta(days=1)
    for total, currency in ((20, "eur"), (5.5, "EUR"), (7, "USD"), (1, None)):
        bought = {"total": total, **({"currency": currency} if currency else {})}
        take({"type": "track", "userId": "u0", "event": "Bought", "properties": bought}, at=later)
    for shell in shells:
        shell.wake(later)
    found = {one.variant: one for one in rows(database, Assignment) if one.converted_at is not None}
    mine = variants(database)["u0"]
    assert {name: (one.converted_at, one.revenue) for name, one in found.items()} == {
        mine: (later, {"other": {"2026-03-03": {"EUR": 2550, "USD": 700, "unstated": 100}}})
    }
    with database.reading() as session:
        assigned = counts.runs(session, "tour", counts.ASSIGNED)
        converted = counts.runs(session, "tour", counts.VARIANT_CONVERTED)
    weights = {"a": 1, "b": 1, "none": 1}
    assert assigned == Counter(counts.of_variant("tip", one, weights) for one in variants(database).values())
    assert converted == {counts.of_variant("tip", mine): 1}


def test_a_new_variant_costs_a_wake_three_statements(
    database: Database, publish: Publish, take: Ingest, statements: Statements, noon: datetime
) -> None:
    """One asks for what is known, one keeps it, one counts it."""
    asked: list[int] = []
    alone = TOUR[: TOUR.index("      - split")] + "      - send: mail_a\n      - wait: 30 days\n"
    for text in (tour("{a: {weight: 1, steps: [{send: mail_a}]}}"), alone):
        publish("tour", text)
        take({"type": "track", "userId": f"u{len(asked)}", "event": "Signed Up"})
        with database.reading() as session:
            shell = Shell(database, session.exec(select(Enrollment).order_by(col(Enrollment.id).desc())).all()[0])
        with statements(database, at_most=40) as seen:
            shell.wake(noon)
        asked.append(len(seen))
    assert asked[0] - asked[1] <= 3


def test_a_merge_keeps_the_known_customers_variant_and_takes_the_others_where_there_is_none(
    database: Database, take: Ingest, noon: datetime
) -> None:
    take(
        {"type": "track", "userId": "ann", "event": "Looked"}, {"type": "track", "anonymousId": "a1", "event": "Looked"}
    )
    known = {one.external_id: one.id for one in rows(database, Customer)}
    with database.writing() as session:
        assignments.add(session, [
            assignments.row(known["ann"], "tour", "tip", "a", noon),
            assignments.row(known[None], "tour", "tip", "b", noon),
            assignments.row(known[None], "tour", "hour", "late", noon),
        ])  # fmt: skip
    take({"type": "alias", "userId": "ann", "previousId": "a1"})
    found = {(one.customer_id, one.split, one.variant) for one in rows(database, Assignment)}
    assert found == {(known["ann"], "tip", "a"), (known["ann"], "hour", "late")}


def signed_up(who: str, number: int, at: datetime) -> IncomingEvent:
    return IncomingEvent(
        type="track", name="Signed Up", user_id=who, anonymous_id=None, message_id=f"{who}-{number}", at=at,
        properties={}, traits={},
    )  # fmt: skip


def test_an_imported_history_is_remembered_and_no_experiment_counts_it(
    database: Database, publish: Publish, enters: Enters, noon: datetime
) -> None:
    publish("tour", tour())
    past = noon - timedelta(days=100)
    work = [
        (one, [signed_up(one, number, past + timedelta(days=40 * number)) for number in range(2)])
        for one in PEOPLE
    ]  # fmt: skip
    with database.reading() as session:
        live = journeys.live(session, "tour")
    database.write(lambda session: placement.write(session, placement.prepare(session, work, live, noon)))
    first = variants(database)
    assert set(first) == set(PEOPLE)
    assert {one.counted for one in rows(database, Assignment)} == {False}
    enters(PEOPLE, noon)
    assert variants(database) == first
    with database.reading() as session:
        assert counts.runs(session, "tour", counts.ASSIGNED) == {}


def test_an_enrollment_of_the_first_engine_is_handed_its_state_and_splits_as_all_do(
    database: Database, publish: Publish, take: Ingest, noon: datetime
) -> None:
    """Its workflow goes on from the state that it is given, so nothing goes astray and nothing is put right."""
    publish("tour", tour())
    take({"type": "track", "userId": "ann", "event": "Signed Up"})
    with database.writing() as session:
        (old,) = session.exec(select(Enrollment)).all()
        old.state = {name: value for name, value in old.state.items() if name != "engine"}
        session.add(old)
    with database.reading() as session:
        shell = Shell(database, session.exec(select(Enrollment)).one())
    woken = shell.wake(noon)
    assert (woken.number, woken.state) == (1, shell.state)
    assert shell.state.engine == 2
    assert [one.what for one in rows(database, Decision) if one.what == "put_right"] == []
    assert variants(database).keys() == {"ann"}
    assert shell.wake(noon + timedelta(days=30)).state is None


NESTED = """{
  a: {weight: 1, steps: [{split: {id: tone, variants: {warm: {weight: 1, steps: [{send: mail_a}]}}}}, {wait: 1 day}, {send: mail_b}]},
  b: {weight: 1, steps: [{send: mail_c}]}}"""


def test_a_mail_within_a_split_has_the_variant_of_the_inner_one_and_the_source_of_its_customer(
    database: Database, publish: Publish, take: Ingest, enters: Callable[..., list[Shell]], noon: datetime
) -> None:
    publish("tour", tour(NESTED) + "      - send: mail_a\n")
    touch = {"type": "page", "context": {"campaign": {"medium": "cpc"}}}
    take(*({**touch, "userId": one} for one in PEOPLE[:9]), at=noon)
    shells = enters(PEOPLE, noon)
    for shell in shells:
        shell.wake(noon + timedelta(days=1))
        shell.wake(noon + timedelta(days=31))
    with database.reading() as session:
        sent = session.exec(select(Message.template, Message.variant, Message.step)).all()
        sources = Counter(session.exec(select(Message.source).where(Message.visit == 1)).all())
    assert {(template, variant) for template, variant, _ in sent} == {
        ("mail_a", "tone/warm"), ("mail_b", "tip/a"), ("mail_c", "tip/b"), ("mail_a", None),
    }  # fmt: skip
    assert {*sources} == {"paid", None}
    kept_counts.assert_true(database)
