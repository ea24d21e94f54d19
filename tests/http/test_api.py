"""The API: each subject, each refusal, and no answer before the commit."""

import base64
import gzip
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from api.edge import ingestion_paths
from mail.signed_links import Unsubscribe
from store.tables.customers import Consent, Customer, Event
from store.tables.enrollments import Enrollment
from store.tables.messages import OutboxMail
from waypost.wiring import Parts

EVENT = {"type": "track", "userId": "ann", "event": "Signed Up", "messageId": "m1"}


# -- ingestion ---------------------------------------------------------------------------------------------------------


def stored(parts: Parts) -> list[str]:
    with parts.database.reading() as session:
        return list(session.exec(select(Event.name).order_by(Event.id)).all())  # type: ignore[arg-type]


def test_a_batch_is_taken_in_and_what_is_wrong_is_logged(client: TestClient, parts: Parts) -> None:
    answer = client.post("/v1/batch", json={"batch": [EVENT, EVENT, {"type": "track", "userId": "ann"}]})
    assert (answer.status_code, answer.json()["accepted"], answer.json()["repeated"]) == (200, 1, 1)
    assert answer.json()["rejected"][0]["path"] == "event"
    assert stored(parts) == ["Signed Up"]
    assert client.get("/v1/rejections").json()["items"][0]["path"] == "event"


@pytest.mark.parametrize("kind", ["identify", "track", "page", "screen", "group", "alias"])
def test_each_single_call_is_taken_in(client: TestClient, parts: Parts, kind: str) -> None:
    body = {"userId": "ann", "event": "E", "previousId": "x", "groupId": "g", "anonymousId": None}
    assert client.post(f"/v1/{kind}", json=body).json()["accepted"] == 1
    assert len(stored(parts)) == 1


def basic(key: str, colon: str = ":") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{key}{colon}".encode()).decode()}


def test_a_client_may_authenticate_in_three_ways(client: TestClient, keys: dict[str, str]) -> None:
    body, key = {"batch": [EVENT]}, keys["ingest"]
    del client.headers["Authorization"]
    for headers in ({"Authorization": f"Bearer {key}"}, basic(key), basic(key, "")):
        assert client.post("/v1/batch", json=body, headers=headers).status_code == 200
    assert client.post("/v1/batch", json=body | {"writeKey": key}).status_code == 200
    refused = client.post("/v1/batch", json=body)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    forbidden = client.post("/v1/batch", json=body, headers=basic(keys["support"]))
    assert (forbidden.status_code, forbidden.json()["code"]) == (403, "forbidden")


def test_gzip_is_read_whatever_the_content_type_says(client: TestClient, parts: Parts) -> None:
    body = gzip.compress(json.dumps({"batch": [EVENT]}).encode())
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/v1/batch", content=body, headers=headers).status_code == 200
    assert stored(parts) == ["Signed Up"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"batch": {}}',
        b"\x00\xff",
        b'{"batch": [' + b"{}," * 2_600 + b"{}]}",
        b'{"batch": "' + b"x" * 600_000 + b'"}',
        b'{"batch": ' + b"[" * 100_000,
        gzip.compress(b"x" * 50_000_000),
        gzip.compress(b'{"batch": []}')[:-4],
        b"\x1f\x8bnot gzip",
    ],
    ids=range(11),
)
def test_a_body_that_is_no_batch_gets_a_400_in_segments_form(client: TestClient, parts: Parts, body: bytes) -> None:
    answer = client.post("/v1/batch", content=body)
    assert (answer.status_code, set(answer.json())) == (400, {"code", "message"})
    assert stored(parts) == []


@pytest.mark.parametrize("value", ["NaN", "Infinity", '"\\ud800"', '"\\u0000"', "1e999"])
def test_a_value_that_no_database_takes_is_a_rejection(client: TestClient, parts: Parts, value: str) -> None:
    body = '{"batch": [{"type": "track", "userId": "a", "event": "E", "properties": {"x": ' + value + "}}]}"
    answer = client.post("/v1/batch", content=body)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 0)
    assert answer.json()["rejected"][0]["path"] == "properties.x"


# -- keys --------------------------------------------------------------------------------------------------------------


def routes(client: TestClient) -> list[tuple[str, str]]:
    document = client.get("/openapi.json").json()
    found = [(method, path) for path, item in document["paths"].items() for method in item]
    return [(method, path) for method, path in found if path.startswith("/v1/")]


