"""Funnels and cohorts against a recount in plain Python, on made customers and on CDNOW."""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest
from sqlmodel import select

from services.definitions.journey_versions import journeys
from services.errors import InvalidInput, Refused
from services.imports.placing import placement
from services.ingestion import segment_api
from services.operations import operations
from services.reports.conversion import paged_report, reached, report_operations
from services.reports.conversion.cohorts import CohortQuestion, Cohorts
from services.reports.conversion.funnel import Funnel, FunnelQuestion
from services.statistics import chains, quartiles
from store.session import Database
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment
from tests.conftest import Statements
from tests.shells import Shell

CDNOW = Path(__file__).parents[2] / "examples" / "cdnow" / "orders.csv"
EVERY = 40
"""One of so many customers of CDNOW: 59 of them."""

LAST_DAY = datetime(1998, 6, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)

SHOP = """
journey: shop
lifecycle: true
enter: [{on: Order Completed}]
start: first
stages:
  first:
    transitions: [{on: Order Completed, to: again}]
  again:
    transitions: [{on: Order Completed, to: loyal}]
  loyal: {}
"""

Orders = dict[str, list[datetime]]


def funnel(database: Database, now: datetime, *chain: str, **asked: Any) -> dict[str, Any]:
    with database.reading() as session:
        return paged_report.at_once(session, Funnel(session, FunnelQuestion(chain=chain, **asked), now))


def triangle(database: Database, now: datetime, **asked: Any) -> dict[str, Any]:
    with database.reading() as session:
        return paged_report.at_once(session, Cohorts(session, CohortQuestion(**asked), now))


@pytest.fixture
def orders() -> Orders:
    """Some customers of CDNOW with the days of their orders."""
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    with CDNOW.open() as file:
        for row in csv.DictReader(file):
            if int(row["customer"]) % EVERY == 0:
                found[row["customer"]].append(datetime.fromisoformat(row["ordered_on"]).replace(tzinfo=UTC))
    return {name: sorted(days) for name, days in found.items()}


@pytest.fixture
def cdnow(database: Database, publish: Callable[[str, str], None], orders: Orders) -> Orders:
    """They are imported into a journey."""
    publish("shop", SHOP)
    chunk = [
        (
            name,
            [
                segment_api.read(
                    {"type": "track", "userId": name, "event": "Order Completed", "messageId": f"{name}-{number}",
                     "timestamp": at.isoformat(), "properties": {"total": 1}}, LAST_DAY, recorded=True,
                )
                for number, at in enumerate(days)
            ],
        )
        for name, days in orders.items()
    ]  # fmt: skip
    with database.writing() as session:
        (live,) = journeys.all_live(session)
        placement.write(session, placement.prepare(session, chunk, live, LAST_DAY))
    return orders


def test_a_funnel_of_orders_is_what_a_recount_says(database: Database, cdnow: Orders) -> None:
    since, within = date(1997, 1, 1), timedelta(days=90)
    found = funnel(
        database, LAST_DAY, *["event:Order Completed"] * 3, since=since, until=date(1997, 3, 31), within="90 days"
    )
    second, third, gaps = 0, 0, list[float]()
    for days in cdnow.values():
        later = [day for day in sorted({*days}) if days[0] < day <= days[0] + within]
        second, third = second + (len(later) > 0), third + (len(later) > 1)
        gaps += [(later[0] - days[0]) / DAY] if later else []
    assert [one["customers"] for one in found["steps"]] == [len(cdnow), second, third]
    took = found["steps"][1]["took"]
    assert took["n"] == second
    quarters = quantiles(gaps, n=4, method="inclusive")
    assert [took[name] for name in ("p25_days", "median_days", "p75_days")] == pytest.approx(quarters, abs=0.001)
    assert found["steps"][0]["rest"] == len(cdnow) - second
    assert found["steps"][1]["of_previous"]["n"] == len(cdnow)
    assert found["steps"][2]["of_previous"] == {**found["steps"][2]["of_previous"], "count": third, "n": second}
    assert [one["open"] for one in found["steps"]] == [0, 0, 0]


