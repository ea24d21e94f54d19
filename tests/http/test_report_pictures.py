"""Pictures of reports over the API."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

from tests.http import tour
from waypost.wiring import Parts

SPLIT = """
journey: tips
enter: [{on: Signed Up}]
goal: {on: Bought, within: 14 days}
start: new
stages:
  new:
    steps:
      - split:
          id: tip
          variants:
            short: {weight: 50, steps: [{send: mail_a}]}
            long: {weight: 50, steps: [{send: mail_b}]}
"""

PICTURES = (
    "/v1/journeys/tips/report.svg",
    "/v1/journeys/tips/report.svg?picture=movements",
    "/v1/journeys/tips/report.svg?picture=split&split=tip",
    "/v1/reports/funnel.svg?from=event:Signed%20Up&to=event:Bought",
    "/v1/reports/cohorts.svg?journey=tips&returning=Bought",
    "/v1/reports/value.svg",
    "/v1/reports/lift.svg",
)


@pytest.fixture
def tips(client: TestClient) -> None:
    assert client.put("/v1/journeys/tips", content=SPLIT).status_code == 200
    assert client.post("/v1/journeys/tips/publish").status_code == 200


@pytest.mark.usefixtures("tips")
@pytest.mark.parametrize("somebody", [False, True])
def test_every_report_is_a_picture_also_of_nobody(client: TestClient, somebody: bool) -> None:
    if somebody:
        client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    for path in PICTURES:
        found = client.get(path, params={"width": 400, "theme": "dark"} if "?" not in path else None)
        assert (found.status_code, found.headers["content-type"]) == (200, "image/svg+xml"), (path, found.text)
        assert ElementTree.fromstring(found.text).tag.endswith("svg")


def test_what_cannot_be_drawn_is_refused(client: TestClient, welcome: dict[str, Any]) -> None:
    assert client.get("/v1/journeys/none/report.svg").status_code == 404
    assert client.get("/v1/journeys/welcome/report.svg", params={"picture": "split"}).status_code == 404
    assert client.get("/v1/reports/value.svg", params={"width": 10}).status_code == 422
    assert client.get("/v1/reports/funnel.svg", params={"from": "x", "to": "event:Bought"}).status_code == 422


OPERATIONS = {
    "/v1/reports/funnel": {"from": "event:Signed Up", "to": "event:Bought"},
    "/v1/reports/cohorts": {"journey": "tips", "returning": "Bought"},
}


@pytest.mark.usefixtures("tips")
def test_what_an_operation_has_counted_is_the_same_picture_and_its_page_shows_it(
    client: TestClient, browser: Callable[..., TestClient], parts: Parts
) -> None:
    client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    desk = browser("support")
    for path, asked in OPERATIONS.items():
        made = client.post(path, json=asked).json()
        drawn, page = f"/operations/{made['id']}/report.svg", f"/operations/{made['id']}"
        assert (client.get(f"/v1{drawn}").status_code, desk.get(drawn).status_code) == (409, 409)
        assert drawn not in desk.get(page).text, "it is not counted yet"
        tour.done(client, parts, made)
        found = client.get(f"/v1{drawn}", params={"width": 400, "theme": "dark"})
        assert found.text == client.get(f"{path}.svg", params={**asked, "width": 400, "theme": "dark"}).text
        assert f'<a href="{drawn}">' in desk.get(page).text
        shown = desk.get(drawn)
        assert (shown.text, "default-src 'none'" in shown.headers["content-security-policy"]) == (
            client.get(f"{path}.svg", params=asked).text, True,
        )  # fmt: skip


def test_other_work_has_no_picture(client: TestClient, welcome: dict[str, Any], parts: Parts) -> None:
    made = client.post("/v1/reports/lifecycle", json={}).json()
    assert (made["kind"], client.get("/v1/operations/op_none/report.svg").status_code) == ("report lifecycle", 404)
    tour.done(client, parts, made)
    assert client.get(f"/v1/operations/{made['id']}/report.svg").status_code == 404
