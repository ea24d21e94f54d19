"""Slow clients are let go, and the others are served: tried with sockets on the server that the API runs on."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from waypost.processes import connections
from waypost.processes.connections import BoundedConnection

SOON = 1.0
"""Seconds that a client has here for its head."""

Connect = Callable[[], socket.socket]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers at once; asked for `/whole` it reads the body first."""
    while scope["path"] == "/whole" and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server with the connections of the API."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", SOON)
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    server = uvicorn.Server(uvicorn.Config(app, http=BoundedConnection, lifespan="off", log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = server.force_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def connect(url: str) -> Iterator[Connect]:
    made: list[socket.socket] = []

    def run() -> socket.socket:
        port = int(url.rpartition(":")[2])
        made.append(socket.create_connection(("127.0.0.1", port), timeout=20))
        return made[-1]

    yield run
    for one in made:
        one.close()


def served(url: str) -> bool:
    return httpx.get(f"{url}/", timeout=60).text == "ok"


def drips(client: socket.socket, data: bytes, *, for_seconds: float) -> tuple[float, bytes]:
    """Send a byte every twentieth of a second; after how long it was let go, and what was said to it."""
    began, said = time.monotonic(), b""
    client.settimeout(0.05)
    for byte in data:
        if time.monotonic() - began > for_seconds:
            break
        try:
            client.sendall(bytes([byte]))
            said += (got := client.recv(4_096))
        except TimeoutError:
            continue
        except OSError:
            break
        if not got:
            break
    return time.monotonic() - began, said


def test_a_head_that_drips_is_let_go_and_others_are_served_meanwhile(url: str, connect: Connect) -> None:
    slow = connect()
    slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    ended: list[tuple[float, bytes]] = []
    thread = threading.Thread(target=lambda: ended.append(drips(slow, b"X: " + b"x" * 10_000, for_seconds=15)))
    thread.start()
    assert served(url)
    thread.join()
    ((seconds, said),) = ended
    assert said.startswith(b"HTTP/1.1 408 ")
    assert seconds < 10


def test_who_says_nothing_is_let_go(connect: Connect) -> None:
    assert connect().recv(4_096).startswith(b"HTTP/1.1 408 ")


def test_a_second_head_has_no_more_time_than_the_first(connect: Connect) -> None:
    slow = connect()
    slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert slow.recv(4_096).startswith(b"HTTP/1.1 200 ")
    seconds, _ = drips(slow, b"GET / HTTP/1.1\r\nX: " + b"x" * 10_000, for_seconds=15)
    assert seconds < 10


def test_a_body_that_goes_on_after_its_answer_is_let_go(connect: Connect) -> None:
    slow = connect()
    slow.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
    seconds, said = drips(slow, b"x" * 10_000, for_seconds=15)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert seconds < 10


def test_a_body_that_is_waited_for_has_the_time_that_the_api_gives_it(connect: Connect) -> None:
    slow = connect()
    slow.sendall(b"POST /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nx")
    time.sleep(SOON * 2)
    slow.sendall(b"yz")
    assert slow.recv(4_096).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_asks_again_and_again_keeps_its_connection(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", SOON * 5)
    with httpx.Client(base_url=url, limits=httpx.Limits(max_connections=1), timeout=60) as client:
        ports = set[Any]()
        for _ in range(4):
            answer = client.get("/")
            ports.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
            time.sleep(SOON * 2)
    assert len(ports) == 1


def test_where_all_places_are_taken_whoever_asks_nothing_makes_room(
    url: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 60.0)
    monkeypatch.setattr(connections, "MOST", 20)
    slow = [connect() for _ in range(20)]
    for one in slow:
        one.sendall(b"GET / HTTP/1.1\r\n")
    for _ in range(3):
        assert served(url)
    first, *_, last = slow
    assert first.recv(4_096).startswith(b"HTTP/1.1 408 "), "it has waited for longest"
    last.sendall(b"Host: x\r\n\r\n")
    assert last.recv(4_096).startswith(b"HTTP/1.1 200 ")


def test_the_api_has_such_connections() -> None:
    assert (connections.HEAD_SECONDS, connections.MOST) == (10.0, 600)
