"""Funnels and cohorts over the API and in the terminal."""

import csv
import io
import json
from collections import Counter
from typing import Any

import pytest
from fastapi.testclient import TestClient
from rich.console import Console
from sqlmodel import select
from typer.testing import CliRunner

from services.reports.conversion import entry_cohorts, paged_report
from store.tables.enrollments import Enrollment
from tests.http import tour
from tests.shells import Shell
from waypost.cli.app import app
from waypost.cli.tables import funnels
from waypost.client import Waypost
from waypost.wiring import Parts

CHAIN = {"from": "event:Signed Up", "to": "event:Bought"}


@pytest.fixture
def three(client: TestClient, welcome: dict[str, Any], parts: Parts, clock: Any) -> None:
    """Three sign up and wait in their first stage; two days later one of them buys."""
    for name in ("ann", "bob", "cleo"):
        client.post("/v1/track", json={"userId": name, "event": "Signed Up"})
    with parts.database.reading() as session:
        runs = session.exec(select(Enrollment)).all()
    for one in runs:
        Shell(parts.database, one).wake(clock())
    clock.forward(days=2)
    client.post("/v1/track", json={"userId": "ann", "event": "Bought"})


@pytest.mark.usefixtures("three")
def test_a_funnel_is_asked_for_with_its_steps_in_between(client: TestClient) -> None:
    found = client.get("/v1/reports/funnel", params={**CHAIN, "via": ["entry"], "by": "month", "within": "3 days"})
    assert found.status_code == 200, found.text
    assert [(one["step"], one["customers"]) for one in found.json()["steps"]] == [
        ("event:Signed Up", 3),
        ("stage:new", 3),
        ("event:Bought", 1),
    ]
    assert [one["group"] for one in found.json()["groups"]] == ["2026-03"]


@pytest.mark.usefixtures("three")
def test_cohorts_are_a_triangle(client: TestClient) -> None:
    found = client.get("/v1/reports/cohorts", params={"returning": "Bought", "by": "week"}).json()
    assert [(one["customers"], [each["count"] for each in one["periods"]]) for one in found["cohorts"]][-1] == (3, [1])


@pytest.mark.usefixtures("three")
def test_many_are_an_operation(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paged_report, "AT_ONCE", 1)
    refused = client.get("/v1/reports/funnel", params=CHAIN)
    assert (refused.status_code, refused.json()["path"]) == (409, "too_many")
    asked = client.post("/v1/reports/funnel", json={**CHAIN, "by": "month"})
    assert (asked.status_code, asked.json()["kind"]) == (202, "report funnel")
    other = client.post("/v1/reports/cohorts", json={"returning": "Bought"})
    assert (other.status_code, other.json()["kind"]) == (202, "report cohorts")
    unread = client.post("/v1/reports/funnel", json={**CHAIN, "to": "Bought"})
    assert (unread.status_code, unread.json()["path"]) == (422, "to")


@pytest.mark.usefixtures("three")
def test_the_terminal_shows_both_and_writes_them_for_a_spreadsheet(
    client: TestClient,
) -> None:
    wide = Console(file=(written := io.StringIO()), width=200)
    found = client.get("/v1/reports/funnel", params={**CHAIN, "by": "month"}).json()
    funnels.print_funnel(wide, found)
    shown = written.getvalue()
    assert "33.3%" in shown
    assert "2 stopped at event:Signed Up; they stand now: new 2" in shown
    lines = list(csv.DictReader(io.StringIO(funnels.funnel_csv(found))))
    assert [(one["group"], one["step"], one["customers"]) for one in lines] == [
        ("", "event:Signed Up", "3"),
        ("", "event:Bought", "1"),
        ("2026-03", "event:Signed Up", "3"),
        ("2026-03", "event:Bought", "1"),
    ]
    told = client.get("/v1/reports/cohorts", params={"returning": "Bought"}).json()
    funnels.print_cohorts(wide, told)
    assert "Month 0" in written.getvalue()
    cells = list(csv.DictReader(io.StringIO(funnels.cohorts_csv(told))))
    assert (cells[-1]["from"], cells[-1]["period"], cells[-1]["count"]) == ("2026-03-01", "0", "1")


