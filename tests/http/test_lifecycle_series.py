"""The lifecycle over time, over the API and in the terminal."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from waypost.cli.tables.lifecycle import print_series
from waypost.cli.terminal import console


def series(client: TestClient, **asked: Any) -> Any:
    return client.get("/v1/reports/lifecycle", params=asked)


def test_a_report_has_a_series_where_one_is_asked_for(client: TestClient, welcome: dict[str, Any]) -> None:
    client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    assert series(client).json()["series"] is None
    found = series(client, by="month").json()["series"]
    assert (found["by"], found["zone"], found["told"]) == (
        "month",
        "UTC",
        "1 entered welcome, 0 ended; 1 are in it now.",
    )
    last = found["periods"][-1]
    assert (last["entered"], last["stages"], last["net"]) == (1, {"new": 1}, {"new": 1})
    assert set(last) >= {"from", "to", "rates", "time_in_stage"}


def test_a_span_that_is_too_long_or_ends_before_it_begins_is_refused(
    client: TestClient, welcome: dict[str, Any]
) -> None:
    refused = series(client, **{"from": "2020-01-01"})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:waypost:problem:invalid-input")
    assert "by=week" in json.dumps(refused.json())
    assert series(client, **{"from": "2026-02-01", "to": "2026-01-01"}).status_code == 422


def test_without_a_lifecycle_there_is_no_series(client: TestClient) -> None:
    assert series(client, by="day").json()["series"] is None


def test_the_terminal_shows_a_line_for_each_period(
    client: TestClient, welcome: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    print_series(console, series(client, by="month").json())
    shown = capsys.readouterr().out
    assert "1 entered welcome" in shown
    assert "Entered" in shown
