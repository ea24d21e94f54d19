"""Live membership is what a recount would find, whatever the guards are, whatever happened, and in whatever batches."""

from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlmodel import Session, col, delete, select

from journeys.facts import customer_facts, guards
from services.customers.attributes import known_facts
from services.ingestion import ingest
from services.ingestion.ingest import IngestResult
from services.upkeep import upkeep
from store.queries.history import unreadable_values
from store.queries.identity import customers
from store.session import Database
from store.tables.customers import Backfill, Customer, Segment, SegmentMember
from tests.store.town import Publish, Town, put_segment

Ingest = Callable[..., IngestResult]

NAMES = ["Order", "Visit"]
ATOMS = [
    'customer.events["Order"].count == 0',
    'customer.events["Order"].count >= 2',
    'customer.events["Visit"].count == 1',
    'customer.events["Order"].sum > 20.0',
    'customer.events["Never"].count == 0',
    "customer.plan == 'pro'",
    "customer.plan != 'pro'",
    "has(customer.plan)",
    "!has(customer.email)",
    "customer.group.id == 'acme'",
    "customer.id == 'ann'",
    "true",
]
MEMBERSHIP = ["'first' in customer.segments", "!('first' in customer.segments)"]


def guard_of(atoms: list[str]) -> some.SearchStrategy[str]:
    return some.recursive(
        some.sampled_from(atoms),
        lambda inner: some.one_of(
            some.builds("({} && {})".format, inner, inner),
            some.builds("({} || {})".format, inner, inner),
            some.builds("!({})".format, inner),
        ),
        max_leaves=3,
    )


WHO = some.sampled_from(
    [("u1", None), ("u2", None), (None, "a1"), (None, "a2"), ("u1", "a1"), ("u2", "a2"), ("ann", "a1")]
)
TRAITS = some.fixed_dictionaries(
    {}, optional={"plan": some.sampled_from(["pro", "solo", None]), "email": some.sampled_from(["x@y.example", None])}
)
HAPPENING = some.one_of(
    some.builds(lambda traits: {"type": "identify", "traits": traits}, TRAITS),
    some.builds(
        lambda name, total: {"type": "track", "event": name, "properties": {"total": total}},
        some.sampled_from([*NAMES, "Unheard"]),
        some.integers(0, 30),
    ),
    some.just({"type": "group", "groupId": "acme"}),
    some.just({"type": "alias", "previousId": "a2"}),
)
BATCHES = some.lists(some.lists(some.tuples(WHO, HAPPENING), min_size=1, max_size=4), min_size=1, max_size=4)
EXAMPLE = count()


def named(who: tuple[str | None, str | None], happened: dict[str, Any], example: int) -> dict[str, Any]:
    """A call whose ids are this example's alone; the known `ann` stays, since a guard names them."""
    ids = {"userId": who[0], "anonymousId": who[1], "previousId": happened.get("previousId")}
    mine = {name: value if value == "ann" else f"{value}-{example}" for name, value in ids.items() if value}
    return {**happened, **mine}


def recounted(session: Session, customer: Customer, rules: list[Segment], now: datetime) -> list[str]:
    """The segments that are true for a customer, one after the other: later ones read earlier ones."""
    found: list[str] = []
    known = known_facts.facts_of(session, customer)
    for one in rules:
        facts = customer_facts.CustomerFacts(
            attributes=known.attributes, aggregates=known.aggregates, timezone=known.timezone, segments=tuple(found)
        )
        if guards.evaluate(one.guard, customer_facts.context(facts, None, {}, now)).holds:
            found.append(one.key)
    return sorted(found)


@given(first=guard_of(ATOMS), second=guard_of([*ATOMS, *MEMBERSHIP]), batches=BATCHES)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_live_membership_is_a_full_recount(
    database: Database, noon: datetime, first: str, second: str, batches: list[Any]
) -> None:
    example = next(EXAMPLE)
    with database.writing() as session:
        for table in (SegmentMember, Segment):
            session.connection().execute(delete(table))
        for one in session.exec(select(Customer)).all():
            one.external_id, one.segments = f"{one.id}-of-before", []
        for key, guard in (("first", first), ("second", second)):
            session.add(Segment(key=key, guard=guard, created_at=noon, updated_at=noon))
        before = set(session.exec(select(Customer.id)).all())
    for batch in batches:
        calls = [named(who, happened, example) for who, happened in batch]
        database.write(lambda session, calls=calls: ingest.ingest(session, calls, noon))
    with database.reading() as session:
        rules = list(session.exec(select(Segment).order_by(col(Segment.key))).all())
        for one in customers.page(session, "", 10_000):
            if one.id not in before:
                members = session.exec(select(SegmentMember.segment).where(SegmentMember.customer_id == one.id)).all()
                assert sorted(one.segments) == sorted(members) == recounted(session, one, rules, noon)


# -- a guard that would take too long ----------------------------------------------------------------------------------

PAIRS = "customer.tags.all(a, customer.tags.exists(b, b == a)) && customer.plan == 'pro'"