def test_stages_and_events_are_mixed_and_broken_down_by_month_and_version(database: Database, cdnow: Orders) -> None:
    found = funnel(
        database, LAST_DAY, "entry", "stage:again", since=date(1997, 1, 1), until=date(1998, 6, 30),
        within="100 weeks", by="month",
    )  # fmt: skip
    begun = Counter(days[0].strftime("%Y-%m") for days in cdnow.values())
    again = Counter(days[0].strftime("%Y-%m") for days in cdnow.values() if len(days) > 1)
    assert {one["group"]: one["customers"] for one in found["groups"]} == dict(begun)
    assert {one["group"]: one["steps"][1]["customers"] for one in found["groups"]} == {
        month: again[month] for month in begun
    }
    only_one = sum(len(days) == 1 for days in cdnow.values())
    assert found["steps"][0]["stand"] == {"stages": {"first": only_one}, "ended": {}, "outside": 0}
    ordered = funnel(
        database, LAST_DAY, "stage:first", "event:Order Completed", since=date(1997, 1, 1), within="100 weeks",
        by="version",
    )  # fmt: skip
    different = sum(len({*days}) > 1 for days in cdnow.values())
    assert [one["customers"] for one in ordered["steps"]] == [len(cdnow), different], "who came is no next order"
    assert [(one["group"], one["customers"]) for one in ordered["groups"]] == [("1", len(cdnow))]


def test_the_triangle_is_what_a_recount_says(database: Database, cdnow: Orders) -> None:
    found = triangle(database, LAST_DAY, since=date(1997, 1, 1), until=date(1997, 3, 31))
    expected: dict[int, Counter[int]] = {month: Counter() for month in (1, 2, 3)}
    for days in cdnow.values():
        began = days[0].month
        later = {(day.year - 1997) * 12 + day.month - began for day in days if day > days[0]}
        expected[began].update(later)
    assert found["first"] == "stage:first"
    assert [one["customers"] for one in found["cohorts"]] == [
        sum(days[0].month == month for days in cdnow.values()) for month in (1, 2, 3)
    ]
    for month, row in zip((1, 2, 3), found["cohorts"], strict=True):
        assert [one["count"] for one in row["periods"]] == [expected[month][k] for k in range(18 - month + 1)]
        assert [one["running"] for one in row["periods"]] == [False] * (18 - month) + [True]
    first = next(one for one in found["all"] if one["number"] == 1)
    assert (first["count"], first["n"]) == (sum(one[1] for one in expected.values()), len(cdnow))
    assert "came back by Order Completed in the month after" in found["told"]


def test_a_cohort_is_of_those_who_never_came_before(database: Database, cdnow: Orders) -> None:
    found = triangle(database, LAST_DAY, first="event:Order Completed", since=date(1997, 2, 1), by="week")
    assert found["customers"] == sum(days[0] >= datetime(1997, 2, 1, tzinfo=UTC) for days in cdnow.values())
    assert found["cohorts"][1]["from"] == "1997-02-03"


def test_the_same_as_an_operation_is_the_same(database: Database, cdnow: Orders, monkeypatch: Any) -> None:
    monkeypatch.setattr(reached, "PAGE", 7)
    asked = FunnelQuestion(chain=("entry", "stage:loyal"), since=date(1997, 1, 1), until=date(1997, 2, 1), by="month")
    with database.writing() as session:
        one = report_operations.start(session, report_operations.FUNNEL, asked, "key_1", LAST_DAY)
        triangles = CohortQuestion(since=date(1997, 1, 1))
        other = report_operations.start(session, report_operations.COHORTS, triangles, "key_1", LAST_DAY)
    for operation in (one, other):
        for page in report_operations.pages(database, operation, lambda: LAST_DAY):
            with database.writing() as session:
                operations.advance(session, operation.id, page)
    with database.reading() as session:
        kept = [operations.get(session, each.id) for each in (one, other)]
    assert [(each.done, each.total) for each in kept][1] == (len(cdnow), len(cdnow))
    assert kept[0].result == funnel(database, LAST_DAY, *asked.chain, since=asked.since, until=asked.until, by=asked.by)
    assert kept[1].result == triangle(database, LAST_DAY, since=date(1997, 1, 1))


