"""Holding all lanes over the API: only an admin does it, everybody is told, and it is on record."""

from typing import Any

from fastapi.testclient import TestClient

from waypost.wiring import Parts


def test_an_admin_holds_all_lanes_and_lets_them_go(client: TestClient, clock: Any, keys: dict[str, str]) -> None:
    assert client.get("/v1/channels").json()["held"] is None
    held = client.post("/v1/lanes/hold", json={"reason": "a backup was restored"}).json()["held"]
    entry, *_ = client.get("/v1/audit", params={"kind": "lanes"}).json()["items"]
    since = held["since"]
    assert held == {"since": since, "by": entry["actor"], "reason": "a backup was restored"}
    assert entry["after"] == {"since": clock().isoformat(), "said": "a backup was restored"}
    assert client.post("/v1/lanes/hold", json={"reason": "again"}).json()["held"] == held
    assert client.get("/readyz").json()["held"] == since
    assert client.post("/v1/lanes/release").json()["held"] is None
    assert client.post("/v1/lanes/release").json()["held"] is None
    assert client.get("/readyz").json()["held"] is None
    actions = [one["action"] for one in client.get("/v1/audit", params={"kind": "lanes"}).json()["items"]]
    assert actions == ["released", "held"]


def test_a_key_of_less_scope_does_neither(client: TestClient, keys: dict[str, str], parts: Parts) -> None:
    for scope in ("marketer", "support", "ingest"):
        headers = {"Authorization": f"Bearer {keys[scope]}"}
        assert client.post("/v1/lanes/hold", json={}, headers=headers).status_code == 403
        assert client.post("/v1/lanes/release", headers=headers).status_code == 403