@pytest.mark.usefixtures("three")
def test_both_are_tables_too(client: TestClient) -> None:
    funnel = client.get("/v1/reports/funnel", params={**CHAIN, "format": "csv"}).text
    assert [(one["step"], one["customers"]) for one in csv.DictReader(io.StringIO(funnel))] == [
        ("event:Signed Up", "3"),
        ("event:Bought", "1"),
    ]
    asked = {"returning": "Bought", "format": "ndjson"}
    cohorts = client.get("/v1/reports/cohorts", params=asked).text.splitlines()
    assert [json.loads(one)["customers"] for one in cohorts][-1] == 3
    books = client.get("/v1/reports/reconciliation", params={"format": "csv"}).text
    assert [(one["journey"], one["entered"]) for one in csv.DictReader(io.StringIO(books))] == [("welcome", "3")]


@pytest.mark.usefixtures("three")
def test_a_stage_that_no_version_ever_had_is_an_error_with_the_nearest_name(client: TestClient) -> None:
    for asked, path in (({**CHAIN, "to": "stage:nwe"}, "to"), ({**CHAIN, "via": ["stage:nwe"]}, "via")):
        wrong = client.get("/v1/reports/funnel", params=asked).json()
        assert wrong["detail"] == "no version of the journey 'welcome' has a stage 'nwe'; 'new', the nearest name"
        assert wrong["path"].startswith(path)
    other = client.get("/v1/reports/cohorts", params={"first": "stage:moon"})
    assert (other.status_code, other.json()["path"]) == (422, "first")


@pytest.mark.usefixtures("three")
def test_a_stage_of_a_former_version_alone_is_counted(client: TestClient) -> None:
    later = "journey: welcome\nlifecycle: true\nenter: [{on: Signed Up}]\nstart: begin\nstages: {begin: {steps: [{send: mail_a}]}}"
    assert client.put("/v1/journeys/welcome", content=later).status_code == 200
    assert client.post("/v1/journeys/welcome/publish").status_code == 200
    found = client.get("/v1/reports/funnel", params={"from": "event:Signed Up", "to": "stage:new"})
    assert [one["customers"] for one in found.json()["steps"]] == [3, 3]


@pytest.mark.usefixtures("three")
def test_the_client_asks_at_once(client: TestClient, keys: dict[str, str]) -> None:
    with Waypost(str(client.base_url), keys["support"], transport=client._transport) as waypost:  # type: ignore[arg-type]
        assert waypost.funnel(["entry", "event:Bought"], within="3 days")["customers"] == 3
        assert waypost.cohorts(returning="Bought", by="week")["customers"] == 3


def test_the_lifecycle_needs_no_name_on_the_command_line() -> None:
    shown = CliRunner().invoke(app, ["report", "trial", "--help"]).output
    assert "How a journey went" in shown
    named = CliRunner().invoke(app, ["report", "funnel", "--help"]).output
    assert "milestone" in named
    listed = CliRunner().invoke(app, ["report", "--help"]).output
    assert "cohorts" in listed
    assert "mails" in listed
    assert CliRunner().invoke(app, ["report", "funnel", "entry"]).exit_code == 2


@pytest.mark.usefixtures("three")
def test_the_lifecycle_by_month_of_entry_is_an_operation_too(
    client: TestClient, parts: Parts, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted anew from the rows; the page is so small that there are several."""
    clock.forward(days=40)
    client.post("/v1/track", json={"userId": "dora", "event": "Signed Up"})
    with parts.database.reading() as session:
        rows = session.exec(select(Enrollment)).all()
    expected: dict[str, Counter[str]] = {}
    for one in rows:
        expected.setdefault(f"{one.entered_at:%Y-%m}", Counter())[one.reason or one.stage] += 1
    found = client.get("/v1/reports/lifecycle", params={"cohorts": True}).json()["cohorts"]
    assert {one["month"]: {**one["stages"], **one["ended"]} for one in found} == expected
    assert [(one["month"], one["entered"]) for one in found] == [("2026-03", 3), ("2026-04", 1)]
    monkeypatch.setattr(paged_report, "AT_ONCE", 3)
    monkeypatch.setattr(entry_cohorts, "PAGE", 2)
    refused = client.get("/v1/reports/lifecycle", params={"cohorts": True})
    assert (refused.status_code, refused.json()["path"]) == (409, "too_many")
    assert client.get("/v1/reports/lifecycle").status_code == 200, "what is kept is told all the same"
    done = tour.done(client, parts, client.post("/v1/reports/lifecycle", json={"journey": "welcome"}).json())
    assert (done["result"], done["done"], done["total"]) == ({"journey": "welcome", "cohorts": found}, 4, 4)
    assert client.post("/v1/reports/lifecycle", json={"journey": "none"}).status_code == 404
