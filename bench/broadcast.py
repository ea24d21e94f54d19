"""A broadcast to 10,000 customers by `waypost up` (one worker): mails a second, what it does to a welcome mail, memory.

Once to the local outbox and once to an SMTP server on this machine that keeps nothing.
"""

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from bench.processes import environment, stack
from waypost.client import Waypost
from waypost.stack.free_port import free_port

PEOPLE = 10_000
WELCOME = """
journey: welcome
enter: [{on: Signed Up}]
start: new
stages: {new: {steps: [{send: {template: welcome, topic: hello}}], final: true}}
"""
SINK = """
import asyncio, sys
from aiosmtpd.smtp import SMTP

class Sink:
    count = 0
    async def handle_DATA(self, server, session, envelope):
        Sink.count += 1
        return "250 OK"

async def main():
    make = lambda: SMTP(Sink(), enable_SMTPUTF8=True)
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()

asyncio.run(main())
"""


def main() -> None:
    _measure("outbox", {}, wanted=500)
    port = free_port()
    sink = subprocess.Popen([sys.executable, "-W", "ignore", "-c", SINK, str(port)])
    try:
        more = {
            "WAYPOST_SMTP_URL": f"smtp://127.0.0.1:{port}",
            "WAYPOST_SENDER": "Shop <hello@shop.example>",
            "WAYPOST_POSTAL_ADDRESS": "1 Main Street, Springfield",
            "WAYPOST_PUBLIC_URL": "https://mail.shop.example",
        }
        _measure("SMTP", more, wanted=200)
    finally:
        sink.terminate()
        sink.wait()


def _measure(name: str, more: dict[str, str], wanted: int) -> None:
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        home = Path(folder)
        env = {**environment(home), **more}
        with stack(home, env) as process:
            key = (home / "admin.key").read_text().strip()
            client = Waypost(f"http://127.0.0.1:{env['WAYPOST_PORT']}", key)
            _prepare(client, home)
            worker = max(psutil.Process(process.pid).children(), key=lambda one: "worker" in " ".join(one.cmdline()))
            alone: list[float] = []
            _welcome(client, alone, 5)
            usual = statistics.median(alone)
            delays: list[float] = []
            done = threading.Event()
            asking = threading.Thread(target=_welcome, args=(client, delays, None, done))
            memory: list[float] = []
            client.change_broadcast("all", "send")
            began = time.monotonic()
            asking.start()
            accepted, first = 0, began
            while accepted < PEOPLE:
                time.sleep(0.5)
                accepted = client.broadcast("all")["messages"].get("accepted", 0)
                first = time.monotonic() if not memory and accepted == 0 else first
                memory.append(worker.memory_info().rss / 1e6)
            took = time.monotonic() - first
            done.set()
            asking.join()
            early = memory[max(1, len(memory) // 4)]
            print(f"{name}: {PEOPLE / took:,.0f} mails a second (wanted {wanted}); planned in {first - began:.1f} s")
            slow = f"{statistics.median(delays) - usual:.2f} s, at most {max(delays) - usual:.2f} s"
            print(f"  a welcome mail takes {usual:.2f} s; meanwhile it was late by {slow} ({len(delays)}; wanted 2)")
            print(f"  worker: {early:.0f} MB at a quarter, {memory[-1]:.0f} MB at the end")


def _prepare(client: Waypost, home: Path) -> None:
    client.put_segment("everybody", 'customer.kind == "bench"')
    client.put_journey("welcome", WELCOME)
    client.publish("welcome")
    people = home / "people.csv"
    lines = "".join(f"u{number},u{number}@example.com,Ann,bench\n" for number in range(PEOPLE))
    people.write_text("userId,email,first_name,kind\n" + lines)
    client.wait(client.import_file(people, "customers")["id"])
    client.put_broadcast("all", {"segment": "everybody", "template": "thank_you", "topic": "news"})
    deadline = time.monotonic() + 120
    while _recipients(client) < PEOPLE:
        assert time.monotonic() < deadline, "the segment was never whole"


def _recipients(client: Waypost) -> int:
    counted = client.wait(client.preview_broadcast("all")["id"])
    return (counted["result"] or {}).get("recipients", 0)


def _welcome(client: Waypost, delays: list[float], count: int | None, done: threading.Event | None = None) -> None:
    """Somebody new every few hundred milliseconds: from the event to a mail that was accepted."""
    while len(delays) < (count or 1) or (done is not None and not done.is_set()):
        user = f"w{count}-{len(delays)}"
        began = time.monotonic()
        client.identify(user, {"email": f"{user}@example.com", "first_name": "Zoe"})
        client.track(user, "Signed Up")
        while not any(one["status"] == "accepted" for one in client.messages(customer=user)):
            time.sleep(0.05)
            assert time.monotonic() - began < 60, "a welcome mail never went"
        delays.append(time.monotonic() - began)
        time.sleep(0.3)