SOLD = """
journey: sold
lifecycle: true
enter: [{on: Signed Up}]
exit: [{on: Account Closed}]
defaults: {topic: news}
start: new
stages:
  new:
    steps:
      - split:
          id: tip
          variants:
            short: {weight: 50, steps: [{send: mail_a}]}
            long: {weight: 50, steps: [{send: mail_b}]}
    transitions: [{on: Bought, to: buyer}]
  buyer: {}
"""


@pytest.fixture
def three(database: Database, publish: Callable[[str, str], None], take: Callable[..., Any], noon: datetime) -> None:
    """Ann signs up by a newsletter and buys, Bob signs up and closes his account, Cleo signs up two days later."""
    publish("sold", SOLD)
    shells: dict[str, Shell] = {}

    def happened(at: datetime, **events: str) -> None:
        for name, event in events.items():
            campaign = {"campaign": {"name": "spring", "source": "letter", "medium": "email"}} if name == "ann" else {}
            take({"type": "track", "userId": name, "event": event, "context": campaign}, at=at)
        with database.reading() as session:
            runs = session.exec(select(Enrollment).where(Enrollment.status == "live")).all()
        for one in runs:
            shells.setdefault(one.id, Shell(database, one)).wake(at)

    happened(noon, ann="Signed Up", bob="Signed Up")
    happened(noon + DAY, ann="Bought", bob="Account Closed")
    happened(noon + 2 * DAY, cleo="Signed Up")


def test_the_rest_stands_where_it_stands_and_who_has_time_left_is_told_apart(
    database: Database, three: None, noon: datetime
) -> None:
    now = noon + 3 * DAY
    found = funnel(database, now, "event:Signed Up", "stage:buyer", within="2 days")
    assert [one["customers"] for one in found["steps"]] == [3, 1]
    assert found["steps"][0]["stand"] == {"stages": {"new": 1}, "ended": {"exited": 1}, "outside": 0}
    assert (found["steps"][0]["rest"], found["steps"][0]["open"]) == (2, 1)
    assert found["told"] == (
        "Of 3 who reached event:Signed Up from 2025-12-06 to 2026-03-05, 1 (33.3%, between 6.2% and 79.2%) reached "
        "stage:buyer within 2 days, half of them within 1.0 days of the step before. 1 have time left."
    )


def test_a_funnel_is_broken_down_by_source_segment_and_variant(database: Database, three: None, noon: datetime) -> None:
    now = noon + 3 * DAY
    with database.writing() as session:
        for one in session.exec(select(Customer)).all():
            one.segments = ["early", "all"] if one.external_id == "bob" else ["all"]
            session.add(one)

    def groups(by: Any) -> dict[str, tuple[int, int]]:
        told = funnel(database, now, "entry", "event:Bought", by=by)["groups"]
        return {one["group"]: (one["customers"], one["steps"][1]["customers"]) for one in told}

    assert groups("source") == {"email": (1, 1), "none": (2, 0)}
    assert groups("segment") == {"all": (3, 1), "early": (1, 0)}
    assert sum(count for count, _ in groups("variant").values()) == 3
    assert set(groups("variant")) <= {"short", "long", "none"}
    assert groups("version") == {"1": (3, 1)}


