"""Experiments over the API: what a report says of a split, and how one is closed, by hand or by itself."""

import csv
import io
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from services.upkeep import upkeep
from services.upkeep.clocks import experiment_clock
from store.queries.figures import counts
from store.queries.figures.counts import Tally
from store.tables.splits import Experiment
from tests.conftest import HandClock
from waypost.cli.tables.experiments import print_experiment
from waypost.cli.terminal import console
from waypost.wiring import Parts

TOUR = """journey: tour
enter: [{on: Signed Up}]
goal: {on: Order Completed, within: 14 days}
defaults: {topic: general}
start: new
stages:
  new:
    steps:
      - split:
          id: tip
          variants:
            short: {weight: 1, steps: [{send: mail_a}]}
            long: {weight: 1, steps: [{send: mail_b}]}
            held: {weight: 1, holdout: true}
          decide: {after: 7 days}
    final: true
"""
WEIGHTS = {"short": 1, "long": 1, "held": 1}


@pytest.fixture
def tour(client: TestClient) -> TestClient:
    assert client.put("/v1/journeys/tour", content=TOUR).status_code == 200
    assert client.post("/v1/journeys/tour/publish").status_code == 200
    return client


def seen(parts: Parts, did: Mapping[str, tuple[int, int]]) -> None:
    """So many customers of each variant, and conversions."""
    tally = Tally()
    for name, (customers, converted) in did.items():
        tally.count("enr_1", "tour", counts.ASSIGNED, counts.of_variant("tip", name, WEIGHTS), customers)
        tally.count("enr_1", "tour", counts.VARIANT_CONVERTED, counts.of_variant("tip", name), converted)
    with parts.database.writing() as session:
        tally.write(session)


def report(client: TestClient) -> dict[str, Any]:
    (found,) = client.get("/v1/journeys/tour/report").json()["experiments"]
    return found


def kept(parts: Parts) -> Experiment:
    with parts.database.reading() as session:
        found = session.get(Experiment, ("tour", "tip"))
        assert found is not None
        return found


def looked(parts: Parts, at: datetime) -> Experiment:
    """The upkeep has been at this instant."""
    with parts.database.writing() as session:
        upkeep.do(session, at)
    return kept(parts)


EVEN = {"short": (1_000, 100), "long": (1_000, 104), "held": (1_000, 98)}
BETTER = {"short": (1_000, 100), "long": (1_000, 180), "held": (1_000, 60)}


def test_a_report_of_nobody_is_empty_and_says_so(tour: TestClient) -> None:
    found = report(tour)
    assert [(one["variant"], one["customers"], one["rate"]) for one in found["variants"]] == [
        ("short", 0, None), ("long", 0, None), ("held", 0, None),
    ]  # fmt: skip
    assert (found["lift"], found["mismatch"], found["winner"]) == (None, None, None)
    assert found["told"] == ["Nobody has come to this split yet."]


def test_a_report_shows_each_variant_the_lift_and_its_uncertainty(tour: TestClient, parts: Parts) -> None:
    seen(parts, BETTER)
    found = report(tour)
    long = found["variants"][1]
    assert (long["customers"], long["converted"], long["rate"]) == (1_000, 180, 0.18)
    assert long["low"] < 0.18 < long["high"]
    assert long["best"] > 0.999
    assert sum(one["best"] for one in found["variants"]) == pytest.approx(1.0)
    lift = found["lift"]
    assert (lift["n"], lift["of"]) == (1_000, 2_000)
    assert lift["conversion"]["by"] == pytest.approx(0.08)
    assert 0 < lift["conversion"]["low"] < 0.08 < lift["conversion"]["high"]
    assert found["mismatch"] == pytest.approx(1.0)
    assert "so long is better" in found["told"][0]