def test_every_route_refuses_no_key_a_wrong_key_and_a_revoked_one(client: TestClient, keys: dict[str, str]) -> None:
    mine = next(one for one in client.get("/v1/keys").json()["items"] if one["name"] == "ingest")
    client.delete(f"/v1/keys/{mine['id']}")
    for headers in (
        {"Authorization": ""},
        {"Authorization": "Bearer wp_wrong"},
        {"Authorization": f"Bearer {keys['ingest']}"},
    ):
        for number, (method, path) in enumerate(routes(client)):
            stranger = TestClient(client.app, client=(f"192.0.2.{number}", 50_000), base_url="http://127.0.0.1:8000")
            answer = stranger.request(method, path, headers=headers, json={"batch": []})
            assert answer.status_code == 401, (method, path, headers)


def test_every_route_refuses_a_key_of_too_small_a_scope(client: TestClient, keys: dict[str, str]) -> None:
    for method, path in routes(client):
        scope = "support" if path in ingestion_paths.PATHS else "ingest"
        headers = {"Authorization": f"Bearer {keys[scope]}"}
        answer = client.request(method, path, headers=headers, json={"batch": []})
        in_the_path = path == "/v1/projects/{key}/settings"  # whose key is asked for, whatever a header says
        assert answer.status_code == (401 if in_the_path else 403), (method, path)


def test_a_key_is_shown_once_and_kept_as_a_hash(client: TestClient, parts: Parts) -> None:
    made = client.post("/v1/keys", json={"name": "shop", "scopes": ["ingest"]})
    assert made.status_code == 201
    text = made.json()["key"]
    assert text not in client.get("/v1/keys").text
    raw = parts.settings.home / "waypost.db"
    assert text.encode() not in raw.read_bytes() + (raw.parent / "waypost.db-wal").read_bytes()
    assert client.post("/v1/keys", json={"name": "x", "scopes": ["root"]}).json()["path"] == "scopes"


# -- customers ---------------------------------------------------------------------------------------------------------


def test_a_customer_is_put_changed_and_found(client: TestClient) -> None:
    client.put(
        "/v1/customers/17", json={"attributes": {"email": "Ann@Example.com", "plan": "team", "zone": "Europe/Berlin"}}
    )
    changed = client.put("/v1/customers/17", json={"attributes": {"plan": None, "age": 30}}).json()
    assert (changed["email"], changed["timezone"]) == ("ann@example.com", "Europe/Berlin")
    assert "plan" not in changed["attributes"]
    for name in ("17", "ann@example.com", changed["id"]):
        assert client.get(f"/v1/customers/{name}").json()["customer"]["id"] == changed["id"]
    assert [one["external_id"] for one in client.get("/v1/customers?query=ann").json()["items"]] == ["17"]


