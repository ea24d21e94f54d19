"""The API over real HTTP semantics (Starlette's client), on a real database; Temporal is not needed here."""

import asyncio
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select
from temporalio.testing import ActivityEnvironment

from services.access.keys import api_keys
from services.access.signing_in import sessions, users
from services.upkeep import upkeep
from store.tables.access import Operation
from store.tables.enrollments import Enrollment
from tests.conftest import HandClock, settings_for
from tests.http import tour
from tests.http.desks import HERE
from tests.http.openid_visits import BEA, GROUPS
from tests.openid_provider import CLIENT, SECRET, TestProvider
from tests.shells import Shell
from waypost.processes.api import build
from waypost.wiring import Parts


@pytest.fixture(autouse=True)
def one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """No minute of a rate ends while a test counts to its limit."""
    for module in ("limits.storage.memory", "limits.strategies"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(time=lambda: 1_000_000_000.0))


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


@pytest.fixture
def shells(client: TestClient, parts: Parts) -> list[Shell]:
    """Seven who wait for their second mail."""
    tour.put(client, tour.JOURNEY)
    assert client.post("/v1/journeys/tour/publish").status_code == 200
    batch = [{"type": "track", "userId": f"c{number}", "event": "Signed Up"} for number in range(tour.CUSTOMERS)]
    batch += [
        {"type": "identify", "userId": f"c{number}", "traits": {"email": f"c{number}@example.com"}}
        for number in range(tour.CUSTOMERS)
    ]
    assert client.post("/v1/batch", json={"batch": batch}).status_code == 200
    with parts.database.reading() as session:
        made = [Shell(parts.database, one) for one in session.exec(select(Enrollment).order_by(col(Enrollment.id)))]
    for one in made:
        one.wake(parts.clock())
    return made


@pytest.fixture
def planned(client: TestClient, parts: Parts) -> Callable[..., dict[str, Any]]:
    def run(**body: Any) -> dict[str, Any]:
        asked = client.post("/v1/journeys/tour/plan", json=body)
        assert asked.status_code == 202, asked.text
        return tour.done(client, parts, asked.json())["result"]

    return run


@pytest.fixture
def browser(parts: Parts) -> Callable[..., TestClient]:
    """The browser of a colleague with this role, who is signed in."""
    app = build(parts)

    def make(role: str) -> TestClient:
        def begin(session: Any) -> str:
            user = users.invite(session, f"{role}@shop.example", role.title(), [role], None, parts.clock())
            return sessions.start(session, user, "Firefox", parts.clock())[1]

        made = TestClient(app, client=("127.0.0.1", 50_000), base_url=HERE, raise_server_exceptions=False)
        made.headers.update({"Accept": "text/html", "Origin": HERE})
        made.cookies.set("waypost", parts.database.write(begin))
        made.follow_redirects = False
        return made

    return make


@pytest.fixture
def work(parts: Parts, clock: Any) -> Callable[..., None]:
    """A moment of the worker: what comes by the clock, operations, the broadcast lane."""

    async def run() -> None:
        clock.forward(seconds=3)
        with parts.database.writing() as session:
            while upkeep.do(session, clock()):
                pass
        with parts.database.reading() as session:
            queued = session.exec(select(Operation.id).where(col(Operation.status) == "queued")).all()
        for one in queued:
            await ActivityEnvironment().run(parts.operations().operate, one)
        lane = parts.lane("broadcast")
        lane.take()
        while await lane.pump():
            await lane.drain()
        await lane.close()

    return lambda: asyncio.run(run())


@pytest.fixture
def people(client: TestClient, parts: Parts, work: Any) -> None:
    for user in ("ann", "bob", "cyd"):
        body = {"attributes": {"email": f"{user}@example.com", "first_name": user, "plan": "pro"}}
        client.put(f"/v1/customers/{user}", json=body)
    client.put("/v1/segments/pros", json={"guard": 'customer.plan == "pro"'})
    work()
    assert len(client.get("/v1/segments/pros/members").json()["items"]) == 3


@pytest.fixture
def provider(clock: HandClock) -> Iterator[TestProvider]:
    made = TestProvider(clock)
    made.person = dict(BEA)
    yield made
    made.close()


@pytest.fixture
def visit(parts: Parts, provider: TestProvider) -> Callable[..., TestClient]:
    """A browser without a session."""

    def make(base_url: str = HERE, **more: Any) -> TestClient:
        asked = {"openid_issuer": provider.issuer, "openid_client_id": CLIENT, "openid_client_secret": SECRET}
        parts.settings = settings_for(parts.settings.home, **{**asked, "openid_roles": GROUPS, **more})
        made = TestClient(build(parts), client=("127.0.0.1", 50_000), base_url=base_url, raise_server_exceptions=False)
        made.headers.update({"Accept": "text/html", "User-Agent": "Firefox"})
        made.follow_redirects = False
        return made

    return make