def test_a_person_decides_once_on_record_and_a_definition_has_the_last_word(
    tour: TestClient, parts: Parts, clock: HandClock
) -> None:
    path = "/v1/journeys/tour/splits/tip/winner"
    for split, winner, status in (("tap", "long", 404), ("tip", "lang", 422)):
        assert tour.post(f"/v1/journeys/tour/splits/{split}/winner", json={"winner": winner}).status_code == status
    decided = tour.post(path, json={"winner": "long"}).json()
    assert (decided["winner"], decided["next_look_at"]) == ("long", None)
    assert tour.post(path, json={"winner": "long"}).status_code == 200, "a repeat changes nothing"
    assert tour.post(path, json={"winner": "short"}).status_code == 409
    (record,) = [one for one in tour.get("/v1/audit?kind=journey").json()["items"] if one["action"] == "decided"]
    assert record["after"] == {"split": "tip", "winner": "long"}
    said = TOUR.replace("          decide: {after: 7 days}\n", "          winner: short\n")
    assert tour.put("/v1/journeys/tour", content=said).status_code == 200
    assert tour.post("/v1/journeys/tour/publish").status_code == 200
    assert report(tour)["winner"] == "short"
    assert tour.post(path, json={"winner": "short"}).status_code == 409


def test_a_split_decides_itself_at_the_first_look_that_is_sure(
    tour: TestClient, parts: Parts, clock: HandClock
) -> None:
    began, week = clock(), timedelta(days=7)
    assert kept(parts).next_look_at == began + week
    seen(parts, EVEN)
    assert looked(parts, began + week - timedelta(seconds=1)).looks == 0
    early = looked(parts, began + week)
    assert (early.looks, early.winner, early.next_look_at) == (1, None, began + 2 * week)
    seen(parts, {"long": (0, 80)})
    late = looked(parts, began + 2 * week)
    assert (late.looks, late.winner, late.by, late.decided_at, late.next_look_at) == (
        2, "long", "itself", began + 2 * week, None,
    )  # fmt: skip
    assert late.why["variants"]["long"] == {"customers": 1_000, "converted": 184}
    assert report(tour)["decided_by"] == "itself"
    (record,) = [one for one in tour.get("/v1/audit?kind=journey").json()["items"] if one["action"] == "decided"]
    assert (record["actor"], record["after"]["winner"], record["after"]["look"]) == ("itself", "long", 2)


def test_an_archived_journey_decides_nothing_any_more(tour: TestClient, parts: Parts, clock: HandClock) -> None:
    seen(parts, BETTER)
    assert tour.post("/v1/journeys/tour/archive").status_code == 200
    found = looked(parts, clock() + timedelta(days=7))
    assert (found.winner, found.looks, found.next_look_at) == (None, 0, None)


def test_a_rule_that_an_edit_takes_away_is_looked_at_no_more(tour: TestClient, parts: Parts) -> None:
    without = TOUR.replace("          decide: {after: 7 days}\n", "")
    assert tour.put("/v1/journeys/tour", content=without).status_code == 200
    assert tour.post("/v1/journeys/tour/publish").status_code == 200
    assert kept(parts).next_look_at is None


def test_a_look_that_raises_is_put_off_on_record(tour: TestClient, parts: Parts, clock: HandClock) -> None:
    later = clock() + timedelta(days=7)
    with parts.database.writing() as session:
        experiment_clock.put_off(session, later, "KeyError")
    assert kept(parts).next_look_at == later + experiment_clock.AGAIN
    assert any(one["action"] == "not decided" for one in tour.get("/v1/audit?kind=journey").json()["items"])


def test_a_table_shows_every_rate_with_its_n(tour: TestClient, parts: Parts) -> None:
    seen(parts, BETTER)
    with console.capture() as shown:
        print_experiment(console, report(tour))
    text = shown.get()
    for word in ("tip", "held (holdout)", "1,000", "18.0%", "Against those who are held back"):
        assert word in text


def test_variants_are_a_table_for_a_spreadsheet(tour: TestClient, parts: Parts) -> None:
    seen(parts, BETTER)
    text = tour.get("/v1/journeys/tour/report?format=csv&table=experiments.variants").text
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [(one["split"], one["variant"], one["customers"]) for one in lines] == [
        ("tip", name, str(BETTER[name][0])) for name in ("short", "long", "held")
    ]


@pytest.mark.parametrize("asked", [["--winner", "tip"], ["--winner", "tip=long", "--csv"]])
def test_an_option_without_its_variant_is_refused_and_a_table_closes_nothing(asked: list[str]) -> None:
    from waypost.cli.app import app

    answer = CliRunner().invoke(app, ["experiments", "tour", *asked])
    assert answer.exit_code == 1


def test_a_report_is_json(tour: TestClient, parts: Parts) -> None:
    seen(parts, EVEN)
    assert json.loads(json.dumps(report(tour)))["needed"] > 1_000
