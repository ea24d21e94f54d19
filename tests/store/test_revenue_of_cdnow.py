"""Revenue on real purchase histories: the CDNOW sample, mailed by a plan that is known, and counted anew."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.attribution import checking
from store.queries.mails import messages
from store.session import Database
from store.statuses import MessageStatus
from store.tables.messages import Message
from tests.store.mailed_shop import counted_anew, customer_id, order, reported

ORDERS = Path(__file__).parents[2] / "examples" / "cdnow" / "orders.csv"
CUSTOMERS = 100


def bought() -> list[tuple[str, datetime, float]]:
    """Who bought, when and for how much."""
    with ORDERS.open() as file:
        rows = [
            (row["customer"], datetime.fromisoformat(row["ordered_on"]).replace(tzinfo=UTC), float(row["total"]))
            for row in csv.DictReader(file)
        ]
    first = sorted({user for user, _, _ in rows})[:CUSTOMERS]
    return [row for row in rows if row[0] in first]


def test_revenue_equals_the_credited_part_of_the_orders_of_cdnow_under_each_attribution(
    database: Database, take: Callable[..., Any], noon: datetime
) -> None:
    """Of each customer's orders every second one had a mail two days before, every third one another a day before."""
    orders = bought()
    take(*({"type": "identify", "userId": user} for user in sorted({user for user, _, _ in orders})))
    with database.writing() as session:
        ids = {user: customer_id(session, user) for user, _, _ in orders}
        for number, (user, at, _) in enumerate(orders):
            for every, days in ((2, 2), (3, 1)):
                if number % every == 0:
                    sent, name = at - timedelta(days=days), f"m{number}-{every}"
                    given: Any = {"template": f"every {every}", "topic": "news", "lane": "journey", "journey": "cdnow"}
                    messages.add(session, [messages.row(name, ids[user], due=sent, now=sent, **given)])
                    mail = session.get_one(Message, name)
                    mail.accepted_at = sent
                    messages.change(session, mail, MessageStatus.ACCEPTED, sent)
    told = [
        {**order(f"o{number}", total, user=user), "timestamp": at.isoformat()}
        for number, (user, at, total) in enumerate(orders)
    ]
    told += [
        {**order(f"o{number}", round(total / 2, 2), user=user, name="Order Refunded"), "timestamp": at.isoformat()}
        for number, (user, at, total) in enumerate(orders)
        if number % 5 == 0
    ]
    for first in range(0, len(told), 100):
        take(*told[first : first + 100])
    expected = counted_anew(database)
    assert set(expected) == {
        (f"every {every}", model, "EUR") for every in (2, 3) for model in ("last", "first", "linear")
    }
    assert reported(database, noon) == expected
    with database.writing() as session:
        assert checking.differences(session) == {}
