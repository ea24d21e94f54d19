"""Pages of other origins: which of them may send events with which key, and read the answers; and what their libraries call."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from services.access.keys import api_keys
from services.access.keys.origins import normalised
from services.errors import InvalidInput
from store.tables.access import Audit
from store.tables.customers import Event
from waypost.cli.commands.keys import keys_create, keys_origins
from waypost.processes.api import build
from waypost.wiring import Parts

SHOP, OTHER = "https://shop.example", "https://other.example"
EVENT = {"anonymousId": "visitor", "event": "Product Viewed"}


@pytest.fixture
def page(parts: Parts, keys: dict[str, str]) -> TestClient:
    """A browser, which shows no key but in what it sends."""
    return TestClient(build(parts), client=("192.0.2.7", 50_000), base_url="http://127.0.0.1:8000")


@pytest.fixture
def key(parts: Parts) -> str:
    """A key in the pages of the shop."""
    with parts.database.writing() as session:
        return api_keys.create(session, "shop", ["browser"], parts.clock(), origins=[SHOP])[1]


def asks(page: TestClient, origin: str, path: str = "/v1/t") -> Any:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST",
               "Access-Control-Request-Headers": "authorization,content-type,anonymousid,x-retry-count"}  # fmt: skip
    return page.options(path, headers=headers)


def allowed(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def names(parts: Parts) -> list[str]:
    with parts.database.reading() as session:
        return [one.name for one in session.exec(select(Event).order_by(col(Event.id))).all()]


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("path", ["/v1/track", "/v1/t", "/v1/i", "/v1/p", "/v1/b", "/v1/batch", "/beacon/v1/batch"])
def test_a_browser_that_asks_first_may_call_from_a_page_that_a_key_names(page: TestClient, path: str) -> None:
    answer = asks(page, SHOP, path)
    assert answer.status_code == 204
    assert allowed(answer) == {
        "access-control-allow-origin": SHOP,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "authorization,content-type,anonymousid,x-retry-count",
        "access-control-max-age": "7200",
        "access-control-expose-headers": "Retry-After, X-Request-Id",
    }
    assert answer.headers["vary"].startswith("Origin")


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    "origin", [OTHER, "null", "http://shop.example", "https://shop.example:8443", "https://shop.example.evil"]
)
def test_a_browser_that_asks_from_another_page_may_not(page: TestClient, origin: str) -> None:
    answer = asks(page, origin)
    assert (answer.status_code, allowed(answer), answer.json()["code"]) == (403, {}, "forbidden")
    assert "Origin" in answer.headers["vary"]


def test_the_answer_names_the_origin_of_the_page_and_no_wildcard(page: TestClient, parts: Parts, key: str) -> None:
    answer = page.post("/v1/t", json={**EVENT, "writeKey": key}, headers={"Origin": SHOP})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert allowed(answer)["access-control-allow-origin"] == SHOP
    assert answer.headers["vary"] == "Origin"
    assert names(parts) == ["Product Viewed"]


def test_another_page_is_refused_with_this_key_and_reads_nothing(page: TestClient, parts: Parts, key: str) -> None:
    answer = page.post("/v1/t", json={**EVENT, "writeKey": key}, headers={"Origin": OTHER})
    assert (answer.status_code, allowed(answer)) == (403, {})
    assert names(parts) == []


def test_a_key_without_origins_refuses_nobody_and_lets_no_page_read(
    page: TestClient, parts: Parts, key: str, keys: dict[str, str]
) -> None:
    answer = page.post("/v1/track", json={**EVENT, "writeKey": keys["browser"]}, headers={"Origin": SHOP})
    assert (answer.status_code, allowed(answer), answer.headers["vary"]) == (200, {}, "Origin")
    assert page.post("/v1/track", json={**EVENT, "writeKey": key}).status_code == 200, "a server says no origin"


def test_a_page_reads_what_is_wrong_before_its_key_is_known(page: TestClient, key: str) -> None:
    for body, status in (("nonsense", 400), (json.dumps({**EVENT, "writeKey": "wp_nobody"}), 401)):
        answer = page.post("/v1/t", content=body, headers={"Origin": SHOP})
        assert (answer.status_code, allowed(answer)["access-control-allow-origin"]) == (status, SHOP)


def test_nothing_but_ingestion_answers_to_other_pages(page: TestClient, key: str, keys: dict[str, str]) -> None:
    headers = {"Origin": SHOP, "Authorization": f"Bearer {keys['admin']}"}
    assert allowed(page.get("/v1/customers", headers=headers)) == {}
    assert asks(page, SHOP, "/v1/customers").status_code == 405


@pytest.mark.parametrize(
    ("letter", "body", "name"),
    [
        ("t", EVENT, "Product Viewed"),
        ("p", {"anonymousId": "visitor", "name": None}, "Page Viewed"),
        ("i", {"userId": "1", "traits": {"plan": "pro"}}, "Identify"),
        ("g", {"userId": "1", "groupId": "acme"}, "Group"),
        ("s", {"userId": "1", "name": "Home"}, "Screen Viewed"),
        ("a", {"userId": "1", "previousId": "visitor"}, "Alias"),
        ("b", {"batch": [{**EVENT, "type": "track"}]}, "Product Viewed"),
    ],
)
def test_the_letters_of_browsers_and_apps_are_calls(
    page: TestClient, parts: Parts, keys: dict[str, str], letter: str, body: dict[str, Any], name: str
) -> None:
    answer = page.post(f"/v1/{letter}", json={**body, "writeKey": keys["ingest"]})
    assert (answer.status_code, answer.json()["rejected"], names(parts)) == (200, [], [name])


def test_a_page_key_says_nothing_of_who_somebody_is_by_letters_either(page: TestClient, parts: Parts, key: str) -> None:
    body = {"userId": "1", "traits": {"email": "a@example.com"}, "writeKey": key}
    assert page.post("/v1/i", json=body, headers={"Origin": SHOP}).status_code == 403
    batch = {"batch": [{**body, "type": "identify"}, {**EVENT, "type": "track"}], "writeKey": key}
    assert page.post("/v1/b", json=batch, headers={"Origin": SHOP}).json()["accepted"] == 1
    assert names(parts) == ["Product Viewed"]


def test_what_a_closing_page_sends_is_a_text_with_the_key_in_its_address(
    page: TestClient, parts: Parts, key: str
) -> None:
    body = json.dumps({"batch": [{**EVENT, "type": "track"}]})
    headers = {"Content-Type": "text/plain;charset=UTF-8", "Origin": SHOP}
    answer = page.post(f"/beacon/v1/batch?writeKey={key}", content=body, headers=headers)
    assert (answer.status_code, names(parts)) == (200, ["Product Viewed"])


# -- what libraries ask before their first event -----------------------------------------------------------------------


def test_a_library_of_segment_learns_where_to_send(page: TestClient, key: str) -> None:
    answer = page.get(f"/v1/projects/{key}/settings", headers={"Origin": SHOP, "X-Forwarded-Proto": "https"})
    where = {"apiKey": key, "apiHost": "127.0.0.1:8000/v1", "protocol": "https"}
    assert answer.json()["integrations"] == {"Segment.io": where}
    assert allowed(answer)["access-control-allow-origin"] == SHOP
    assert page.get(f"/v1/projects/{key}/settings", headers={"Origin": OTHER}).status_code == 403
    assert page.get("/v1/projects/wp_nobody/settings").status_code == 401


@pytest.mark.parametrize("path", ["/sourceConfig", "/sourceConfig/"])
def test_a_library_of_rudderstack_learns_that_nothing_else_is_to_be_told(page: TestClient, key: str, path: str) -> None:
    answer = page.get(path, params={"p": "npm", "writeKey": key}, headers={"Origin": SHOP})
    source = answer.json()["source"]
    assert (answer.status_code, source["enabled"], source["destinations"]) == (200, True, [])
    assert allowed(answer)["access-control-allow-origin"] == SHOP


# -- the origins of a key ----------------------------------------------------------------------------------------------


def test_origins_are_kept_with_their_key_and_changed(client: TestClient, page: TestClient, parts: Parts) -> None:
    asked = {"name": "shop", "scopes": ["browser"], "origins": ["HTTPS://Shop.Example:443/", " http://localhost:3000 "]}
    made = client.post("/v1/keys", json=asked).json()
    assert made["origins"] == ["http://localhost:3000", SHOP]
    assert asks(page, SHOP).status_code == 204
    changed = client.put(f"/v1/keys/{made['id']}/origins", json={"origins": [OTHER]})
    assert (changed.status_code, changed.json()["origins"]) == (200, [OTHER])
    assert (asks(page, SHOP).status_code, asks(page, OTHER).status_code) == (403, 204)
    client.delete(f"/v1/keys/{made['id']}")
    assert asks(page, OTHER).status_code == 403, "a key that is refused names nobody"
    with parts.database.reading() as session:
        trail = [(one.action, (one.after or {}).get("origins")) for one in session.exec(select(Audit)).all()]
    assert ("changed", [OTHER]) in trail


@pytest.mark.parametrize("wrong", ["*", "https://*.shop.example", "shop.example", "https://shop.example/de", "null", "",
                                   "https://a@shop.example", "https://shop.example:x", "javascript:alert(1)"])  # fmt: skip
def test_what_is_no_origin_is_refused(client: TestClient, wrong: str) -> None:
    answer = client.post("/v1/keys", json={"name": "shop", "scopes": ["browser"], "origins": [wrong]})
    assert (answer.status_code, answer.json()["path"]) == (422, "origins")


def test_origins_are_written_as_browsers_write_them() -> None:
    written = ["https://Müller.example", "http://[::1]:80", "capacitor://localhost", "https://a.example:8443/"]
    assert normalised(written) == [
        "capacitor://localhost", "http://[::1]", "https://a.example:8443", "https://xn--mller-kva.example",
    ]  # fmt: skip
    with pytest.raises(InvalidInput, match="at most 50"):
        normalised([f"https://{one}.example" for one in range(51)])


def test_only_a_key_that_reads_nothing_may_stand_in_a_page(client: TestClient) -> None:
    for scopes, status in ((["ingest"], 201), (["ingest", "marketer"], 422), (["admin"], 422)):
        answer = client.post("/v1/keys", json={"name": "x", "scopes": scopes, "origins": [SHOP]})
        assert answer.status_code == status


def test_the_command_line_names_the_origins_of_a_key(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAYPOST_HOME", str(parts.settings.home.absolute()))
    keys_create("shop", ["browser"], origin=[SHOP], as_json=True)
    made = json.loads(capsys.readouterr().out)
    assert made["origins"] == [SHOP]
    keys_origins(made["id"], [OTHER, SHOP], as_json=True)
    assert json.loads(capsys.readouterr().out) == {"id": made["id"], "origins": [OTHER, SHOP]}
