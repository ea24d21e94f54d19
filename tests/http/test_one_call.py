"""One event a call: what it asks of the database, and what a process may remember of keys and rules."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlmodel import col, select

from api.deps import rate_limits
from api.deps.rate_limits import RateLimits
from api.errors import ApiError
from services.access.keys import api_keys
from services.access.keys.known_keys import LIFE, KnownKeys
from services.enrollments.entering.customer_events import Listeners
from store.tables.access import ApiKey
from store.tables.customers import Segment
from tests.conftest import HandClock, Statements
from waypost.wiring import Parts


def track(client: TestClient, user: str = "ann", **more: Any) -> Any:
    return client.post("/v1/track", json={"userId": user, "event": "Viewed", **more})


@pytest.fixture
def key(parts: Parts) -> tuple[str, str]:
    """A key that may send events: its id and its text."""
    with parts.database.writing() as session:
        row, text = api_keys.create(session, "shop", ["ingest"], parts.clock())
    return row.id, text


# -- statements --------------------------------------------------------------------------------------------------------


def test_an_event_of_a_known_customer(client: TestClient, parts: Parts, statements: Statements) -> None:
    """One question each: rules, who it is, the lock, who waits, repeats; and two rows. Two begin the transaction."""
    track(client)
    with statements(parts.database, at_most=9):
        assert track(client).json()["accepted"] == 1


def test_an_event_that_names_two_ids(client: TestClient, parts: Parts, statements: Statements) -> None:
    track(client, anonymousId="a1")
    with statements(parts.database, at_most=9):
        track(client, anonymousId="a1")


# -- keys --------------------------------------------------------------------------------------------------------------


def test_a_key_that_this_process_revokes_is_refused_at_once(client: TestClient, key: tuple[str, str]) -> None:
    headers = {"Authorization": f"Bearer {key[1]}"}
    assert client.post("/v1/track", json={"userId": "a", "event": "E"}, headers=headers).status_code == 200
    assert client.delete(f"/v1/keys/{key[0]}").status_code in (200, 204)
    assert client.post("/v1/track", json={"userId": "a", "event": "E"}, headers=headers).status_code == 401


def test_a_key_that_another_process_revokes_is_refused_seconds_later(parts: Parts, key: tuple[str, str]) -> None:
    now, seconds = parts.clock(), [100.0]
    known = KnownKeys(parts.database, lambda: seconds[0])
    assert known.find(key[1], now) is not None
    with parts.database.writing() as session:
        session.connection().execute(update(ApiKey).where(col(ApiKey.id) == key[0]).values(revoked_at=now))
    seconds[0] += LIFE
    assert known.find(key[1], now) is not None
    seconds[0] += 0.1
    assert known.find(key[1], now) is None


def test_a_key_expires_on_the_instant(parts: Parts) -> None:
    now = parts.clock()
    with parts.database.writing() as session:
        _, text = api_keys.create(session, "shop", ["ingest"], now, expires_at=now + timedelta(seconds=2))
    known = KnownKeys(parts.database)
    assert known.find(text, now) is not None
    assert known.find(text, now + timedelta(seconds=2)) is None


def test_to_remember_its_use_does_not_bring_a_revoked_key_back(parts: Parts, key: tuple[str, str]) -> None:
    with parts.database.writing() as session:
        api_keys.revoke(session, key[0], parts.clock())
    parts.database.write(lambda session: api_keys.used(session, key[0], parts.clock()))
    with parts.database.reading() as session:
        row = session.exec(select(ApiKey).where(ApiKey.id == key[0])).one()
    assert (row.revoked_at, row.last_used_at) == (parts.clock(), parts.clock())


# -- rules -------------------------------------------------------------------------------------------------------------


def test_rules_are_kept_until_they_change_whoever_changes_them(parts: Parts, clock: HandClock) -> None:
    def loaded() -> Listeners:
        with parts.database.reading() as session:
            return Listeners.load(session)

    def segment(guard: str) -> None:
        with parts.database.writing() as session:
            session.merge(Segment(key="pros", guard=guard, created_at=clock.at, updated_at=clock.at))

    segment("customer.plan == 'pro'")
    first = loaded()
    assert loaded() is first
    segment("customer.plan == 'team'")
    assert [one.guard for one in loaded().segments] == ["customer.plan == 'team'"]


def test_rules_of_a_transaction_that_is_undone_hold_nowhere_else(parts: Parts, clock: HandClock) -> None:
    def undone() -> None:
        with parts.database.writing() as session:
            session.add(Segment(key="pros", guard="true", created_at=clock.at, updated_at=clock.at))
            assert len(Listeners.load(session).segments) == 1
            raise KeyError

    with pytest.raises(KeyError):
        undone()
    with parts.database.reading() as session:
        assert Listeners.load(session).segments == []


# -- the limiter -------------------------------------------------------------------------------------------------------


def test_calls_are_counted_without_a_timer() -> None:
    rates = RateLimits("1000/minute")
    for number in range(100):
        rates.hit(f"key{number % 10}", None)
    assert [one for one in threading.enumerate() if isinstance(one, threading.Timer)] == []


def test_a_window_slides() -> None:
    at = [600.0]
    rates = RateLimits("10/minute", lambda: at[0])
    for _ in range(10):
        rates.hit("k", None)
    with pytest.raises(ApiError) as refused:
        rates.hit("k", None)
    assert (
        refused.value.headers["Retry-After"] == "66"
    )  # the window ends in 60 s, and a tenth of it later one is let in
    rates.hit("other", None)
    at[0] += 66
    rates.hit("k", None)
    with pytest.raises(ApiError):
        rates.hit("k", None)
    at[0] += 120
    for _ in range(10):
        rates.hit("k", None)


def test_a_visitor_who_calls_without_end_with_a_key_of_a_page_shuts_out_nobody_else() -> None:
    at = [600.0]
    rates = RateLimits("1000/minute", lambda: at[0])
    for _ in range(600):
        rates.hit("page", None, "192.0.2.1")
    for _ in range(5_000):
        with pytest.raises(ApiError, match="one address may call with this key 600 times per 60 seconds"):
            rates.hit("page", None, "192.0.2.1")
    for number in range(400):
        rates.hit("page", None, f"198.51.100.{number % 250}")
    with pytest.raises(ApiError, match="this key may call 1000 times"):
        rates.hit("page", None, "203.0.113.9")
    rates.hit("other", None, "192.0.2.1")


def test_a_line_is_one_visitor_whichever_of_its_ipv6_addresses_it_takes() -> None:
    rates = RateLimits("100000/minute", lambda: 600.0)
    for number in range(600):
        rates.hit("page", None, f"2001:db8:0:7::{number:x}")
    with pytest.raises(ApiError):
        rates.hit("page", None, "2001:db8:0:7:ffff::1")
    rates.hit("page", None, "2001:db8:0:8::1")


def test_so_many_visitors_are_counted_and_no_more() -> None:
    rates = RateLimits("1000000/minute", lambda: 600.0)
    for number in range(rate_limits.VISITORS + 500):
        rates.hit("page", None, f"10.0.{number // 250}.{number % 250}")
    assert len(rates._visitors) == rate_limits.VISITORS
