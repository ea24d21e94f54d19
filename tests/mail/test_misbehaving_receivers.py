"""Receivers that drip, flood, compress without measure, hide behind names: fault 38, and 30. Each ends one call alone."""

import asyncio
import gzip
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest

from mail.webhooks import caller as calling
from mail.webhooks import reachable
from mail.webhooks.answer import HookAnswer
from mail.webhooks.caller import Caller
from tests.serving import Serving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SOON = 1.0
"""Seconds that a call may take here instead of ten."""

Behaviour = Callable[[Any], None]


class Answering(Serving):
    """A receiver on this machine that answers byte by byte as it is told, and counts what it could send."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.heads: list[bytes] = []
        self.sent = 0
        receiver = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    receiver.heads.append(self.request.recv(65_536))
                    behaviour(self)

            def say(self, data: bytes) -> None:
                self.request.sendall(data)
                receiver.sent += len(data)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads, block_on_close = True, False

        super().__init__(Server(("127.0.0.1", 0), Handler))
        self.url = f"http://{self.address}/"


@pytest.fixture
def answering() -> Iterator[Callable[[Behaviour], Answering]]:
    made: list[Answering] = []

    def run(behaviour: Behaviour) -> Answering:
        made.append(Answering(behaviour))
        return made[-1]

    yield run
    for one in made:
        one.close()


async def call(url: str, headers: dict[str, str] | None = None, **options: Any) -> tuple[HookAnswer, float]:
    """What came of it, and the seconds that it took."""
    caller = Caller(SECRET, **{"private": True, "seconds": SOON, **options})
    began = time.monotonic()
    try:
        answer = await caller.call("hook-1", url, {}, datetime.now(UTC), headers=headers or {})
        return answer, time.monotonic() - began
    finally:
        await caller.close()


def test_a_call_has_ten_seconds_in_all() -> None:
    assert (calling.SECONDS, calling.LARGEST) == (10.0, 64 * 1024)


async def test_a_head_that_drips_ends_with_the_call(answering: Callable[[Behaviour], Answering]) -> None:
    """Each byte comes before any time-out of a single read."""

    def drips(client: Any) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1_000:
            client.say(bytes([byte]))
            time.sleep(SOON / 4)

    answer, seconds = await call(answering(drips).url)
    assert answer == HookAnswer(outcome="again", error="no answer within 1 seconds")
    assert seconds < SOON * 4


async def test_a_body_that_drips_has_answered_by_its_head(answering: Callable[[Behaviour], Answering]) -> None:
    def drips(client: Any) -> None:
        client.say(b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1_000):
            client.say(b"x")
            time.sleep(SOON / 4)

    answer, seconds = await call(answering(drips).url)
    assert answer == HookAnswer(outcome="delivered", status=202)
    assert seconds < SOON * 4


async def test_who_says_nothing_is_called_again(answering: Callable[[Behaviour], Answering]) -> None:
    answer, seconds = await call(answering(lambda client: time.sleep(SOON * 8)).url)
    assert answer == HookAnswer(outcome="again", error="no answer within 1 seconds")
    assert seconds < SOON * 4


async def test_of_three_hundred_megabytes_some_kilobytes_are_read(answering: Callable[[Behaviour], Answering]) -> None:
    size = 300 * 1024**2

    def floods(client: Any) -> None:
        client.say(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(size // 65_536):
            client.say(b"x" * 65_536)

    receiver = answering(floods)
    answer, _ = await call(receiver.url, seconds=60.0)
    assert answer == HookAnswer(outcome="delivered", status=200)
    assert receiver.sent < 32 * 1024**2, "what the sockets hold, and no more"


async def test_a_bomb_is_not_unpacked(answering: Callable[[Behaviour], Answering], memory: Callable[[], int]) -> None:
    """A gigabyte of zeros in a megabyte; nobody asked for gzip."""
    packed = gzip.compress(bytes(64 * 1024**2), 9) * 16

    def bombs(client: Any) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
        client.say(head.encode() + packed)

    receiver, before = answering(bombs), memory()
    answer, _ = await call(receiver.url, seconds=60.0)
    assert answer == HookAnswer(outcome="delivered", status=200)
    assert b"accept-encoding: identity" in receiver.heads[0].lower()
    assert memory() - before < 64 * 1024**2


@pytest.fixture
def memory() -> Callable[[], int]:
    """The most bytes of memory that this process ever held."""
    import resource

    return lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def test_the_length_is_that_of_the_body_whatever_a_header_says(receiver: Any) -> None:
    answer, _ = await call(receiver.url, {"Content-Length": "3"})
    assert answer == HookAnswer(outcome="delivered", status=200)
    assert receiver.got[0][1] == b"{}"


@pytest.mark.parametrize("headers", [{"x y": "1"}, {"x": "a\r\nb: c"}, {"ü": "1"}, {"x": "\ud800"}])
async def test_headers_that_cannot_be_sent_fail_for_good(receiver: Any, headers: dict[str, str]) -> None:
    answer, _ = await call(receiver.url, headers)
    assert answer == HookAnswer(outcome="failed", error="the headers or the body cannot be sent")
    assert receiver.got == []


async def test_our_own_headers_are_nobody_elses_to_set(receiver: Any) -> None:
    await call(receiver.url, {"Webhook-Id": "forged", "X-Mine": "Änn"})
    (head, _) = receiver.got[0]
    assert (head["webhook-id"], head["x-mine"].encode("latin-1").decode()) == ("hook-1", "Änn")


# -- who may be called ---------------------------------------------------------------------------------------------------

REFUSED = HookAnswer(outcome="failed", error=calling.INSIDE)
SPECIAL = [
    "127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "192.88.99.1", "224.0.0.1", "239.255.255.250",
    "192.0.0.8",
    "255.255.255.255", "::1", "::", "::127.0.0.1", "::ffff:127.0.0.1", "fe80::1", "fd00::1", "fec0::1", "ff02::1", "ff0e::1",
    "2002:7f00:1::", "2002:a00:1::1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2001::1", "3fff::1", "5f00::1",
]  # fmt: skip


@pytest.mark.parametrize("address", SPECIAL)
async def test_no_special_address_is_called(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    answer, _ = await call(f"http://{host}:1/", private=False)
    assert answer == REFUSED


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"])
def test_who_is_out_in_the_internet_may_be_called(address: str) -> None:
    assert reachable.is_reachable("example.com", ip_address(address), 443)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.1", "localhost"])
async def test_no_spelling_of_this_machine_is_called(receiver: Any, host: str) -> None:
    answer, _ = await call(receiver.url.replace("127.0.0.1", host), private=False)
    assert (answer, receiver.got) == (REFUSED, [])


@pytest.mark.parametrize(
    "addresses", [["1.1.1.1", "127.0.0.1"], ["127.0.0.1", "1.1.1.1"], ["1.1.1.1", "2002:7f00:1::"], ["fe80::1%eth0"]]
)
async def test_a_name_of_which_one_address_lies_inside_is_not_even_connected_to(
    answering: Callable[[Behaviour], Answering], addresses: list[str]
) -> None:
    receiver = answering(lambda client: None)
    url = receiver.url.replace("127.0.0.1", "localhost")
    answer, _ = await call(url, private=False, resolve=lambda host, port: addresses)
    assert (answer, receiver.heads) == (REFUSED, [])


async def test_a_name_that_rebinds_is_refused_where_it_is_connected_to(
    answering: Callable[[Behaviour], Answering],
) -> None:
    """The look-up said one thing, and a moment later the resolver another; nothing is said to whoever is there."""
    receiver = answering(lambda client: None)
    url = receiver.url.replace("127.0.0.1", "localhost")
    answer, _ = await call(url, private=False, resolve=lambda host, port: ["1.1.1.1"])
    assert answer == REFUSED
    assert [head for head in receiver.heads if head] == []


async def test_a_redirect_to_a_special_address_is_not_followed(answering: Callable[[Behaviour], Answering]) -> None:
    inner = answering(lambda client: None)
    outer = answering(lambda client: client.say(f"HTTP/1.1 307 Go\r\nLocation: {inner.url}\r\n\r\n".encode()))
    answer, _ = await call(outer.url)
    assert (answer, inner.heads) == (HookAnswer(outcome="failed", status=307), [])


async def test_a_name_without_an_address_is_tried_again() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("unknown")

    answer, _ = await call("http://example.com/", private=False, resolve=unknown)
    assert answer == HookAnswer(outcome="again", error="the name has no address")


async def test_a_slow_resolver_holds_one_thread_for_a_name_and_nobody_elses_call() -> None:
    asked, answers = list[str](), threading.Event()

    def slow(host: str, port: int) -> list[str]:
        asked.append(host)
        answers.wait(30)
        return ["127.0.0.1"]

    lookups = reachable.Lookups(lambda host, port: slow(host, port) if host == "slow" else ["1.1.1.1"])
    waiting = [asyncio.create_task(lookups.all_reachable("slow", 443)) for _ in range(64)]
    async with asyncio.timeout(20):
        assert await lookups.all_reachable("quick", 443)
    answers.set()
    assert await asyncio.gather(*waiting) == [False] * 64
    assert asked == ["slow"]
    lookups.close()


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://", "//example.com", "nothing", "http://[::1"])
async def test_what_is_no_web_address_fails_for_good(url: str) -> None:
    answer, _ = await call(url, private=False)
    assert answer.outcome == "failed"
