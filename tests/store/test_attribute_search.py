"""Customers are found by an attribute, so many at a time, and none is found twice or left out."""

from typing import Any

import pytest
from sqlmodel import Session

from services.customers.audiences import attribute_search
from services.customers.audiences.attribute_search import WantedCustomers, holds
from store.queries.listing.lists import Slice
from store.session import Database
from store.tables.customers import Customer
from tests.conftest import NOON

TOLD: dict[str, Any] = {
    "country": "DE", "age": 40.0, "vip": True, "tags": ["Tea", 7], "address": {"city": "Köln"}, "a.b": "c", "none": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("attribute", "value", "fits"),
    [
        ("country", "de", True), ("country", " DE ", True), ("country", "D", False), ("country", "", True),
        ("age", "40", True), ("age", "4", False), ("vip", "true", True), ("vip", "1", False), ("tags", "tea", True),
        ("tags", "7", True), ("address.city", "köln", True), ("address.zip", "", False), ("a.b", "c", True),
        ("none", "", False), ("Country", "DE", False), ("country.x", "", False),
    ],
)  # fmt: skip
def test_a_value_is_what_somebody_types(attribute: str, value: str, fits: bool) -> None:
    assert holds(TOLD, attribute, value) is fits


@pytest.fixture
def crowd(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Forty customers, every fourth from Austria; ten are looked through at once, and in memory four."""
    monkeypatch.setattr(attribute_search, "LOOKED", 10)
    monkeypatch.setattr(attribute_search, "AT_ONCE", 4)

    def add(session: Session) -> None:
        for number in range(40):
            country = "DE" if number % 4 else "AT"
            session.add(Customer(id=f"c{number:02}", attributes={"country": country}, created_at=NOON, updated_at=NOON))

    database.write(add)
    return database


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_each_look_goes_on_behind_the_one_before(crowd: Database, limit: int, descending: bool) -> None:
    wanted, cursor, found, looks = WantedCustomers(attribute="country", value="at"), None, list[str](), 0
    while looks == 0 or cursor is not None:
        with crowd.reading() as session:
            one = attribute_search.look(session, wanted, Slice(cursor=cursor, limit=limit, descending=descending))
        assert one.looked <= 12, "it ends behind a page of those who are in memory"
        found, cursor, looks = [*found, *(row.id for row in one.found)], one.cursor, looks + 1
        assert looks < 50
    assert found == sorted((f"c{number:02}" for number in range(0, 40, 4)), reverse=descending)
