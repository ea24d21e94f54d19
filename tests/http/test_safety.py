"""What makes calls safe to make: repeats, conditions, limits, keys, and a record of who did what."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from services.access.keys import api_keys
from store.session import Database
from store.tables.access import ApiKey, IdempotentAnswer
from store.tables.enrollments import Enrollment
from waypost.processes.api import build
from waypost.wiring import Parts

# -- Idempotency-Key ---------------------------------------------------------------------------------------------------


def once(key: str = "k1") -> dict[str, str]:
    return {"Idempotency-Key": key}


def test_a_repeat_gets_the_first_answer_and_is_not_done_again(client: TestClient) -> None:
    body = {"name": "shop", "scopes": ["ingest"]}
    first = client.post("/v1/keys", json=body, headers=once())
    again = client.post("/v1/keys", json=body, headers=once())
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert again.headers["idempotent-replay"] == "true"
    assert [one["name"] for one in client.get("/v1/keys").json()["items"]].count("shop") == 1


def test_the_same_key_with_another_body_is_a_conflict(client: TestClient) -> None:
    client.post("/v1/keys", json={"name": "shop", "scopes": ["ingest"]}, headers=once())
    other = client.post("/v1/keys", json={"name": "other", "scopes": ["ingest"]}, headers=once())
    assert (other.status_code, other.json()["type"]) == (409, "urn:waypost:problem:idempotency-conflict")
    path = client.post("/v1/journeys/x/publish", headers=once())
    assert path.status_code == 409


def test_a_refused_call_may_be_mended_under_the_same_key(client: TestClient) -> None:
    assert client.post("/v1/keys", json={"name": "", "scopes": []}, headers=once()).status_code == 422
    assert client.post("/v1/keys", json={"name": "shop", "scopes": ["ingest"]}, headers=once()).status_code == 201


def test_the_kept_answer_is_sealed_and_the_callers_alone(
    client: TestClient, parts: Parts, keys: dict[str, str]
) -> None:
    made = client.post("/v1/keys", json={"name": "shop", "scopes": ["admin"]}, headers=once()).json()
    with parts.database.reading() as session:
        (kept,) = session.exec(select(IdempotentAnswer)).all()
    assert made["key"].encode() not in kept.body
    assert b"shop" not in kept.body
    other = {"Authorization": f"Bearer {made['key']}", **once()}
    theirs = client.post("/v1/keys", json={"name": "shop", "scopes": ["admin"]}, headers=other)
    assert theirs.json()["id"] != made["id"], "another caller's key of the same name is another request"


def test_after_a_day_a_key_may_be_used_again(client: TestClient, clock: Any) -> None:
    first = client.post("/v1/keys", json={"name": "a", "scopes": ["ingest"]}, headers=once())
    clock.forward(hours=25)
    other = client.post("/v1/keys", json={"name": "b", "scopes": ["ingest"]}, headers=once())
    assert (other.status_code, other.json()["id"] != first.json()["id"]) == (201, True)


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x7fb"])
def test_an_odd_idempotency_key_is_refused(client: TestClient, key: str) -> None:
    answer = client.post("/v1/keys", json={"name": "a", "scopes": ["ingest"]}, headers={"Idempotency-Key": key})
    assert answer.status_code == 400


def test_killed_between_commit_and_answer_the_repeat_is_done_once(
    client: TestClient, parts: Parts, welcome: dict[str, Any]
) -> None:
    """Fault 26: the answer is committed with what it answers, so nothing can come between."""
    client.put("/v1/customers/ann", json={"attributes": {}})
    app = client.app

    async def cut(scope: Any, receive: Any, send: Any) -> None:
        async def gone(message: Any) -> None:
            raise ConnectionResetError("the process is gone before it answers")

        await app(scope, receive, gone if scope["type"] == "http" else send)

    path = "/v1/journeys/welcome/enrollments"
    with pytest.raises(ConnectionResetError):
        TestClient(cut, headers=dict(client.headers)).post(path, json={"customer": "ann"}, headers=once())
    again = client.post(path, json={"customer": "ann"}, headers=once())
    assert (again.status_code, again.headers["idempotent-replay"]) == (201, "true")
    with parts.database.reading() as session:
        assert [one.id for one in session.exec(select(Enrollment)).all()] == [again.json()["id"]]


# -- ETag and If-Match -------------------------------------------------------------------------------------------------

JOURNEY = "journey: j\nname: {}\nstart: a\nstages: {{a: {{}}}}"
PUTS: list[tuple[str, Any, Any]] = [
    ("/v1/segments/s", {"guard": "customer.a == 1"}, {"guard": "customer.a == 2"}),
    ("/v1/topics/news", {"name": "News"}, {"name": "Other"}),
    ("/v1/templates/t", {"subject": "S", "html": "<p>a</p>"}, {"subject": "S", "html": "<p>b</p>"}),
    ("/v1/settings", {"timezone": "Europe/Berlin"}, {"timezone": "Europe/Paris"}),
    ("/v1/customers/ann", {"attributes": {"a": 1}}, {"attributes": {"a": 2}}),
    ("/v1/journeys/j", JOURNEY.format("one"), JOURNEY.format("two")),
]


def put(client: TestClient, path: str, body: Any, **headers: str) -> Any:
    given = {"content": body} if isinstance(body, str) else {"json": body}
    return client.put(path, headers={name.replace("_", "-"): value for name, value in headers.items()}, **given)


@pytest.mark.parametrize(("path", "first", "second"), PUTS)
def test_of_two_who_change_one_thing_the_second_is_told(
    client: TestClient, clock: Any, path: str, first: Any, second: Any
) -> None:
    made = put(client, path, first)
    assert made.status_code == 200, made.text
    read = client.get(path).headers["etag"]
    assert read == made.headers["etag"]
    clock.forward(seconds=1)
    mine = put(client, path, second, If_Match=read)
    assert (mine.status_code, mine.headers["etag"] != read) == (200, True)
    yours = put(client, path, first, If_Match=read)
    assert (yours.status_code, yours.json()["type"]) == (412, "urn:waypost:problem:precondition-failed")
    assert client.get(path).headers["etag"] == mine.headers["etag"], "nothing was overwritten"
    assert put(client, path, first, If_None_Match="*").status_code in (412, 200 if path == "/v1/settings" else 412)


def test_a_condition_on_what_does_not_exist(client: TestClient) -> None:
    assert put(client, "/v1/segments/s", {"guard": "true"}, If_Match='"x"').status_code == 412
    assert put(client, "/v1/segments/s", {"guard": "true"}, If_None_Match="*").status_code == 200


# -- limits ------------------------------------------------------------------------------------------------------------


def test_a_key_has_a_rate_and_is_told_when_to_come_again(client: TestClient) -> None:
    key = client.post("/v1/keys", json={"name": "slow", "scopes": ["support"], "rate": "3/minute"}).json()["key"]
    headers = {"Authorization": f"Bearer {key}"}
    answers = [client.get("/v1/segments", headers=headers) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    last = answers[-1]
    assert last.json()["type"] == "urn:waypost:problem:rate-limited"
    assert 1 <= int(last.headers["retry-after"]) <= 120
    assert last.headers["x-ratelimit-limit"] == "3"
    assert client.get("/v1/segments").status_code == 200, "others have their own"


def test_ingestion_refuses_too_many_calls_in_segments_form(client: TestClient) -> None:
    key = client.post("/v1/keys", json={"name": "slow", "scopes": ["ingest"], "rate": "1/hour"}).json()["key"]
    headers = {"Authorization": f"Bearer {key}"}
    first, second = (client.post("/v1/batch", json={"batch": []}, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code, set(second.json())) == (200, 429, {"code", "message"})
    assert {"retry-after", "x-ratelimit-reset"} <= set(second.headers)


@pytest.mark.parametrize("rate", ["many", "0/minute", "5/fortnight", "-1/second", "5"])
def test_an_odd_rate_is_refused(client: TestClient, rate: str) -> None:
    answer = client.post("/v1/keys", json={"name": "a", "scopes": ["ingest"], "rate": rate})
    assert (answer.status_code, answer.json()["path"]) == (422, "rate")


def test_a_large_body_is_refused_before_it_is_read(client: TestClient) -> None:
    large = client.put("/v1/customers/ann", content=b" " * 1_100_000, headers={"content-type": "application/json"})
    assert (large.status_code, large.json()["type"]) == (413, "urn:waypost:problem:too-large")

    def endless() -> Any:
        for _ in range(100):
            yield b" " * 50_000

    streamed = client.put("/v1/customers/ann", content=endless(), headers={"content-type": "application/json"})
    assert streamed.status_code == 413


def test_deep_json_is_an_error_of_the_caller(client: TestClient) -> None:
    for body in (b"[" * 400_000, b'{"attributes": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001):
        answer = client.put("/v1/customers/ann", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422), answer.text
    deep: dict[str, Any] = {"attributes": {"a": {"b": 1}}}
    for _ in range(30):
        deep["attributes"] = {"x": deep["attributes"]}
    assert client.put("/v1/customers/ann", json=deep).status_code == 422


def test_a_temporal_that_takes_calls_and_answers_none_is_told_by_name(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for readiness got nothing for half a minute, and then that the request had timed out."""

    async def hangs(*_: Any, **__: Any) -> Any:
        import asyncio

        await asyncio.Event().wait()

    monkeypatch.setattr("api.routes.health.ANSWERS_WITHIN", 0.1)
    monkeypatch.setattr("workflows.gateway.connect", hangs)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["temporal"], answer.json()["database"]) == (503, False, True)


