"""Mails of which nobody can tell whether they went, decided about by the hundred over the API."""

from datetime import timedelta

from fastapi.testclient import TestClient

from store.queries.mails import messages
from store.statuses import MessageStatus
from store.tables.messages import Message
from tests.http.test_operations import rows, work
from waypost.wiring import Parts


def test_many_unsure_mails_are_counted_and_then_decided_about_by_that_number(client: TestClient, parts: Parts) -> None:
    """Counting changes nothing; a number that is not right any more does nothing; the right one is on record."""
    url, wanted = "/v1/messages/decide", {"as": "resend", "reason": "worker_lost"}
    now = parts.clock()
    with parts.database.writing() as session:
        row = messages.row("m", "c", template="t", topic="news", lane="journey", due=now, now=now,
                           status=MessageStatus.UNKNOWN, reason="worker_lost")  # fmt: skip
        messages.add(session, [row])
    assert client.post(url, json=wanted).json() == {"count": 1, "operation": None}
    assert client.post(url, json={**wanted, "journey": "elsewhere"}).json()["count"] == 0
    assert client.post(url, json={**wanted, "count": 2}).status_code == 409
    assert client.post(url, json={**wanted, "status": "accepted"}).status_code == 422
    done = client.post(url, json={**wanted, "count": 1}).json()
    assert client.get(f"/v1/operations/{done['operation']}").json()["kind"] == "decide messages"
    (audit,) = client.get("/v1/audit", params={"kind": "messages"}).json()["items"]
    assert (audit["action"], audit["target"]) == ("decided resend", done["operation"])
    assert audit["after"]["reason"] == "worker_lost"


def test_the_same_call_twice_decides_about_each_mail_once(client: TestClient, parts: Parts) -> None:
    url, wanted = "/v1/messages/decide", {"as": "resend", "reason": "no_answer", "count": 1}
    now = parts.clock() - timedelta(minutes=1)
    with parts.database.writing() as session:
        row = messages.row("m", "c", template="t", topic="news", lane="journey", due=now, now=now,
                           status=MessageStatus.UNKNOWN, reason="no_answer")  # fmt: skip
        messages.add(session, [row])
    asked = [client.post(url, json=wanted).json()["operation"] for _ in range(2)]
    for one in asked:
        work(parts, one)
    results = [client.get(f"/v1/operations/{one}").json()["result"] for one in asked]
    assert [(one or {}).get("decided", 0) for one in results] == [1, 0]
    assert client.post(url, json=wanted).status_code == 409, "there are none any more"
    assert [one.status for one in rows(parts, Message)] == ["planned"]
