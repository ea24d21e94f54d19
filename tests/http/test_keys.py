"""What each key may do, and what a mail that is shown to one has lost."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import typer
from fastapi.testclient import TestClient
from sqlmodel import select

from api.deps import key_guesses
from mail.signed_links import Unsubscribe
from services.access.keys import api_keys
from store.queries.mails import messages
from store.statuses import MessageStatus
from store.tables.customers import Customer
from store.tables.messages import MessageBody
from waypost.cli.terminal import failures_as_sentences
from waypost.processes.api import build
from waypost.settings import Settings
from waypost.wiring import Parts

ID = "2161b3b7-f9d3-5b07-9196-af81ec9afb65"


def rows(parts: Parts, table: Any) -> list[Any]:
    with parts.database.reading() as session:
        return list(session.exec(select(table)).all())


# -- wrong keys --------------------------------------------------------------------------------------------------------


@pytest.fixture
def at(parts: Parts, keys: dict[str, str]) -> Callable[[str], TestClient]:
    """Clients of one process, each at an address."""
    app = build(parts)
    return lambda peer: TestClient(app, client=(peer, 50_000), base_url="http://127.0.0.1:8000")


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_who_shows_wrong_keys_waits_and_stops_nobody_else(
    at: Callable[[str], TestClient], parts: Parts, keys: dict[str, str]
) -> None:
    guesser, other = at("192.0.2.1"), at("192.0.2.2")
    assert guesser.get("/v1/customers", headers=bearer(keys["support"])).status_code == 200
    for number in range(key_guesses.WRONG.amount):
        assert guesser.get("/v1/customers", headers=bearer(f"wp_guess{number}")).status_code == 401
    refused = guesser.get("/v1/customers", headers=bearer("wp_one more"))
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert guesser.get("/v1/customers", headers=bearer(keys["admin"])).status_code == 429, "a right guess tells nothing"
    assert guesser.post("/v1/track", json={"userId": "a", "event": "E", "writeKey": "wp_guess"}).status_code == 429
    assert guesser.get("/v1/customers", headers=bearer(keys["support"])).status_code == 200, "a known key works on"
    assert guesser.get("/v1/customers").status_code == 401
    assert other.get("/v1/customers", headers=bearer(keys["admin"])).status_code == 200


# -- a key in a page ---------------------------------------------------------------------------------------------------


@pytest.fixture
def page(parts: Parts, client: TestClient, keys: dict[str, str]) -> Callable[..., Any]:
    """Post as a script in a page does."""

    def post(path: str, body: dict[str, Any], scope: str = "browser") -> Any:
        return client.post(path, json=body, headers=bearer(keys[scope]))

    return post


def test_a_key_in_a_page_may_track_and_page_and_nothing_else(
    page: Callable[..., Any], client: TestClient, keys: dict[str, str], parts: Parts
) -> None:
    assert page("/v1/track", {"userId": "ann", "event": "Looked"}).json()["accepted"] == 1
    assert page("/v1/page", {"anonymousId": "a1", "name": "Home"}).json()["accepted"] == 1
    for kind in ("identify", "group", "alias", "screen"):
        refused = page(
            f"/v1/{kind}", {"userId": "ann", "previousId": "bob", "groupId": "g", "traits": {"email": "x@y.example"}}
        )
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), kind
    batch = [{"type": "identify", "userId": "ann", "traits": {"email": "x@y.example"}},
             {"type": "track", "userId": "ann", "event": "Looked"}]  # fmt: skip
    answer = page("/v1/batch", {"batch": batch}).json()
    assert (answer["accepted"], [(one["index"], one["path"]) for one in answer["rejected"]]) == (1, [(0, "type")])
    assert [one.attributes for one in rows(parts, Customer) if one.external_id == "ann"] == [{}]
    for method, path in (
        ("GET", "/v1/customers"),
        ("PUT", "/v1/customers/ann"),
        ("GET", "/v1/messages"),
        ("GET", "/v1/keys"),
    ):
        assert client.request(method, path, headers=bearer(keys["browser"]), json={}).status_code == 403, path


@pytest.mark.parametrize(
    "name", ["Segment Joined", "Segment Left", "Date Reached", "Message Delivered", "Message Clicked", "Subscribed",
             "Unsubscribed", "Identify", "Hand-over Answered", "Survey Answered"],
)  # fmt: skip
def test_a_key_in_a_page_does_not_say_what_is_made_here(page: Callable[..., Any], name: str, parts: Parts) -> None:
    """By `Segment Joined` whoever reads the key would let anybody into what a segment opens."""
    said = {"userId": "ann", "event": name, "properties": {"segment": "vip"}}
    refused = page("/v1/track", said).json()
    assert (refused["accepted"], [one["path"] for one in refused["rejected"]]) == (0, ["event"])
    batch = page(
        "/v1/batch", {"batch": [{"type": "track", **said}, {"type": "track", **said, "event": "Looked"}]}
    ).json()
    assert (batch["accepted"], [one["index"] for one in batch["rejected"]]) == (1, [0])
    assert page("/v1/track", said, "ingest").json()["accepted"] == 1, "a server answers for what it says"


def test_a_page_of_another_host_sends_without_asking_first(client: TestClient, keys: dict[str, str]) -> None:
    """As `navigator.sendBeacon` does: plain text, the key in the body, so that a browser needs no leave to send it."""
    event = {"writeKey": keys["browser"], "anonymousId": "a1", "name": "Pricing"}
    headers = {"Authorization": "", "Content-Type": "text/plain;charset=UTF-8", "Origin": "https://shop.example"}
    answer = client.post("/v1/page", content=json.dumps(event), headers=headers)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)


def test_a_key_in_a_page_joins_nobody_to_somebody_else(page: Callable[..., Any], parts: Parts) -> None:
    page("/v1/identify", {"userId": "ann", "traits": {"plan": "pro"}}, "ingest")
    page("/v1/track", {"anonymousId": "thief", "event": "Looked"})
    page("/v1/track", {"userId": "ann", "anonymousId": "thief", "event": "Looked"})
    assert sorted((one.external_id, one.anonymous_id) for one in rows(parts, Customer) if one.external_id) == [
        ("ann", None)
    ]
    page("/v1/track", {"userId": "ann", "anonymousId": "thief", "event": "Looked"}, "ingest")
    assert [(one.external_id, one.anonymous_id) for one in rows(parts, Customer)] == [("ann", "thief")]


def test_a_key_in_a_page_has_no_other_scope(client: TestClient) -> None:
    refused = client.post("/v1/keys", json={"name": "page", "scopes": ["browser", "ingest"]})
    assert (refused.status_code, refused.json()["path"]) == (422, "scopes")
    assert client.post("/v1/keys", json={"name": "page", "scopes": ["browser"]}).status_code == 201


def test_who_sends_events_does_not_make_one_of_two_known_customers(page: Callable[..., Any], parts: Parts) -> None:
    for user in ("ann", "bob"):
        page("/v1/identify", {"userId": user, "traits": {"email": f"{user}@example.com"}}, "ingest")
    alias = {"userId": "bob", "previousId": "ann"}
    refused = page("/v1/alias", alias, "ingest").json()
    assert (refused["accepted"], refused["rejected"][0]["path"]) == (0, "previousId")
    assert len(rows(parts, Customer)) == 2
    page("/v1/track", {"anonymousId": "visitor", "event": "Looked"}, "ingest")
    assert page("/v1/alias", {"userId": "bob", "previousId": "visitor"}, "ingest").json()["accepted"] == 1
    with parts.database.writing() as session:
        both = api_keys.create(session, "migration", ["ingest", "marketer"], parts.clock())[1]
    assert len(rows(parts, Customer)) == 2
    made = TestClient(build(parts), base_url="http://127.0.0.1").post("/v1/alias", json=alias, headers=bearer(both))
    assert made.json()["accepted"] == 1
    assert [one.external_id for one in rows(parts, Customer)] == ["bob"]


def test_who_sends_events_may_give_a_known_customer_an_id_that_nobody_has(
    page: Callable[..., Any], parts: Parts
) -> None:
    page("/v1/identify", {"userId": "ann", "traits": {"plan": "pro"}}, "ingest")
    refused = page("/v1/alias", {"anonymousId": "thief", "previousId": "ann"}, "ingest").json()
    assert (refused["accepted"], refused["rejected"][0]["path"]) == (0, "previousId")
    assert page("/v1/alias", {"userId": "17", "previousId": "ann"}, "ingest").json()["accepted"] == 1
    assert [(one.external_id, one.attributes) for one in rows(parts, Customer)] == [("17", {"plan": "pro"})]


# -- what keys are shown of a mail -------------------------------------------------------------------------------------


def test_a_mail_that_is_shown_has_lost_its_signed_links(client: TestClient, parts: Parts, noon: datetime) -> None:
    person = client.put("/v1/customers/ann", json={"attributes": {"email": "ann@example.com"}}).json()["id"]
    what = Unsubscribe(customer=person, topic="news", send_id=ID)
    signed = [parts.links.unsubscribe_url(what), parts.links.click_url(ID, 0), parts.links.open_url(ID)]
    html = (
        "".join(f'<a href="{url}">x</a>' for url in signed)
        + '<a href="https://shop.example/c/shoes.red-and-green-forever">y</a>'
    )
    with parts.database.writing() as session:
        status = MessageStatus.ACCEPTED
        row = messages.row(
            ID, person, template="mail_a", topic="news", lane="journey", due=noon, now=noon, status=status
        )
        messages.add(session, [row | {"accepted_at": noon}])
        session.add(MessageBody(message_id=ID, customer_id=person, frozen_at=noon, urls=[], subject="Hi", html=html,
                                text=f"Leave: {signed[0]}"))  # fmt: skip
    for path in (f"/v1/messages/{ID}", "/v1/customers/ann/export"):
        shown = client.get(path).text
        for url in signed:
            assert url.rpartition("/")[2] not in shown, path
    shown = client.get(f"/v1/messages/{ID}").json()
    assert re.findall(r'href="([^"]+)"', shown["html"])[:3] == [
        f"{parts.links.public_url}/{one}/hidden" for one in "uco"
    ]
    assert shown["text"] == f"Leave: {parts.links.public_url}/u/hidden"
    assert client.post("/u/hidden").status_code == 404


# -- nothing unknown ---------------------------------------------------------------------------------------------------


def test_an_operation_that_is_not_there_is_not_watched(client: TestClient) -> None:
    answer = client.get("/v1/operations/NOPE/watch")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:waypost:problem:not-found")


def test_a_topic_that_nobody_knows_is_not_paused(client: TestClient) -> None:
    assert client.post("/v1/topics/nope/pause").status_code == 404
    assert client.get("/v1/topics/nope").status_code == 404, "and none is made"
    text = "journey: j\nenter: [{on: E}]\ndefaults: {topic: tips}\nstart: a\nstages: {a: {steps: [{send: mail_a}]}}"
    client.put("/v1/journeys/j", content=text)
    client.post("/v1/journeys/j/publish")
    for topic in ("tips", "general"):
        assert client.post(f"/v1/topics/{topic}/pause").status_code == 200


@pytest.mark.parametrize(
    ("method", "url", "path"),
    [
        ("GET", "/v1/customers?limt=3", "limt"),
        ("GET", "/v1/messages?state=accepted", "state"),
        ("GET", "/v1/topics/news?x=1", "x"),
        ("GET", "/v1/rejections?kind=track", "kind"),
        ("POST", "/v1/journeys/welcome/publish?in_flight=move", "in_flight"),
        ("DELETE", "/v1/keys/key_1?force=true", "force"),
        ("GET", "/v1/customers?limit=1&sort=id&limit=200", "limit"),
        ("GET", "/v1/messages?status=failed&status=parked", "status"),
    ],
)
def test_a_parameter_that_nobody_reads_is_refused(client: TestClient, method: str, url: str, path: str) -> None:
    answer = client.request(method, url)
    assert (answer.status_code, answer.json()["path"]) == (422, path)


def test_a_parameter_that_is_read_as_a_list_may_be_given_again(client: TestClient) -> None:
    steps = [("from", "event:A"), ("via", "event:B"), ("via", "event:C"), ("to", "event:D")]
    answer = client.get("/v1/reports/funnel", params=steps)
    assert answer.status_code == 200, answer.text


def test_a_body_that_nobody_reads_is_refused(client: TestClient, welcome: dict[str, Any]) -> None:
    refused = client.post("/v1/journeys/welcome/publish", json={"in_fligt": "move"})
    assert (refused.status_code, refused.json()["path"]) == (422, "in_fligt")
    refused = client.request("DELETE", "/v1/customers/ann", json={"keep": ["events"]})
    assert (refused.status_code, refused.json()["path"]) == (422, "body")
    assert client.post("/v1/journeys/welcome/pause", json={}).status_code == 200


def test_every_shape_that_comes_in_is_closed(client: TestClient) -> None:
    """A field that nobody reads is refused in each body, however deep; what is open is open on purpose."""
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    seen: dict[str, Any] = {}

    def walk(node: Any) -> None:
        if isinstance(node, list):
            for one in node:
                walk(one)
        elif isinstance(node, dict):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name and name not in seen:
                seen[name] = schemas[name]
                walk(schemas[name])
            for one in node.values():
                walk(one)

    for path, item in document["paths"].items():
        for operation in item.values():
            if path.startswith("/v1/"):
                walk(operation.get("requestBody", {}))
    closed = {name for name, schema in seen.items() if schema.get("additionalProperties") is False or "enum" in schema}
    assert {name for name in seen if name not in closed} == set()


def test_a_load_balancer_may_ask_with_parameters_of_its_own(client: TestClient) -> None:
    assert client.get("/healthz?nocache=1").status_code == 200
    assert client.get("/?utm_source=mail").status_code == 200


# -- secrets of hooks --------------------------------------------------------------------------------------------------


def test_a_journey_names_secrets_that_there_are_and_shows_none(client: TestClient, parts: Parts) -> None:
    settings = parts.settings.model_copy(update={"hooks_secrets": {"crm_token": "Bearer s3cr3t"}})
    told = TestClient(build(Parts(settings, parts.clock)), base_url="http://127.0.0.1:8000", headers=client.headers)
    text = "journey: j\nenter: [{{on: E}}]\nstart: a\nstages: {{a: {{steps: [{{webhook: {{url: 'https://crm.example.com', headers: {{Authorization: {{secret: {0}}}}}}}}}]}}}}"
    refused = told.put("/v1/journeys/j", content=text.format("crm_tokn"))
    assert (refused.status_code, refused.json()["problems"][0]["code"]) == (422, "unknown_secret")
    assert "'crm_token', the nearest name" in refused.json()["problems"][0]["message"] + str(
        refused.json()["problems"][0]["expected"]
    )
    assert told.put("/v1/journeys/j", content=text.format("crm_token")).status_code == 200
    assert told.post("/v1/journeys/j/publish").status_code == 200
    for path in ("/v1/journeys/j", "/v1/journeys/j/versions/1", "/v1/journeys/j/map", "/v1/audit", "/v1/settings"):
        shown = told.get(path)
        assert (shown.status_code, "s3cr3t" in shown.text) == (200, False), path
    assert client.post("/v1/journeys/j/publish").status_code == 422, "where nobody named a secret there is none"


@pytest.mark.parametrize(
    "wrong", ["s3cr3t", '["s3cr3t"]', '{"a b": "s3cr3t"}', '{"a": ""}', '{"a": 3}', '{"a": "s3cr3t\\n"}']
)
def test_secrets_that_cannot_be_read_are_told_without_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    monkeypatch.setenv("WAYPOST_HOOKS_SECRETS", wrong)
    with pytest.raises(typer.Exit), failures_as_sentences():
        Settings(_env_file=None)  # type: ignore[call-arg]
    said = " ".join("".join(capsys.readouterr()).split())
    assert "WAYPOST_HOOKS_SECRETS" in said
    assert "s3cr3t" not in said


def test_secrets_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYPOST_HOOKS_SECRETS", '{"crm_token": "Bearer x"}')
    monkeypatch.setenv("WAYPOST_HOOKS_SECRET_NAMES", "chat, crm_token")
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    assert settings.hooks_secrets == {"crm_token": "Bearer x"}
    assert settings.known_secrets == {"crm_token", "chat"}
