"""The API on a free port of this machine, as the libraries of products and pages meet it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from services.access.keys import api_keys
from waypost.processes.api import build
from waypost.wiring import Parts, utc_now

HERE = Path(__file__).parent


class Flaky:
    """Takes every batch in, and loses the first answers."""

    def __init__(self, app: Any) -> None:
        self.app, self.losing, self.batches = app, 0, 0
        self.posted = set[str]()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            self.posted.add(scope["path"])
        if scope["type"] != "http" or scope["path"] != "/v1/batch":
            return await self.app(scope, receive, send)
        self.batches += 1
        if self.batches > self.losing:
            return await self.app(scope, receive, send)
        await self.app(scope, receive, _nobody)
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b'{"code": "lost", "message": "the answer was lost"}'})


async def _nobody(message: Any) -> None:
    return None


@pytest.fixture
def live(parts: Parts) -> Parts:
    """The parts on the real clock: a client's events are of this very moment."""
    parts.clock = utc_now
    return parts


@pytest.fixture
def flaky(live: Parts) -> Flaky:
    return Flaky(build(live))


@pytest.fixture
def host(flaky: Flaky) -> Iterator[str]:
    """The API on a free port of this machine."""
    server = uvicorn.Server(uvicorn.Config(flaky, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def key(live: Parts) -> str:
    with live.database.writing() as session:
        return api_keys.create(session, "product", ["ingest"], live.clock())[1]


@pytest.fixture(scope="session")
def node_modules() -> None:
    """The npm packages of the lock file, which `make test` installs."""
    assert (HERE / "node_modules" / ".package-lock.json").exists(), "run `make test`, which installs them"
