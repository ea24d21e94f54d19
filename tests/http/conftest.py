"""The API over real HTTP semantics (Starlette's client), on a real database; Temporal is not needed here."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.access import api_keys
from waypost.processes.api import build
from waypost.wiring import Parts


@pytest.fixture
def keys(parts: Parts) -> dict[str, str]:
    """One key per scope."""
    made: dict[str, str] = {}
    with parts.database.writing() as session:
        for scope in api_keys.SCOPES:
            made[scope] = api_keys.create(session, scope, [scope], parts.clock())[1]
    return made


@pytest.fixture
def client(parts: Parts, keys: dict[str, str]) -> Iterator[TestClient]:
    """A client with the admin key, which lets server errors through as answers."""
    with TestClient(
        build(parts), raise_server_exceptions=False, client=("127.0.0.1", 50_000), base_url="http://127.0.0.1:8000"
    ) as made:
        made.headers["Authorization"] = f"Bearer {keys['admin']}"
        yield made


@pytest.fixture
def welcome(client: TestClient) -> dict[str, Any]:
    """A published journey."""
    text = "journey: welcome\nlifecycle: true\nenter: [{on: Signed Up}]\nstart: new\nstages: {new: {steps: [{send: mail_a}], final: true}}"
    assert client.put("/v1/journeys/welcome", content=text).status_code == 200
    return client.post("/v1/journeys/welcome/publish").json()
