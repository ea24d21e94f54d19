"""The export over HTTP and by the client: streamed, resumed behind the last line, the same as what is kept."""

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlmodel import select
from typer.testing import CliRunner

from api.schemas.exports import DecisionLine, EventLine, MessageLine
from services.reports.results import warehouse_export
from store.tables.customers import Event
from waypost.cli.app import app
from waypost.cli.commands import exports
from waypost.client import ApiProblem, Waypost
from waypost.wiring import Parts

LINES = {"events": EventLine, "messages": MessageLine, "decisions": DecisionLine}


@pytest.fixture
def waypost(client: TestClient, keys: dict[str, str]) -> Iterator[Waypost]:
    with Waypost("http://testserver", keys["admin"], transport=client._transport) as made:
        yield made


def track(client: TestClient, *names: str, **properties: Any) -> None:
    batch = [{"type": "track", "userId": "ann", "event": name, "properties": properties} for name in names]
    assert client.post("/v1/batch", json={"batch": batch}).status_code == 200


def test_it_is_lines_of_json_of_which_each_has_the_cursor_behind_it(client: TestClient) -> None:
    track(client, "One", "Two")
    got = client.get("/v1/export/events")
    assert got.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in got.text.splitlines()]
    assert [one["name"] for one in lines] == ["One", "Two"]
    assert lines[0]["received_at"].endswith("Z")
    rest = client.get("/v1/export/events", params={"after": lines[0]["cursor"]}).text
    assert [json.loads(line)["name"] for line in rest.splitlines()] == ["Two"]
    assert client.get("/v1/export/events", params={"after": lines[1]["cursor"]}).text == ""


def test_a_table_has_one_header_however_many_pages_and_no_formula(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse_export, "PAGE", 2)
    track(client, "=One", "Two", "Three\nlines", total=5)
    got = client.get("/v1/export/events", params={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(got.text, newline="")))
    assert [one["name"] for one in rows] == ["'=One", "Two", "Three\nlines"]
    assert json.loads(rows[0]["properties"]) == {"total": 5}
    assert client.get("/v1/export/messages", params={"format": "csv"}).text == ""


@pytest.mark.parametrize(
    ("asked", "path"), [({"after": "x"}, "after"), ({"since": "yesterday"}, "since"), ({"format": "xml"}, "format")]
)
def test_what_cannot_be_read_is_refused_before_anything_is_sent(
    client: TestClient, asked: dict[str, str], path: str
) -> None:
    got = client.get("/v1/export/events", params=asked)
    assert (got.status_code, got.json()["path"]) == (422, path)


@pytest.mark.usefixtures("shells")
def test_the_lines_are_those_of_the_schema_and_of_the_documentation(client: TestClient) -> None:
    text = Path("docs/export.md").read_text()
    columns = {
        name
        for line in text.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    for kind, schema in LINES.items():
        lines = [json.loads(line) for line in client.get(f"/v1/export/{kind}").text.splitlines()]
        assert lines
        for line in lines:
            assert set(line) == set(schema.model_fields)
            schema.model_validate(line)
        assert set(schema.model_fields) <= columns


def test_signed_links_are_of_no_use(client: TestClient, parts: Parts) -> None:
    link = parts.links.click_url("2161b3b7-f9d3-5b07-9196-af81ec9afb65", 0)
    track(client, "Seen", url=link)
    for form in ("ndjson", "csv"):
        told = client.get("/v1/export/events", params={"format": form}).text
        assert link not in told
        assert "/c/hidden" in told


def test_the_client_goes_on_behind_the_last_line_where_the_connection_is_lost(client: TestClient) -> None:
    track(client, "One", "Two", "Three")
    asked: list[str] = []

    class Broken(httpx.SyncByteStream):
        def __init__(self, text: bytes) -> None:
            self._text = text

        def __iter__(self) -> Iterator[bytes]:
            first, second, _ = self._text.split(b"\n", 2)
            yield first + b"\n" + second[:20]
            raise httpx.ReadError("lost")

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        got = client.get(request.url.raw_path.decode())
        if len(asked) == 1:
            return httpx.Response(200, stream=Broken(got.content))
        return httpx.Response(200, content=got.content)

    with Waypost("http://testserver", transport=httpx.MockTransport(answer)) as waypost:
        found = list(waypost.exported("events"))
    assert [one["name"] for one in found] == ["One", "Two", "Three"]
    assert found[0]["cursor"] in asked[1]


def test_the_client_raises_what_the_api_refuses(waypost: Waypost) -> None:
    with pytest.raises(ApiProblem) as wrong:
        list(waypost.exported("events", after="x"))
    assert wrong.value.path == "after"


def test_the_command_keeps_its_cursor_and_each_line_comes_once(
    client: TestClient, waypost: Waypost, parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "api_client", lambda: nullcontext(waypost))
    file, found = tmp_path / "events.cursor", list[str]()
    for names in (("One", "Two"), ("Three\u2028",), ()):
        if names:
            track(client, *names)
        got = CliRunner().invoke(app, ["export", "events", "--cursor-file", str(file)])
        assert got.exit_code == 0, got.output
        found += [json.loads(line)["id"] for line in got.output.split("\n") if line.startswith('{"cursor"')]
    with parts.database.reading() as session:
        assert sorted(found) == sorted(session.exec(select(Event.id)))
    assert len(found) == 3
    whole = CliRunner().invoke(app, ["export", "events", "--csv"]).output
    table = whole[whole.index("cursor,id,") :]  # behind the log of the server, which runs here
    assert [one["name"] for one in csv.DictReader(io.StringIO(table, newline=""))] == ["One", "Two", "Three\u2028"]


def test_a_customer_is_exported_as_ever_whatever_their_id(
    client: TestClient, waypost: Waypost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "api_client", lambda: nullcontext(waypost))
    for name in ("17", "events"):
        client.put(f"/v1/customers/{name}", json={"attributes": {}})
    for typed in (["17"], ["customer", "17"], ["customer", "events"]):
        told = CliRunner().invoke(app, ["export", *typed]).output
        assert json.loads(told[told.index("{\n") :])["customer"]["external_id"] == typed[-1]


def test_what_is_no_day_is_told(waypost: Waypost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "api_client", lambda: nullcontext(waypost))
    got = CliRunner().invoke(app, ["export", "events", "--since", "12/10/2026"])
    assert got.exit_code == 2
    assert "no day and no instant" in got.output