def test_lists_are_read_page_by_page(client: TestClient) -> None:
    for number in range(5):
        client.put(f"/v1/customers/c{number}", json={"attributes": {}})
    seen, cursor = [], None
    for _ in range(4):
        page = client.get("/v1/customers", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [one["external_id"] for one in page["items"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert sorted(seen) == ["c0", "c1", "c2", "c3", "c4"]


def test_the_timeline_tells_why(client: TestClient, welcome: dict[str, Any]) -> None:
    client.post("/v1/track", json=EVENT)
    client.post("/v1/track", json=EVENT | {"messageId": "m2"})
    story = client.get("/v1/customers/ann/timeline").json()["items"]
    refused = next(one for one in story if one["what"] == "not_entered")
    assert (refused["journey"], refused["detail"]["reason"]) == ("welcome", "already_enrolled")
    assert [one["external_id"] for one in client.get("/v1/customers?stage=new").json()["items"]] == ["ann"]
    assert client.get("/v1/customers?stage=old").json()["items"] == []
    status = client.get("/v1/customers/ann").json()
    assert (status["lifecycle_stage"], status["enrollments"][0]["source"]) == ("new", "event Signed Up")


# -- journeys ----------------------------------------------------------------------------------------------------------


def test_an_invalid_draft_is_refused_with_every_problem_and_nothing_is_stored(client: TestClient) -> None:
    text = "journey: j\nstart: a\nstages:\n  a:\n    steps:\n      - sned: x\n      - wait: 3 moons\n"
    answer = client.put("/v1/journeys/j", content=text)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    found = [(one["path"], one["line"]) for one in answer.json()["problems"]]
    assert found == [("stages.a.steps[0]", 6), ("stages.a.steps[1].wait", 7)]
    assert client.get("/v1/journeys/j").status_code == 404
    assert client.post("/v1/journeys/validate", content=text).json()["valid"] is False


def test_a_draft_of_another_journey_or_with_an_unknown_template_is_refused(client: TestClient) -> None:
    text = "journey: j\nstart: a\nstages: {a: {steps: [{send: mail_x}]}}"
    assert client.put("/v1/journeys/k", content=text.replace("mail_x", "mail_a")).json()["problems"][0]["code"] == "key"
    assert client.put("/v1/journeys/j", content=text).json()["problems"][0]["code"] == "unknown_template"


def test_a_version_never_changes_and_the_same_draft_is_published_once(
    client: TestClient, welcome: dict[str, Any]
) -> None:
    assert (welcome["number"], welcome["created"]) == (1, True)
    assert client.post("/v1/journeys/welcome/publish").json()["created"] is False
    client.put("/v1/journeys/welcome", content="journey: welcome\nstart: b\nstages: {b: {}}")
    assert client.post("/v1/journeys/welcome/publish").json()["number"] == 2
    assert client.get("/v1/journeys/welcome/versions/1").json()["definition"]["start"] == "new"
    assert [one["number"] for one in client.get("/v1/journeys/welcome/versions").json()["items"]] == [2, 1]


def test_publishing_leaves_those_under_way_on_their_version(client: TestClient, welcome: dict[str, Any]) -> None:
    client.post("/v1/track", json=EVENT)
    client.put("/v1/journeys/welcome", content="journey: welcome\nenter: [{on: Signed Up}]\nstart: b\nstages: {b: {}}")
    client.post("/v1/journeys/welcome/publish")
    client.post("/v1/track", json={"userId": "bob", "event": "Signed Up"})
    found = client.get("/v1/enrollments").json()["items"]
    assert [(one["version"], one["stage"]) for one in found] == [(1, "new"), (2, "b")]


# -- enrollments -------------------------------------------------------------------------------------------------------


def test_enrolling_by_hand_follows_the_reentry_rule(client: TestClient, welcome: dict[str, Any]) -> None:
    client.put("/v1/customers/ann", json={"attributes": {}})
    made = client.post("/v1/journeys/welcome/enrollments", json={"customer": "ann"})
    assert (made.status_code, made.json()["stage"]) == (201, "new")
    again = client.post("/v1/journeys/welcome/enrollments", json={"customer": "ann"})
    assert (again.status_code, again.json()["detail"]) == (409, "the customer is in this journey now")
    assert client.get(f"/v1/enrollments/{made.json()['id']}").json()["run"] == 1
    assert client.get("/v1/reports/lifecycle").json()["stages"] == {"new": 1}


def test_a_control_that_cannot_be_done_at_once_nor_by_temporal_is_a_503_that_says_so(
    client: TestClient, welcome: dict[str, Any], parts: Parts
) -> None:
    client.post("/v1/track", json=EVENT)
    (enrollment,) = client.get("/v1/enrollments").json()["items"]
    with parts.database.writing() as session:
        session.get_one(Enrollment, enrollment["id"]).digest = "of no definition"
    answer = client.post(f"/v1/enrollments/{enrollment['id']}/pause")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:waypost:problem:temporal-unavailable")


@pytest.mark.parametrize(
    "path",
    ["/v1/customers/nobody", "/v1/journeys/none", "/v1/journeys/none/versions/1", "/v1/enrollments/enr_x",
     "/v1/messages/x", "/v1/customers/nobody/timeline", "/nowhere"],
)  # fmt: skip
def test_what_is_not_there_is_a_404_that_names_it(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["type"] == "urn:waypost:problem:not-found"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/customers/x", {"attributes": {"a": "\ud800"}}),
        ("PUT", "/v1/customers/x", {"attributes": "no"}),
        ("PUT", "/v1/customers/x", {"attributs": {}}),
        ("PUT", "/v1/customers/%00", {"attributes": {}}),
        ("POST", "/v1/keys", {"name": "", "scopes": []}),
        ("GET", "/v1/messages?cursor=nonsense", None),
        ("GET", "/v1/customers?limit=0", None),
    ],
)
def test_bad_input_is_a_422_that_names_the_field(client: TestClient, method: str, path: str, body: Any) -> None:
    answer = client.request(method, path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["path"]


def test_an_answer_comes_after_the_commit(client: TestClient, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit that fails is an error of 500, never a 200."""
    from sqlalchemy.orm import Session

    def fail(self: Session) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr("sqlalchemy.orm.session.SessionTransaction.commit", fail)
    answer = client.put("/v1/customers/17", json={"attributes": {}})
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:waypost:problem:unexpected")
    monkeypatch.undo()
    with parts.database.reading() as session:
        assert session.exec(select(Customer)).all() == []


# -- pages -------------------------------------------------------------------------------------------------------------


def test_unsubscribing_asks_on_get_and_acts_on_post(client: TestClient, parts: Parts) -> None:
    made = client.put("/v1/customers/17", json={"attributes": {"email": "ann@example.com"}}).json()
    url = parts.links.unsubscribe_url(Unsubscribe(customer=made["id"], topic="news", send_id="m"))
    path = url.removeprefix(parts.settings.links_url)
    del client.headers["Authorization"]

    def consents() -> list[tuple[str, bool]]:
        with parts.database.reading() as session:
            return [(one.topic, one.granted) for one in session.exec(select(Consent)).all()]

    asked = client.get(path)
    assert (asked.status_code, "Unsubscribe?" in asked.text, consents()) == (200, True, [])
    for _ in range(2):
        done = client.post(path, data={"List-Unsubscribe": "One-Click"}, follow_redirects=False)
        assert (done.status_code, "set-cookie" in done.headers, consents()) == (200, False, [("news", False)])
    for bad in (path[:-2], path + "x", "/u/x"):
        assert client.get(bad).status_code == client.post(bad).status_code == 404


def test_the_outbox_shows_what_it_caught_to_this_machine_alone(client: TestClient, parts: Parts) -> None:
    from mail.message import Mail, Sender
    from store.queries.mails import outbox

    with parts.database.writing() as session:
        caught = Mail(
            send_id="s",
            to="a@b.c",
            sender=Sender(name="", email="x@y.z"),
            subject="<b>Hi</b>",
            html="<p onclick='x'>y</p>",
            text="y",
        )
        outbox.keep(session, [caught], "x@y.z", parts.clock())
        (mail,) = session.exec(select(OutboxMail)).all()
    assert "&lt;b&gt;Hi" in client.get("/outbox").text
    shown = client.get(f"/outbox/{mail.id}")
    assert f'src="/outbox/{mail.id}/body"' in shown.text
    assert "sandbox allow-popups" in client.get(f"/outbox/{mail.id}/body").headers["content-security-policy"]
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    file = client.get(f"/outbox/{mail.id}/mail.eml")
    assert (file.headers["content-type"], b"Subject: <b>Hi</b>" in file.content) == ("message/rfc822", True)
    far = TestClient(client.app, base_url="http://127.0.0.1:8000", client=("203.0.113.9", 1))
    assert far.get("/outbox").status_code == 401


# -- documentation -----------------------------------------------------------------------------------------------------


BARE = (
    "/retry",
    "/publish",
    "/cancel",
    "/archive",
    "/pause",
    "/resume",
    "/send",
    "/lanes/release",
    "/reconciliation/check",
    "/reconciliation/repair",
    "/reports/value",
    "/disable",
    "/enable",
    "/broadcasts/{key}/preview",
)
"""Calls without a body."""


def test_openapi_is_complete(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert "Problem" in document["components"]["schemas"]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation.get("summary"), (method, path)
            assert operation.get("description"), (method, path)
            if method in ("post", "put") and path.startswith("/v1/") and not path.endswith(BARE):
                assert "example" in json.dumps(_resolved(document, operation["requestBody"])), (method, path)
            if path.startswith("/v1/"):
                assert {"400", "401", "403", "429"} <= set(operation["responses"]), (method, path)
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and "application/problem+json" in answer.get("content", {}):
                    assert answer["content"]["application/problem+json"]["example"]["detail"], (method, path, status)


def _resolved(document: Any, node: Any) -> Any:
    if isinstance(node, dict):
        if "$ref" in node:
            return _resolved(document, document["components"]["schemas"][node["$ref"].rpartition("/")[2]])
        return {key: _resolved(document, value) for key, value in node.items()}
    return [_resolved(document, one) for one in node] if isinstance(node, list) else node


def test_health_says_what_is_missing(client: TestClient) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["temporal"]) == (503, False)