def test_a_report_without_anybody_is_empty_with_a_sentence(
    database: Database, publish: Callable[[str, str], None], noon: datetime
) -> None:
    publish("sold", SOLD)
    empty = funnel(database, noon, "entry", "event:Bought", by="month")
    assert (empty["customers"], empty["groups"], empty["steps"][1]["of_all"]["rate"]) == (0, [], None)
    assert empty["told"].startswith("Nobody reached stage:new from 2025-12-03 to 2026-03-02")
    nobody = triangle(database, noon)
    assert (nobody["cohorts"], nobody["all"]) == ([], [])
    assert nobody["told"] == (
        "Nobody reached stage:new for the first time from 2025-03-01 to 2026-03-02: there are no cohorts."
    )


@pytest.mark.parametrize(("asked", "path"), [
    ({"chain": ("Bought", "event:Bought")}, "from"),
    ({"chain": ("event:Bought", "event: ")}, "to"),
    ({"chain": ("event:Bought", "place:x", "event:Bought")}, "via"),
    ({"chain": ("event:Bought",)}, "via"),
    ({"chain": ("entry", "event:Bought")}, "journey"),
    ({"chain": ("event:A", "event:B"), "within": "soon"}, "within"),
    ({"chain": ("event:A", "event:B"), "since": date(2026, 3, 2), "until": date(2026, 3, 1)}, "since"),
    ({"chain": ("event:A", "event:B"), "by": "variant"}, "journey"),
])  # fmt: skip
def test_a_question_that_cannot_be_read_is_refused_with_its_field(
    database: Database, noon: datetime, asked: dict[str, Any], path: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        funnel(database, noon, *asked["chain"], **{name: asked[name] for name in asked if name != "chain"})
    assert refused.value.path == path


def test_more_than_somebody_waits_for_is_refused_with_a_way_out(
    database: Database, cdnow: Orders, monkeypatch: Any
) -> None:
    monkeypatch.setattr(paged_report, "AT_ONCE", 10)
    with pytest.raises(Refused, match="POST the same question") as refused:
        triangle(database, LAST_DAY, since=date(1997, 1, 1))
    assert refused.value.path == "too_many"


def test_a_page_costs_as_many_statements_whatever_its_size(
    database: Database, cdnow: Orders, statements: Statements
) -> None:
    with statements(database, at_most=13):
        funnel(database, LAST_DAY, "entry", "event:Order Completed", since=date(1997, 1, 1), by="source")
    with statements(database, at_most=12):
        triangle(database, LAST_DAY, since=date(1997, 1, 1))


def test_a_chain_is_walked_in_order_within_its_time() -> None:
    begun, hour = datetime(2026, 3, 2, tzinfo=UTC), timedelta(hours=1)

    def reached_at(chain: Sequence[str], later: Sequence[bool], **hours: Sequence[int]) -> list[float]:
        instants = {name: [begun + each * hour for each in those] for name, those in hours.items()}
        return [(at - begun) / hour for at in chains.walked(begun, chain, instants, 10 * hour, later)]

    no = (False, False, False)
    assert reached_at("abc", no, a=[0], b=[1, 5], c=[3]) == [0, 1, 3]
    assert reached_at("abc", no, a=[0], b=[4], c=[3]) == [0, 4], "what came before its turn does not count"
    assert reached_at("abc", no, a=[0], b=[4], c=[11]) == [0, 4], "the time is that of the whole chain"
    assert reached_at("aaa", no, a=[0, 0, 2, 3]) == [0, 2, 3], "the same again is another time"
    assert reached_at("aba", no, a=[0, 5], b=[5]) == [0, 5, 5]
    assert reached_at("ab", (False, False), a=[0], b=[0]) == [0, 0]
    assert reached_at("ab", (False, True), a=[0], b=[0, 1]) == [0, 1], (
        "what brought somebody there is none that follows"
    )


def test_quartiles_lie_between_the_durations_next_to_them() -> None:
    found = quartiles.exactly([4, 1, 3, 2])
    assert found is not None
    assert (found.n, found.lower, found.median, found.upper) == (4, 1.75, 2.5, 3.25)
    assert quartiles.exactly([]) is None
