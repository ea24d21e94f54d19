"""A main currency: rates come by file, and the report on mails sums over currencies where every day has one."""

import csv
import io
from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal
from io import StringIO
from typing import Any

import pytest
from fastapi.testclient import TestClient
from rich.console import Console
from sqlmodel import select

from services.imports.records import rate_lines
from services.values import Rejected
from store.tables.attribution import CreditedOrder, MailCredit
from store.tables.messages import Message
from tests.http import tour
from tests.store.mailed_shop import order, send
from waypost.cli.tables.mail_report import print_mails
from waypost.wiring import Parts

RATES = "day,currency,rate\n2026-03-02,usd,0.9215\n2026-03-03,USD,0.9188\n2026-03-04,USD,0.92\n"


def report(client: TestClient, **asked: Any) -> Any:
    return client.get("/v1/reports/mails", params={"by": "template", **asked}).json()


def put_main(client: TestClient, currency: str | None = "EUR") -> None:
    settings = client.get("/v1/settings").json()
    assert client.put("/v1/settings", json={**settings, "main_currency": currency}).status_code == 200


def upload(client: TestClient, parts: Parts, text: str) -> Any:
    asked = client.post("/v1/imports?kind=rates", content=text, headers={"Content-Type": "text/csv"})
    assert asked.status_code == 202, asked.text
    return tour.done(client, parts, asked.json())


@pytest.fixture
def shop(client: TestClient, parts: Parts, clock: Any) -> None:
    """Three mails on three days, with orders in euros and dollars."""
    client.post("/v1/identify", json={"userId": "ann", "traits": {}})
    for number, (total, currency) in enumerate([(100, "EUR"), (19.99, "USD"), (0.03, "USD")]):
        send(parts.database, f"m{number}", clock(), template="odd" if number % 2 else "even")
        client.post("/v1/track", json=order(str(number), total, currency=currency))
        clock.forward(days=1)


def test_without_a_main_currency_there_is_no_sum_and_no_rate_is_taken(client: TestClient, shop: None) -> None:
    found = report(client)
    assert (found["main"], found["orders_in_main"]) == (None, None)
    assert {line["revenue_in_main"] for line in found["mails"]} == {None}
    refused = client.post("/v1/imports?kind=rates", content=RATES, headers={"Content-Type": "text/csv"})
    assert (refused.status_code, "set main_currency" in refused.text) == (409, True)
    settings = client.get("/v1/settings").json()
    assert client.put("/v1/settings", json={**settings, "main_currency": "euro"}).status_code == 422


def test_the_sums_are_those_of_the_ledger_by_the_rate_of_each_day(client: TestClient, parts: Parts, shop: None) -> None:
    """Counted anew from the credits and orders, mail by mail."""
    put_main(client)
    upload(client, parts, RATES)
    rates = {(one["currency"].upper(), one["day"]): Decimal(one["rate"]) for one in csv.DictReader(io.StringIO(RATES))}
    expected, orders = defaultdict[str, Decimal](Decimal), Decimal(0)
    with parts.database.reading() as session:
        for credit, mail in session.exec(select(MailCredit, Message).where(MailCredit.message_id == Message.id)).all():
            worth = Decimal(credit.linear) / 100
            expected[mail.template] += worth * rates.get(
                (credit.currency, f"{credit.accepted_at:%Y-%m-%d}"), Decimal(1)
            )
        for one in session.exec(select(CreditedOrder)).all():
            orders += Decimal(one.worth or 0) / 100 * rates.get((one.currency, f"{one.at:%Y-%m-%d}"), Decimal(1))
    found = report(client)
    cent = Decimal("0.01")
    assert {line["template"]: line["revenue_in_main"]["linear"] for line in found["mails"]} == {
        template: float(worth.quantize(cent, ROUND_HALF_EVEN)) for template, worth in expected.items()
    }
    assert found["orders_in_main"] == {"amount": float(round(orders, 2)), "credited": float(round(orders, 2))}
    assert found["main"]["missing"] == []
    assert found["main"]["told"].startswith(
        "In EUR, by the rate of each day: the orders are 118.39, mails are credited with"
    )
    told = StringIO()
    print_mails(Console(file=told, width=250), found, "linear")
    assert "In EUR" in told.getvalue()


def test_which_rates_are_missing_is_said_and_what_needs_none_has_its_sum(
    client: TestClient, parts: Parts, shop: None
) -> None:
    put_main(client)
    upload(client, parts, "day,currency,rate\n2026-03-04,USD,0.92\n")
    found = report(client)
    assert (found["orders_in_main"], {line["revenue_in_main"] for line in found["mails"]}) == (None, {None})
    day = report(client, **{"from": "2026-03-04", "to": "2026-03-04"})
    assert (day["mails"][0]["revenue_in_main"]["last"], day["orders_in_main"]["amount"]) == (0.03, 0.03)
    client.post("/v1/track", json=order("9", 5, currency=None))
    main = report(client)["main"]
    assert main["missing"] == [
        {"currency": "USD", "days": 2, "first": "2026-03-02", "last": "2026-03-03"},
        {"currency": "unstated", "days": 4, "first": "2026-03-02", "last": "2026-03-05"},
    ]
    assert main["told"] == (
        "Not everything has a sum in EUR: USD has no rate on 2 days (2026-03-02 to 2026-03-03); "
        "what names no currency has no rate on 4 days (2026-03-02 to 2026-03-05)."
    )
    put_main(client, "USD")
    assert report(client)["main"]["missing"][0]["currency"] == "EUR", "rates of another main currency are no rates"


def test_lines_that_are_wrong_stop_no_other_and_a_day_told_again_has_its_new_rate(
    client: TestClient, parts: Parts
) -> None:
    put_main(client)
    wrong = '02.03.2026,USD,1\n2026-03-02,EUR,1\n2026-03-02,dollar,1\n2026-03-02,USD,\n2026-03-02,USD,-1\n2026-03-02,USD,"0,92"\n'
    done = upload(client, parts, RATES + wrong + "2026-03-02,USD,0.95\n")
    assert done["error_count"] == 6
    assert done["status"] == "done"
    again = upload(client, parts, "day,currency,rate\n2026-03-02,USD,0.95\n")
    assert again["result"]["repeated"] == 1


@pytest.mark.parametrize("rate", ["nan", "inf", "0", "1e13", "1.0000000000001", True, None, "1_0 x"])
def test_a_rate_that_is_none_is_refused(rate: Any) -> None:
    with pytest.raises(Rejected, match="rate"):
        rate_lines.read({"day": "2026-03-02", "currency": "USD", "rate": rate}, "EUR")
