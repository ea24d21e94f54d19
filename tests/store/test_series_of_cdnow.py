"""The lifecycle by month on real purchase histories: the CDNOW sample, recounted from the file by plain Python."""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import quantiles

import pytest

from services.definitions.journey_versions import journeys
from services.imports.placing import placement
from services.ingestion import segment_api
from services.reports.lifecycle import lifecycle_series
from store.session import Database

ORDERS = Path(__file__).parents[2] / "examples" / "cdnow" / "orders.csv"
EVERY = 20
"""One of so many customers: 117 of them."""

NOW = datetime(1998, 6, 30, 12, tzinfo=UTC)
STAGES = ("first", "again", "loyal")
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


@pytest.fixture
def histories() -> dict[str, list[date]]:
    """The days on which each of them ordered."""
    found: defaultdict[str, list[date]] = defaultdict(list)
    with ORDERS.open() as file:
        for row in csv.DictReader(file):
            if int(row["customer"]) % EVERY == 0:
                found[row["customer"]].append(date.fromisoformat(row["ordered_on"]))
    return {name: sorted(days) for name, days in found.items()}


def months() -> Iterator[tuple[date, date]]:
    """The first day and the last of each month of the sample."""
    first = date(1997, 1, 1)
    while first < NOW.date():
        following = (first + timedelta(days=32)).replace(day=1)
        yield first, following - timedelta(days=1)
        first = following


def test_the_lifecycle_of_cdnow_by_month_is_what_a_recount_says(
    database: Database, publish: Callable[[str, str], None], histories: dict[str, list[date]]
) -> None:
    publish("shop", SHOP)
    work = [
        (
            name,
            [
                segment_api.read(
                    {"type": "track", "userId": name, "event": "Order Completed", "messageId": f"{name}-{number}",
                     "timestamp": f"{day}T00:00:00Z", "properties": {"total": 1}}, NOW, recorded=True,
                )
                for number, day in enumerate(days)
            ],
        )
        for name, days in histories.items()
    ]  # fmt: skip
    with database.reading() as session:
        (live,) = journeys.all_live(session)
    database.write(lambda session: placement.write(session, placement.prepare(session, work, live, NOW)))
    with database.reading() as session:
        found = lifecycle_series.lifecycle_series(session, "shop", date(1997, 1, 1), NOW.date(), "month", NOW)
    moves = [days[number : number + 2] for days in histories.values() for number in (0, 1) if len(days) > number + 1]
    assert len(found["periods"]) == len(list(months())) == 18
    for period, (first, last) in zip(found["periods"], months(), strict=True):
        stood = Counter(
            STAGES[min(3, sum(day <= last for day in days)) - 1] for days in histories.values() if days[0] <= last
        )
        came = {
            way: sum(len(days) > place and first <= days[place] <= last for days in histories.values())
            for place, way in enumerate(("->first", "first->again", "again->loyal"))
        }
        assert period["stages"] == stood
        assert period["entered"] == came["->first"]
        assert period["movements"] == {way: count for way, count in came.items() if count}
        for rate in period["rates"]:
            source = STAGES.index(rate["stage"])
            there = sum(
                len(days) > source
                and days[source] <= last
                and not (len(days) > source + 1 and days[source + 1] < first)
                for days in histories.values()
            )
            assert (rate["count"], rate["n"]) == (came[f"{rate['stage']}->{rate['to']}"], there)
    assert len(moves) > 50
    for number, stage in enumerate(STAGES[:2]):
        stays = [(days[number + 1] - days[number]).days for days in histories.values() if len(days) > number + 1]
        with database.reading() as session:
            told = lifecycle_series.time_in_stage(session, "shop")[stage]
        assert told["median_days"] == pytest.approx(quantiles(stays, n=4)[1], rel=0.15)