def test_a_request_that_takes_too_long_is_given_up(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:

    async def hangs(*_: Any, **__: Any) -> Any:
        import asyncio

        await asyncio.sleep(30)

    monkeypatch.setattr("api.edge.limits.SECONDS", 0.2)
    monkeypatch.setattr("workflows.gateway.connect", hangs)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:waypost:problem:timed-out")


# -- request ids and logs ----------------------------------------------------------------------------------------------


def test_every_answer_has_an_id_and_the_log_names_no_customer(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    given = client.get("/v1/customers/ann@example.com", headers={"X-Request-Id": "shop-17"})
    made = client.get("/v1/customers?query=ann@example.com", headers={"X-Request-Id": "bad id\x01"})
    assert given.headers["x-request-id"] == "shop-17"
    assert len(made.headers["x-request-id"]) == 16
    logged = capsys.readouterr().out
    assert "shop-17" in logged
    assert "/v1/customers/{id}" in logged
    assert "ann@example.com" not in logged


def test_what_nobody_foresaw_is_a_problem_and_logged_under_the_id_of_its_answer(
    client: TestClient, parts: Parts, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("services.reports.customer.customer_view.customer", breaks)
    answer = client.get("/v1/customers/ann", headers={"X-Request-Id": "shop-500"})
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:waypost:problem:unexpected")
    assert answer.headers["x-request-id"] == "shop-500"
    told = [line for line in capsys.readouterr().out.splitlines() if "unexpected_error" in line]
    assert "shop-500" in told[0]


# -- keys and audit ----------------------------------------------------------------------------------------------------


def test_a_key_expires(client: TestClient, clock: Any) -> None:
    until = (clock.at + timedelta(hours=1)).isoformat()
    made = client.post("/v1/keys", json={"name": "short", "scopes": ["support"], "expires_at": until}).json()
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert client.get("/v1/segments", headers=headers).status_code == 200
    clock.forward(hours=1)
    assert client.get("/v1/segments", headers=headers).status_code == 401
    past = client.post("/v1/keys", json={"name": "x", "scopes": ["support"], "expires_at": "2020-01-01T00:00:00Z"})
    assert (past.status_code, past.json()["path"]) == (422, "expires_at")


def test_of_a_key_only_a_hash_is_kept(client: TestClient, parts: Parts) -> None:
    made = client.post("/v1/keys", json={"name": "a", "scopes": ["ingest"]}).json()
    with parts.database.reading() as session:
        rows = [one.model_dump_json() for one in session.exec(select(ApiKey)).all()]
    assert not any(made["key"] in row for row in rows)
    assert made["key"].startswith(made["prefix"])
    assert not any("hash" in one for one in client.get("/v1/keys").json()["items"])


def test_who_changed_what_is_on_record_with_before_and_after(client: TestClient, welcome: dict[str, Any]) -> None:
    me = next(one["id"] for one in client.get("/v1/keys").json()["items"] if one["name"] == "admin")
    client.put("/v1/segments/team", json={"guard": "customer.plan == 'team'"})
    client.put("/v1/segments/team", json={"guard": "customer.plan == 'pro'"})
    client.delete("/v1/segments/team")
    found = client.get("/v1/audit", params={"kind": "segment", "target": "team"}).json()["items"]
    assert [(one["action"], one["actor"]) for one in found] == [("removed", me), ("changed", me), ("created", me)]
    assert found[1]["before"]["guard"] == "customer.plan == 'team'"
    assert found[1]["after"]["guard"] == "customer.plan == 'pro'"
    published = client.get("/v1/audit", params={"kind": "journey"}).json()["items"]
    assert [one["action"] for one in published] == ["published", "created"]
    assert (published[0]["before"]["live_version"], published[0]["after"]["live_version"]) == (None, 1)


def test_of_a_customer_only_the_names_of_what_changed_are_kept(client: TestClient) -> None:
    client.put("/v1/customers/ann", json={"attributes": {"email": "ann@example.com", "phone": "0123"}})
    (found,) = client.get("/v1/audit", params={"kind": "customer"}).json()["items"]
    assert found["after"] == {"changed": ["email", "phone"]}
    assert "ann@example.com" not in str(found)


# -- pages -------------------------------------------------------------------------------------------------------------


def test_a_list_is_read_page_by_page_in_both_orders_whatever_is_added(client: TestClient) -> None:
    for number in range(5):
        client.put(f"/v1/customers/{number + 1}", json={"attributes": {"email": f"c{number}@example.com"}})

    def read(sort: str) -> list[str]:
        found, cursor = list[str](), None
        while True:
            params = {"limit": 2, "sort": sort} | ({"cursor": cursor} if cursor else {})
            page = client.get("/v1/customers", params=params).json()
            found += [one["external_id"] for one in page["items"]]
            cursor = page["cursor"]
            if cursor is None:
                return found

    assert read("created") == ["1", "2", "3", "4", "5"]
    assert read("-created") == ["5", "4", "3", "2", "1"]
    assert read("-email") == ["5", "4", "3", "2", "1"]
    cursor = client.get("/v1/customers", params={"limit": 2}).json()["cursor"]
    other = client.get("/v1/customers", params={"cursor": cursor, "sort": "-created"})
    assert (other.status_code, other.json()["path"]) == (422, "cursor")


def test_the_timeline_is_read_to_its_end_without_gaps(client: TestClient, welcome: dict[str, Any]) -> None:
    for number in range(7):
        client.post("/v1/track", json={"userId": "ann", "event": "Signed Up", "messageId": f"m{number}"})
    whole = client.get("/v1/customers/ann/timeline", params={"limit": 200}).json()["items"]
    found, cursor = list[Any](), None
    for _ in range(50):
        page = client.get("/v1/customers/ann/timeline", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        found += page.json()["items"]
        cursor = page.json()["cursor"]
        if cursor is None:
            break
    assert found == whole
    assert len(whole) == 7 + 6


def test_the_edge_holds_at_many_calls_at_once(parts: Parts, keys: dict[str, str], database: Database) -> None:
    """Fault 13: the same trigger a hundred times at once, on both databases, is one event and one enrollment."""
    from concurrent.futures import ThreadPoolExecutor

    from journeys.checks.lint import NOWHERE
    from services.definitions.journey_versions import drafts, journeys

    text = "journey: w\nenter: [{on: Signed Up}]\nstart: n\nstages: {n: {steps: [{send: mail_a}]}}"
    with database.writing() as session:
        key = api_keys.create(session, "x", ["ingest"], parts.clock())[1]
        drafts.put_draft(session, drafts.read_draft("w", text, NOWHERE), parts.clock())
        journeys.publish(session, "w", frozenset({"mail_a"}), parts.clock())
    parts.__dict__["database"] = database
    event = {"userId": "ann", "event": "Signed Up", "messageId": "only", "anonymousId": "a1"}
    with TestClient(build(parts), headers={"Authorization": f"Bearer {key}"}) as client, ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: client.post("/v1/track", json=event), range(100)))
    assert {one.status_code for one in answers} == {200}
    assert sum(one.json()["accepted"] for one in answers) == 1
    with database.reading() as session:
        assert len(session.exec(select(Enrollment)).all()) == 1


def test_two_who_make_the_same_new_thing_at_once(
    parts: Parts, keys: dict[str, str], request: pytest.FixtureRequest, tmp_path: Any
) -> None:
    """On PostgreSQL two may write at once: one is done, the other is told to try again, and nobody gets a 500."""
    from concurrent.futures import ThreadPoolExecutor

    from tests.conftest import database_url

    database = Database(database_url("postgresql", request, tmp_path))
    with database.writing() as session:
        key = api_keys.create(session, "x", ["admin"], parts.clock())[1]
    parts.__dict__["database"] = database
    headers = {"Authorization": f"Bearer {key}"}
    with (
        TestClient(build(parts), headers=headers, raise_server_exceptions=False) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        for path, body in (("/v1/customers/ann", {"attributes": {}}), ("/v1/topics/news", {"name": "N"})):
            answers = list(pool.map(lambda _, path=path, body=body: client.put(path, json=body), range(16)))
            assert {one.status_code for one in answers} <= {200, 409}
            told = {one.json()["type"] for one in answers if one.status_code == 409}
            assert told <= {"urn:waypost:problem:collision"}
            assert {one.headers["retry-after"] for one in answers if one.status_code == 409} <= {"1"}
            assert client.put(path, json=body).status_code == 200
    database.close()
