"""Mails of which nobody can tell whether they went, decided about by the hundred over the API."""

from fastapi.testclient import TestClient

from store.queries.mails import messages
from store.statuses import MessageStatus
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
