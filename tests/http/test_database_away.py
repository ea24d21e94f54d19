"""A database that cannot be had: every call is 503 with a time to come again, and the installation is not ready."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.conftest import HandClock, settings_for
from waypost.processes.api import build
from waypost.wiring import Parts


@pytest.fixture
def client(tmp_path: Path, template_folder: Path, clock: HandClock, unused_tcp_port: int) -> Iterator[TestClient]:
    """The API on a PostgreSQL that nobody has started."""
    url = f"postgresql://waypost@127.0.0.1:{unused_tcp_port}/waypost"
    parts = Parts(settings_for(tmp_path, templates=template_folder, database_url=url), clock)
    with TestClient(build(parts), raise_server_exceptions=False, base_url="http://127.0.0.1:8000") as made:
        made.headers["Authorization"] = "Bearer wp_somebody"
        yield made
    parts.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/customers"), ("PUT", "/v1/customers/ann"), ("POST", "/v1/journeys/welcome/pause")],
)
def test_a_call_is_told_when_to_come_again(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path, json={"attributes": {}} if method == "PUT" else None)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["type"] == "urn:waypost:problem:database-unavailable"


def test_clients_of_segment_hear_the_same_in_their_own_form(client: TestClient) -> None:
    answer = client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_it_lives_and_is_not_ready(client: TestClient) -> None:
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["database"], ready.json()["parts"]) == (503, False, [])


def test_whoever_clicks_meanwhile_is_answered(client: TestClient) -> None:
    """A pixel is a picture in any case; where a link leads is known to the database alone."""
    assert client.get("/o/forged.gif").content[:6] == b"GIF89a"
