"""Every report is CSV and NDJSON too."""

import csv
import io
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel

from api.app import ROUTERS
from api.edge import report_tables
from api.edge.report_columns import columns_of
from services.errors import InvalidInput
from tests.shells import Shell

REPORT = {
    "by": "template",
    "mails": [
        {
            "template": "=offer",
            "sent": 2,
            "opened": {"count": 1, "rate": 0.5},
            "revenue": [{"currency": "EUR", "last": 1.5}, {"currency": "USD", "last": 2}],
            "left": True,
            "tags": ["a"],
        },
        {"template": "tips, and more", "sent": 1, "opened": {"count": 0, "rate": None}, "revenue": [], "left": False},
    ],
    "stages": {"core": 3},
    "series": {"periods": [{"from": "2026-03-01"}]},
}


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_line_has_a_column_for_all_that_it_holds() -> None:
    first, second = read(report_tables.as_csv(report_tables.table_of(REPORT, None)))
    assert first == {
        "template": "'=offer", "sent": "2", "opened.count": "1", "opened.rate": "0.5", "revenue.EUR.last": "1.5",
        "revenue.USD.last": "2", "left": "true", "tags": '["a"]',
    }  # fmt: skip
    assert (second["template"], second["opened.rate"], second["revenue.EUR.last"]) == ("tips, and more", "", "")


def test_ndjson_keeps_each_object_as_it_is() -> None:
    lines = report_tables.as_ndjson(report_tables.table_of(REPORT, "mails")).splitlines()
    assert [json.loads(line) for line in lines] == REPORT["mails"]


def test_a_table_is_named_by_the_way_to_it() -> None:
    assert report_tables.table_of(REPORT, "series.periods") == [{"from": "2026-03-01"}]
    assert report_tables.table_of(REPORT, "stages") == [{"name": "core", "value": 3}]
    assert report_tables.table_of({"fitted_at": None}, None) == [{"fitted_at": None}]
    with pytest.raises(InvalidInput, match="'mails', the nearest name"):
        report_tables.table_of(REPORT, "mail")


def test_a_list_within_a_list_is_a_table_beside_what_the_outer_one_says() -> None:
    tip = {"split": "tip", "told": ["Early."], "lift": {"of": 1}, "variants": [{"variant": "a"}, {"variant": "b"}]}
    split = {"experiments": [tip, {"split": "new", "variants": []}]}
    assert report_tables.table_of(split, "experiments.variants") == [
        {"split": "tip", "variant": "a"}, {"split": "tip", "variant": "b"},
    ]  # fmt: skip
    assert report_tables.table_of({"experiments": []}, "experiments.variants") == []
    with pytest.raises(InvalidInput, match="'experiments.variants', the nearest name"):
        report_tables.table_of(split, "experiments.variant")


def reports() -> list[str]:
    routes: list[Any] = [route for module in ROUTERS for route in module.router.routes]
    return [one.path for one in routes if isinstance(one, report_tables.ReportRoute)]


def test_a_report_without_lines_has_its_header(client: TestClient) -> None:
    (mails,) = client.get("/v1/reports/mails?format=csv").text.splitlines()
    assert {"template", "sent", "opened.count", "opened.rate"} <= set(mails.split(","))
    assert not {"revenue", "opened"} & set(mails.split(",")), "a column for each currency, when there is one"
    for path in reports():
        answer = client.get(path, params={"format": "csv"})
        assert answer.status_code != 200 or answer.text.strip(), path


def test_what_is_in_a_list_within_a_list_stands_beside_what_its_line_says() -> None:
    class Variant(BaseModel):
        variant: str
        revenue: list[dict[str, str]]

    class Experiment(BaseModel):
        split: str
        told: list[str]
        variants: list[Variant] | None

    class Report(BaseModel):
        experiments: list[Experiment]

    assert columns_of(Report, "experiments") == ["split", "told"]
    assert columns_of(Report, "experiments.variants") == ["split", "variant", "revenue"]
    assert columns_of(Report, "nothing") == []


def test_every_report_is_a_table_by_format_and_by_what_is_accepted(client: TestClient, shells: list[Shell]) -> None:
    assert {"/v1/reports/lifecycle", "/v1/reports/mails", "/v1/journeys/{key}/report"} <= set(reports())
    assert {"/v1/reports/reconciliation", "/v1/reports/funnel", "/v1/reports/cohorts"} <= set(reports())
    for path in reports():
        asked = path.replace("{key}", "tour")
        plain = client.get(asked)
        if plain.status_code != 200:  # it has to be told what to report on
            continue
        assert plain.headers["content-type"] == "application/json", path
        by_format, by_header = (
            client.get(asked, params={"format": "csv"}),
            client.get(asked, headers={"Accept": "text/csv"}),
        )
        assert by_format.headers["content-type"].startswith("text/csv"), path
        assert by_format.text == by_header.text
        lines = client.get(asked, params={"format": "ndjson"})
        assert lines.headers["content-type"].startswith("application/x-ndjson")
        assert len(read(by_format.text)) == len(lines.text.splitlines())
    (stage,) = client.get("/v1/journeys/tour/report").json()["stages"].items()
    told = client.get("/v1/journeys/tour/report", params={"format": "ndjson", "table": "stages"}).text
    assert json.loads(told) == dict(zip(("name", "value"), stage, strict=True))
    wrong = client.get("/v1/reports/mails", params={"format": "csv", "table": "moon"})
    assert (wrong.status_code, wrong.json()["path"]) == (422, "table")
    assert client.get("/v1/reports/mails", params={"format": "xlsx"}).status_code == 422


def test_no_rate_stands_without_its_n(client: TestClient) -> None:
    """Whatever has a rate and an interval says of how many; so the terminal, tables and pictures can."""
    shapes = client.get("/openapi.json").json()["components"]["schemas"]
    rated = {
        name: set(one["properties"]) for name, one in shapes.items() if {"rate", "low"} <= {*one.get("properties", ())}
    }
    assert len(rated) > 3
    assert [name for name, has in rated.items() if not has & {"n", "customers"}] == []