def test_who_would_take_too_long_to_ask_about_stays_in_or_out_and_that_is_told(database: Database, town: Town) -> None:
    def says(tags: int, plan: str) -> list[list[str]]:
        traits = {"plan": plan, "tags": [f"tag {one}" for one in range(tags)]}
        with database.writing() as session:
            ingest.ingest(session, [{"type": "identify", "userId": "ann", "traits": traits}], town.now)
        return [one.segments for one in town.rows(Customer)]

    put_segment(town, "pros", PAIRS)
    town.upkeep()
    assert (says(800, "pro"), says(30, "pro")) == ([[]], [["pros"]])
    assert (says(800, "pro"), says(800, "solo"), says(30, "solo")) == ([["pros"]], [["pros"]], [[]])
    with database.reading() as session:
        (told,) = unreadable_values.listed(session)
    assert (told.source, told.field, told.count) == ("segment pros", "(guard)", 3)
    assert "it may take 475 ms" in told.examples[0]


# -- guards that are dear together -------------------------------------------------------------------------------------


def many_pairs(town: Town, count: int) -> None:
    """Segments whose guards may take 30 ms each over two hundred tags."""
    for number in range(count):
        put_segment(town, f"s{number:02}", f"customer.tags.all(a, customer.tags.exists(b, b == a)) && {number} >= 0")
    town.upkeep()


def tagged(user: str) -> dict[str, Any]:
    tags = [f"tag {one}" for one in range(200)]
    return {"type": "identify", "userId": user, "traits": {"tags": tags}}


def said(town: Town) -> dict[tuple[str, str], int]:
    with town.database.reading() as session:
        return {(one.source, one.field): one.count for one in unreadable_values.listed(session)}


def test_guards_of_segments_share_what_one_event_may_take_and_everybody_is_looked_at_later(town: Town) -> None:
    """Forty segments that each stay within the bound would hold everybody's events for more than a second."""
    many_pairs(town, 40)
    town.happens(tagged("ann"))
    assert [one.segments for one in town.rows(Customer)] == [[f"s{one:02}" for one in range(6)]]
    assert said(town) == {(f"segment s{one:02}", "(guard, later)"): 1 for one in range(6, 40)}
    town.upkeep()
    assert [len(one.segments) for one in town.rows(Customer)] == [40]
    assert town.rows(Backfill) == []


def test_so_do_those_that_go_over_nothing_and_are_dear_all_the_same(town: Town) -> None:
    """A class of letters takes a quarter of a millisecond to compile, twenty times."""
    for number in range(40):
        put_segment(town, f"s{number:02}", f'customer.name.matches("^\\\\w{{20}}$") || {number} < 0')
    town.upkeep()
    town.identify(name="a" * 20)
    (at_once,) = [len(one.segments) for one in town.rows(Customer)]
    assert 10 < at_once < 40
    town.upkeep()
    assert [len(one.segments) for one in town.rows(Customer)] == [40]


def test_events_of_a_batch_share_what_five_of_them_may_take(town: Town) -> None:
    many_pairs(town, 7)
    town.happens(*(tagged(f"u{number}") for number in range(10)))
    assert sum(len(one.segments) for one in town.rows(Customer)) == 33
    town.upkeep()
    assert sum(len(one.segments) for one in town.rows(Customer)) == 70


def test_what_follows_from_an_event_shares_it_too(town: Town) -> None:
    """Segments that read who is in the others: each change is an event of its own."""
    guard = "customer.tags.all(a, customer.tags.exists(b, b == a))"
    for number in range(12):
        others = f' && !("none of {number}" in customer.segments)'
        put_segment(town, f"s{number:02}", guard + others)
    town.upkeep()
    town.happens(tagged("ann"))
    assert [len(one.segments) for one in town.rows(Customer)] == [6]
    town.upkeep()
    assert [len(one.segments) for one in town.rows(Customer)] == [12]


def test_a_look_at_everybody_ends_its_page_where_the_guard_is_dear(town: Town) -> None:
    """A page of a hundred customers would hold them all for three seconds."""
    town.happens(*(tagged(f"u{number}") for number in range(20)))
    put_segment(town, "pairs", "customer.tags.all(a, customer.tags.exists(b, b == a))")
    members = list[int]()
    while town.database.write(lambda session: upkeep.do(session, town.now)):
        members.append(len(town.rows(SegmentMember)))
    assert members == [6, 12, 18, 20, 20]
    assert said(town) == {}


# -- what a new customer is in -----------------------------------------------------------------------------------------


def test_a_new_customer_is_in_every_segment_that_is_true_for_them(town: Town, publish: Publish) -> None:
    put_segment(town, "never-ordered", 'customer.events["Order"].count == 0')
    put_segment(town, "everybody", "true")
    publish("j", "journey: j\nenter: [{segment: never-ordered}]\nstart: a\nstages: {a: {}}")
    town.upkeep()
    town.event("Visit")
    assert [one.segments for one in town.rows(Customer)] == [["everybody", "never-ordered"]]
    assert town.stages("j") == ["a"]
    town.event("Order")
    assert [one.segments for one in town.rows(Customer)] == [["everybody"]]
