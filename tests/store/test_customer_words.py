"""Customers are found by parts of their names and addresses, however these are written and whatever changed them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import select

from services.ingestion.ingest import IngestResult
from store import search_words
from store.queries.identity import customer_search
from store.queries.listing import lists
from store.queries.listing.lists import Slice
from store.session import Database
from store.tables.customers import Customer, CustomerWord, SegmentMember

Ingest = Callable[..., IngestResult]


def found(database: Database, query: str, sort: str = "created") -> list[str]:
    with database.reading() as session:
        rows, _ = lists.customers(session, Slice(), query_text=query, stage=None, segment=None, sort=sort)
        return sorted(one.external_id or "" for one in rows)


@pytest.fixture
def people(take: Ingest) -> None:
    take(
        person("17", email="ann.miller@example.com", firstName="Ann", lastName="Miller"),
        person("18", email="jörg@bücher.example", name="Jörg Müller-Lüdenscheid"),
        person("19", email="info@mail.shop.example"),
        person("20", first_name=5, last_name=None, name=["Ann"]),
    )


def person(user: str, **traits: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": user, "traits": traits}


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("sort", ["created", "email"])
@pytest.mark.parametrize(
    ("query", "who"),
    [
        ("ann", ["17"]),
        ("iller", ["17"]),
        ("MILL", ["17"]),
        ("n.mil", ["17"]),
        ("Ann Miller", ["17"]),
        ("miller ann", ["17"]),
        ("miller@exam", ["17"]),
        ("ann.miller@example.com", ["17"]),
        ("Ann Müller", []),
        ("muller", ["18"]),
        ("MÜLLER", ["18"]),
        ("denscheid", ["18"]),
        ("jörg@bücher.example", ["18"]),
        ("shop.ex", ["19"]),
        ("mail.shop", ["19"]),
        ("1", ["17", "18", "19"]),
        ("xyz", []),
        ("%", []),
        ("_nn", []),
        ("@", []),
    ],
)
def test_what_finds_whom(database: Database, query: str, who: list[str], sort: str) -> None:
    without_address = {"20"} if sort == "email" else set()
    assert found(database, query, sort) == sorted({*who} - without_address)


def customers_of(database: Database) -> Sequence[Customer]:
    with database.reading() as session:
        return session.exec(select(Customer)).all()


def in_order(
    database: Database, query: str | None, sort: str, limit: int, *, descending: bool, segment: str | None = None
) -> list[str]:
    """Everybody whom the pages of a list show, in its order."""
    found, cursor = list[str](), None
    with database.reading() as session:
        while True:
            wanted = Slice(cursor=cursor, limit=limit, descending=descending)
            rows, cursor = lists.customers(session, wanted, query_text=query, stage=None, segment=segment, sort=sort)
            assert len(rows) == limit or cursor is None
            found += [one.external_id or "" for one in rows]
            if cursor is None:
                return found


@pytest.mark.parametrize("many", [customer_search.MANY, 1], ids=["found by an index", "walked"])
@pytest.mark.parametrize("limit", [1, 2, 50])
@pytest.mark.parametrize("descending", [False, True])
def test_whoever_is_found_comes_once_in_the_order_of_the_addresses_page_by_page(
    database: Database, take: Ingest, monkeypatch: pytest.MonkeyPatch, many: int, limit: int, descending: bool
) -> None:
    monkeypatch.setattr(customer_search, "MANY", many)
    monkeypatch.setattr(customer_search, "FEW", 3)
    take(
        person("anna-1", email="zoe@shop.example", name="Anna Annason Anne"),
        person("2", email="anna.anning@shop.example", name="Ann"),
        person("3", email="carl@shop.example", name="Carl Hannan"),
        person("4", email="bob@shop.example", name="Bob"),
        person("5", email="same@shop.example", name="Ann"),
        person("6", email="same@shop.example", name="Annabel"),
        person("anna-7", name="Anna without an address"),
    )
    told = {"2", "3", "5", "6", "anna-1"}
    rows = sorted((one.email or "", one.id, one.external_id) for one in customers_of(database))
    expected = [user for _, _, user in rows if user in told]
    found = in_order(database, "ann", "email", limit, descending=descending)
    assert found == (expected[::-1] if descending else expected)


@pytest.mark.parametrize("limit", [1, 2, 50])
@pytest.mark.parametrize("looked_at", [1, customer_search.LOOKED_AT])
def test_whoever_is_found_is_in_the_segment_too_whatever_few_they_are(
    database: Database, take: Ingest, noon: datetime, monkeypatch: pytest.MonkeyPatch, limit: int, looked_at: int
) -> None:
    monkeypatch.setattr(customer_search, "LOOKED_AT", looked_at)
    take(*(person(f"{one}", email=f"ann{one:02d}@shop.example") for one in range(30)))
    with database.writing() as session:
        inside = [one for one in session.exec(select(Customer)).all() if one.external_id in {"3", "4", "17", "29"}]
        session.add_all(SegmentMember(segment="s", customer_id=one.id, since=noon) for one in inside)
    found = in_order(database, "ann", "email", limit, descending=False, segment="s")
    assert found == ["3", "4", "17", "29"]


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_in_the_order_of_the_addresses_stand_those_who_have_one(database: Database, take: Ingest, limit: int) -> None:
    take(person("1"), person("2", email="b@shop.example"), person("3"), person("4", email="a@shop.example"))
    assert in_order(database, None, "email", limit, descending=False) == ["4", "2"]
    assert in_order(database, None, "email", limit, descending=True) == ["2", "4"]


def test_another_name_or_address_is_found_and_the_former_is_not(database: Database, take: Ingest) -> None:
    take(person("17", email="ann@example.com", last_name="Miller"))
    take(person("17", last_name="Smith"), person("17", email="anna@shop.example"), person("17", plan="team"))
    assert [found(database, one) for one in ("mill", "example.com", "smit", "anna")] == [[], [], ["17"], ["17"]]
    take(person("17", email=None, last_name=None))
    assert [found(database, one) for one in ("smit", "anna", "17")] == [[], [], ["17"]]


def test_of_two_who_become_one_the_words_of_the_one_are_kept(database: Database, take: Ingest) -> None:
    take(person("17", last_name="Miller"), person("18", first_name="Bob", last_name="Smith"))
    take({"type": "alias", "userId": "17", "previousId": "18"})
    assert [found(database, one) for one in ("mill", "bob", "smith")] == [["17"], ["17"], []]
    with database.reading() as session:
        assert len({one.customer_id for one in session.exec(select(CustomerWord)).all()}) == 1


def test_words_are_few_however_long_a_name_is() -> None:
    assert len(search_words.words("a" * 64 + "@example.com", ["novel " * 1_000, "x" * 10_000])) == search_words.MOST
    assert search_words.words(None, []) == frozenset()
    assert sorted(search_words.words("bo@x.example", ["Al"])) == ["al", "bo", "x.example"]


@pytest.mark.parametrize("query", ["ann", "iller"])
def test_who_comes_by_a_history_is_found_too(database: Database, noon: datetime, query: str) -> None:
    from services.imports.placing import placement
    from services.ingestion import segment_api

    event = segment_api.read({**person("17", email="ann@example.com", name="Ann Miller"), "messageId": "m"}, noon)
    with database.writing() as session:
        batch = placement.Batch(noon, None, {})
        batch.place([event])
        batch.write(session)
    assert found(database, query) == ["17"]
