"""Where customers come from: read from what Segment's libraries send, the first and the last touch kept."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from journeys.facts import customer_facts, guards, touches
from services.customers.attributes import known_facts
from services.ingestion.ingest import IngestResult
from store.session import Database
from store.tables.customers import Customer

Ingest = Callable[..., IngestResult]
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
HERE = "https://www.shop.example/coffee"


@pytest.mark.parametrize(
    ("context", "touch"),
    [
        ({"campaign": {"name": "spring", "source": "news", "medium": "email"}, "page": {"url": HERE}},
         {"channel": "email", "campaign": "spring", "source": "news", "medium": "email", "page": HERE}),
        ({"page": {"url": f"{HERE}?utm_campaign=spring&utm_source=partner&utm_medium=banner"}},
         {"channel": "other", "campaign": "spring", "source": "partner", "medium": "banner", "page": HERE}),
        ({"page": {"url": f"{HERE}?gclid=x1", "referrer": "https://www.google.com/"}},
         {"channel": "paid", "source": "google", "medium": "cpc", "click": "gclid",
          "referrer": "https://www.google.com/", "page": HERE}),
        ({"page": {"url": HERE, "referrer": "https://duckduckgo.com/"}},
         {"channel": "search", "source": "duckduckgo.com", "referrer": "https://duckduckgo.com/", "page": HERE}),
        ({"page": {"url": HERE, "referrer": "https://m.facebook.com/x"}},
         {"channel": "social", "source": "m.facebook.com", "referrer": "https://m.facebook.com/x", "page": HERE}),
        ({"page": {"url": HERE, "referrer": "https://blog.example/x"}},
         {"channel": "referral", "source": "blog.example", "referrer": "https://blog.example/x", "page": HERE}),
        ({"page": {"url": HERE}}, {"channel": "direct", "page": HERE}),
        ({"page": {"url": HERE, "referrer": "https://shop.example/"}}, None),
        ({"library": {"name": "analytics-python"}}, None),
        ({"page": "no object", "campaign": 7}, None),
        ({"page": {"url": "http://[broken", "referrer": 9}}, {"channel": "direct", "page": "http://[broken"}),
    ],
)  # fmt: skip
def test_a_touch_is_read_from_the_context(context: dict[str, Any], touch: dict[str, Any] | None) -> None:
    found = touches.read(context, {}, AT)
    assert found == ({**touch, "at": AT.isoformat()} if touch is not None else None)


def test_first_and_last_do_not_depend_on_the_order_and_direct_takes_nobodys_place() -> None:
    def touch(channel: str, day: int) -> dict[str, Any]:
        return {"channel": channel, "at": (AT + timedelta(days=day)).isoformat()}

    came = [touch("direct", 0), touch("email", 1), touch("paid", 2), touch("direct", 3)]
    for order in (came, came[::-1], [came[2], came[0], came[3], came[1]]):
        known: Any = {}
        for one in order:
            known = touches.fold(known, one)
        assert known == {"first": came[0], "last": came[2]}
    assert touches.combined(touches.fold({}, came[1]), touches.fold({}, came[2])) == {"first": came[1], "last": came[2]}


def holds(database: Database, guard: str) -> bool:
    with database.reading() as session:
        known = known_facts.facts_of(session, session.exec(select(Customer)).one())
    result = guards.evaluate(guard, customer_facts.context(known, None, {}, AT))
    assert result.error is None
    return result.holds


def test_guards_read_where_somebody_comes_from_and_a_trait_says_it_better(database: Database, take: Ingest) -> None:
    page = {"type": "page", "anonymousId": "a1", "properties": {"url": f"{HERE}?utm_source=news&utm_medium=email"}}
    take(page)
    take({"type": "track", "event": "Viewed", "anonymousId": "a1", "context": {"page": {"url": f"{HERE}?fbclid=1"}}},
         at=AT + timedelta(days=1))  # fmt: skip
    take({"type": "identify", "userId": "ann"})
    take({"type": "identify", "userId": "ann", "anonymousId": "a1"})
    assert holds(database, 'customer.source.first.channel == "email" && customer.source.first.source == "news"')
    assert holds(database, 'customer.source.last.click == "fbclid" && customer.source.last.campaign == null')
    assert holds(database, "customer.source.first.at < customer.source.last.at")
    take({"type": "identify", "userId": "ann", "traits": {"source": {"channel": "referral", "source": "fair"}}})
    assert holds(database, 'customer.source.first.channel == "referral" && customer.source.first.source == "fair"')
    take({"type": "identify", "userId": "ann", "traits": {"source": "catalogue"}})
    assert holds(database, 'customer.source.first.source == "catalogue" && customer.source.last.source == "facebook"')


def test_whoever_told_nothing_comes_from_nowhere_known(database: Database, take: Ingest) -> None:
    take({"type": "track", "event": "Viewed", "userId": "ann"})
    assert holds(database, "customer.source.first.channel == null && customer.source.last.at == null")
    assert guards.refusal("customer.source.first.chanel == 'paid'") == (
        "unknown_value",
        "the guard reads customer.source.first.chanel, which there is not; did you mean customer.source.first.channel?",
    )
    assert guards.type_problem("customer.source.first.channel > 3") is not None


@pytest.mark.parametrize(
    ("kept", "attributes", "channel"),
    [
        ({}, {}, None),
        ({"first": {"channel": "paid", "source": "google", "at": AT.isoformat()}}, {}, "paid"),
        ({"first": {"channel": "paid", "at": AT.isoformat()}}, {"source": "ann told bob"}, "paid"),
        ({}, {"source": "ann told bob"}, "other"),
        ({}, {"source": {"channel": "fair of ann@example.com"}}, "other"),
        ({"first": {"channel": "direct", "at": AT.isoformat()}}, {"source": {"channel": "referral"}}, "referral"),
    ],
)
def test_counts_know_the_channel_of_the_first_touch_and_no_word_of_somebodys_own(
    kept: dict[str, Any], attributes: dict[str, Any], channel: str | None
) -> None:
    assert touches.first_channel(kept, attributes) == channel
