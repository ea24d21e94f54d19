"""Ids of customers at every door: trimmed; what programs write in the place of none joins nobody to anybody."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from services.ingestion import identifiers
from services.values import Rejected
from store.tables.access import Rejection
from store.tables.customers import Customer
from tests.http.test_operations import errors, imported
from waypost.wiring import Parts

NOBODY = [
    "undefined", "Undefined ", "NULL", "NaN", "None", "nil", "<nil>", "(null)", "[object Object]", "[object Promise]",
    "0", 0, "0.0", "00000000-0000-0000-0000-000000000000", -1, "-", "...", "N/A", "#N/A", "#REF!", "anonymous", "Guest",
    "unknown", "{{ user.id }}", "${userId}", "{userId}", "<userId>", "%s", "undefinedundefined", "null-null",
    "null@null", "true", "[]", "''", "user_id", "distinct_id", "not authenticated", "[Function: id]",
    "Promise { <pending> }", "\u200bnull", "{'id': 1}", "undef\u200bined", "ｕｎｄｅｆｉｎｅｄ", "&lt;null&gt;",
    "%7B%7Buser.id%7D%7D", "[object%20Object]", "*|EMAIL|*", ":userId", "$id", "%!s(<nil>)", "function(){}",
    "() => id", "Symbol(id)", "\\N", "n.a.", "NoneType", "unknown user", "guest_user",
]  # fmt: skip
SOMEBODY = [
    "ann", "nana", "Nanna", "nil-s", "0x12", "user-0", "007", "1", "none@example.com", "Nullmeyer", "x", "é", "李",
    "c-0", "guest123", "<ann@example.com>", "-5", "100", "A0", "trueman", "infinity-war", "id-7",
    "100%25", "anon7", "@ann", "$mart", "a=>b@example.com", "userid7", ":7", "n.a@example.com", "Nonetyper", "guest_7",
]  # fmt: skip


@pytest.mark.parametrize("written", NOBODY)
def test_what_a_program_writes_for_nothing_is_no_id(written: Any) -> None:
    for field in ("userId", "anonymousId", "previousId"):
        with pytest.raises(Rejected, match="what a program writes where there is no id"):
            identifiers.name_in({field: written}, field)


@pytest.mark.parametrize("written", SOMEBODY)
def test_what_only_looks_a_little_like_it_is_an_id(written: str) -> None:
    assert identifiers.name_in({"userId": f" {written}\t\u200b"}, "userId") == written


@pytest.mark.parametrize("written", ["", "  ", "\ufeff", None])
def test_what_is_empty_is_no_id(written: str | None) -> None:
    assert identifiers.name_in({"userId": written}, "userId") is None


def people(parts: Parts) -> list[tuple[str | None, str | None, str | None]]:
    with parts.database.reading() as session:
        found = session.exec(select(Customer)).all()
    return sorted(((one.external_id, one.anonymous_id, one.email) for one in found), key=str)


def test_an_id_that_is_undefined_joins_nobody(client: TestClient, parts: Parts) -> None:
    for who in ("1", "2"):
        sent = {"anonymousId": f"anon{who}", "traits": {"email": f"visitor{who}@example.com"}}
        assert client.post("/v1/identify", json=sent).status_code == 200
    for number in ("1", "2"):
        client.post("/v1/identify", json={"userId": "undefined", "anonymousId": f"anon{number}", "messageId": number})
    assert people(parts) == [(None, "anon1", "visitor1@example.com"), (None, "anon2", "visitor2@example.com")]
    refused = client.get("/v1/rejections").json()["items"]
    assert {(one["message_id"], one["path"]) for one in refused} == {("1", "userId"), ("2", "userId")}


def test_an_event_of_a_batch_fails_alone(client: TestClient, parts: Parts) -> None:
    named = [{"type": "track", "event": "E", "userId": one} for one in (" ann ", "null", "ann", "  ", "bob")]
    assert client.post("/v1/batch", json={"batch": named}).status_code == 200
    assert people(parts) == [("ann", None, None), ("bob", None, None)]
    with parts.database.reading() as session:
        kept = session.exec(select(Rejection.reason)).all()
    assert len(kept) == 2


def test_an_event_that_names_no_event_by_undefined_is_no_repeat(client: TestClient, parts: Parts) -> None:
    for _ in range(2):
        client.post("/v1/track", json={"userId": "ann", "event": "E", "messageId": "undefined"})
    with parts.database.reading() as session:
        kept = session.exec(select(Rejection.path)).all()
    assert list(kept) == ["messageId", "messageId"]


def test_putting_a_customer_without_an_id_is_refused(client: TestClient) -> None:
    for written in ("undefined", "%5Bobject%20Object%5D", "%20"):
        answer = client.put(f"/v1/customers/{written}", json={"attributes": {}})
        assert (answer.status_code, answer.json()["path"]) == (422, "userId"), answer.text
    assert client.put("/v1/customers/%20ann%20", json={"attributes": {}}).json()["external_id"] == "ann"


def test_a_line_of_an_import_fails_alone(client: TestClient, parts: Parts) -> None:
    done = imported(client, parts, "userId,plan\nann,x\nundefined,x\nNULL,y\nbob,y\n", kind="customers")
    assert (done["result"], done["error_count"]) == ({"taken": 2, "repeated": 0}, 2)
    assert [line for line, _ in errors(client, done)] == [3, 4]
    lines = [
        {"type": "track", "event": "E", "userId": one, "messageId": f"m{one}", "timestamp": "2026-01-01T00:00:00Z"}
        for one in ("ann", "[object Object]", "cyd")
    ]
    events = imported(client, parts, "\n".join(map(json.dumps, lines)), kind="events", format="ndjson")
    assert [line for line, _ in errors(client, events)] == [2]
    assert people(parts) == [("ann", None, None), ("bob", None, None), ("cyd", None, None)]
