"""What customers are worth is fitted when somebody asks, too, and shown in the terminal."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.jobs import fit_value
from services.operations import operations
from store.session import Database
from store.tables.access import Operation
from tests.store import buyers
from waypost.cli.tables.value import print_value
from waypost.cli.terminal import console
from waypost.wiring import Parts


def asked(client: TestClient) -> Any:
    answer = client.post("/v1/reports/value")
    assert answer.status_code == 202, answer.text
    return answer.json()


def shop(client: TestClient, noon: datetime) -> None:
    """A hundred and fifty customers, of whom ninety ordered again."""
    batch = [
        {
            "type": "track",
            "event": "Order Completed",
            "userId": f"u{user}",
            "timestamp": (noon - timedelta(days=90 - user % 6 - day)).isoformat(),
            "properties": {"order_id": f"{user}/{day}", "total": 10 + user, "currency": "EUR"},
        }
        for user, days in enumerate(buyers.days_of_orders(150))
        for day in days
    ]
    assert client.post("/v1/batch", json={"batch": batch}).status_code == 200


def fitted(database: Database, operation: str, now: datetime) -> None:
    """The work of a fit, page by page."""
    with database.reading() as session:
        row = session.get_one(Operation, operation)
    for page in fit_value.pages(database, row, lambda: now):
        database.write(lambda session, page=page: operations.advance(session, operation, page))


def test_a_fit_is_asked_for_and_who_asks_again_meanwhile_gets_the_same(client: TestClient) -> None:
    first = asked(client)
    assert (first["kind"], first["status"]) == ("fit value", "queued")
    assert asked(client)["id"] == first["id"]


def test_before_a_fit_the_report_says_how_to_ask_for_one(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    print_value(console, client.get("/v1/reports/value").json())
    assert "No fit: there was no fit yet; the first comes at night, or when it is asked for" in capsys.readouterr().out


def test_the_terminal_shows_the_fit_and_its_customers_in_fifths(
    client: TestClient, parts: Parts, noon: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    shop(client, noon)
    fitted(parts.database, asked(client)["id"], noon)
    found = client.get("/v1/reports/value").json()
    assert found["refusal"] is None
    print_value(console, found)
    shown = capsys.readouterr().out
    assert f"{found['customers']:,} customers, {found['repeat_orders']:,} repeat orders" in shown
    assert "orders (BG/NBD, per week): r " in shown
    assert "most lately" in shown
    assert (found["customers"], found["repeat_orders"]) == (150, 457)
    assert sum(map(sum, found["grid"])) == 150
