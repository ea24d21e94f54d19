"""What mails are worth, over HTTP and on the command line."""

from io import StringIO
from typing import Any

from fastapi.testclient import TestClient
from rich.console import Console

from tests.store.mailed_shop import order, send
from waypost.cli.tables.mail_report import print_mails
from waypost.wiring import Parts


def ask(client: TestClient, **asked: Any) -> Any:
    return client.get("/v1/reports/mails", params=asked).json()


def test_revenue_is_told_by_template_with_its_orders(client: TestClient, parts: Parts) -> None:
    assert ask(client)["told"] == "No mail was sent in this time."
    client.post("/v1/identify", json={"userId": "ann", "traits": {}})
    send(parts.database, "offer", parts.clock())
    client.post("/v1/track", json=order("1", 19.9))
    found = ask(client, by="template")
    (line,) = found["mails"]
    assert (line["template"], line["journey"], line["sent"]) == ("offer-t", None, 1)
    assert line["converted"] == {"count": 1, "n": 1, "rate": 1.0, "low": 0.2065, "high": 1.0}
    assert line["revenue"] == [{"currency": "EUR", "last": 19.9, "first": 19.9, "linear": 19.9}]
    assert found["told"] == (
        "1 mail was sent, 1 converted; orders of 19.90 EUR are credited to them. "
        "That they came before an order does not say that they caused it: a holdout does."
    )
    told = StringIO()
    print_mails(Console(file=told, width=200), found, "linear")
    assert "19.90 EUR" in told.getvalue()
    assert "1 order in EUR: 19.90, credited 19.90" in told.getvalue()
    (by_source,) = ask(client, by="source")["mails"]
    assert (by_source["source"], by_source["sent"], by_source["template"]) == ("", 1, None)
    assert client.get("/v1/reports/mails", params={"by": "moon"}).status_code == 422
    assert client.get("/v1/reports/mails", params={"from": "2026-03-02", "to": "2026-03-01"}).status_code == 422
