"""What marketing mail brings about: the control group beside everybody else, against a recount in plain Python."""

import hashlib
from collections import Counter
from datetime import date, datetime
from io import StringIO
from typing import Any

import pytest
from fastapi.testclient import TestClient
from rich.console import Console
from sqlmodel import select

from services.reports.conversion import lift, paged_report
from services.statistics import shares
from store.tables.customers import Customer, Event
from tests.conftest import Statements
from tests.http import tour
from tests.http.test_main_currency import put_main, upload
from tests.store.mailed_shop import bought_by, order
from waypost.cli.tables.lift import lift_csv, print_lift
from waypost.client import Waypost
from waypost.wiring import Parts

PEOPLE, PERCENT = 60, 40


def report(client: TestClient, **asked: Any) -> Any:
    found = client.get("/v1/reports/lift", params=asked)
    assert found.status_code == 200, found.text
    return found.json()


def hold_back(client: TestClient, percent: int) -> None:
    settings = client.get("/v1/settings").json()
    assert client.put("/v1/settings", json={**settings, "control_group": percent}).status_code == 200


def tell(client: TestClient, told: list[dict[str, Any]]) -> None:
    assert client.post("/v1/batch", json={"batch": told}).status_code == 200


@pytest.fixture
def shop(client: TestClient, parts: Parts, clock: Any) -> None:
    """Both groups do the same, whoever is in them; orders before the group was there, and some by who has no address."""
    tell(client, [{"type": "identify", "userId": f"c{one}", "traits": {"email": f"c{one}@shop.example"}}
                  for one in range(PEOPLE)])  # fmt: skip
    tell(client, [order(f"before {one}", 500, user=f"c{one}") for one in range(0, PEOPLE, 3)])
    clock.forward(days=2)
    hold_back(client, PERCENT)
    clock.forward(days=1)
    with parts.database.reading() as session:
        ids = {one.external_id or "": one.id for one in session.exec(select(Customer)).all()}
    for held in (True, False):
        group = [one for one in ids if is_held(ids[one]) == held]
        tell(client, [told for place, one in enumerate(group) for told in did(one, place)])
    tell(client, [told for place in range(5) for told in did(f"nobody {place}", place)])


def did(user: str, place: int) -> list[dict[str, Any]]:
    """Nothing, an order, one that is cancelled, or two: of another currency, and paid back in part."""
    first, second = (order(f"{user} {number}", 10.05 + place + number, user=user) for number in (1, 2))
    back = order(f"{user} 2", 3.5, user=user, name="Order Refunded")
    cancelled = order(f"{user} 1", None, user=user, name="Order Cancelled", currency=None)
    dollars = order(f"{user} 3", 7.77 + place, user=user, currency="USD")
    trial = {"type": "track", "userId": user, "event": "Trial Started"}
    return [*([], [first], [first, cancelled], [dollars, second, back])[place % 4], *[trial][: place % 3]]


def is_held(customer_id: str) -> bool:
    """By the definition of the group, written anew."""
    digest = hashlib.sha256(f"control group\0{customer_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < PERCENT / 100


def counted_anew(parts: Parts, since: datetime, event: str | None = None) -> dict[bool, Any]:
    """By whether they are held back: customers with an address, who converted, and what each spent in cents."""
    with parts.database.reading() as session:
        customers = session.exec(select(Customer)).all()
        happened = session.exec(select(Event)).all()
    found: dict[bool, Any] = {held: {"customers": 0, "converted": 0, "spent": {}} for held in (True, False)}
    for one in customers:
        if not one.email:
            continue
        mine = [each for each in happened if each.customer_id == one.id]
        orders = [each for each in bought_by(mine) if each.at and each.at >= since]
        did = [each for each in mine if each.name == event and each.at >= since]
        into = found[is_held(one.id)]
        into["customers"] += 1
        into["converted"] += bool(did) if event else any(not each.whole for each in orders)
        spent = Counter[str]()
        for each in orders:
            spent[each.currency] += each.cents
        for currency, cents in spent.items():
            if cents:
                into["spent"].setdefault(currency, []).append(cents)
    return found


def assert_counted(found: Any, expected: dict[bool, Any]) -> None:
    for one in found["groups"]:
        own = expected[one["holdout"]]
        assert (one["customers"], one["converted"]) == (own["customers"], own["converted"])
        assert one["rate"] == own["converted"] / own["customers"]
        assert {each["currency"]: (each["paying"], each["per_customer"]) for each in one["revenue"]} == {
            currency: (len(each), pytest.approx(sum(each) / 100 / own["customers"]))
            for currency, each in own["spent"].items()
        }


@pytest.mark.usefixtures("shop")
def test_both_groups_are_what_a_recount_says(
    client: TestClient, parts: Parts, noon: datetime, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = noon.replace(day=4, hour=0)
    with statements(parts.database, at_most=12):
        found = report(client)
    assert (found["control_group"], found["control_group_since"]) == (PERCENT, "2026-03-04")
    assert (found["from"], found["to"], found["event"]) == ("2026-03-04", "2026-03-05", None)
    assert [one["variant"] for one in found["groups"]] == [lift.CONTROL, lift.EVERYBODY_ELSE]
    expected = counted_anew(parts, since)
    assert_counted(found, expected)
    back, sent = (expected[held] for held in (True, False))
    more = sent["converted"] / sent["customers"] - back["converted"] / back["customers"]
    assert (found["lift"]["than"], found["lift"]["n"], found["lift"]["of"]) == (
        lift.CONTROL, back["customers"], sent["customers"],
    )  # fmt: skip
    assert found["lift"]["conversion"]["by"] == pytest.approx(more)
    assert found["lift"]["conversion"]["low"] < more < found["lift"]["conversion"]["high"]
    assert {one["currency"] for one in found["lift"]["revenue"]} == {"EUR", "USD"}
    together = back["customers"] + sent["customers"]
    sizes = [back["customers"], sent["customers"]], [together * 0.4, together * 0.6]
    assert found["mismatch"] == pytest.approx(shares.chance(*sizes))
    monkeypatch.setattr(lift, "PAGE", 7)
    assert report(client) == found, "pages change nothing"
    trials = report(client, event="Trial Started")
    assert_counted(trials, counted_anew(parts, since, "Trial Started"))


@pytest.mark.usefixtures("shop")
def test_it_says_that_it_is_early_and_that_the_group_was_not_always_there(client: TestClient, parts: Parts) -> None:
    told = report(client)["told"]
    assert [one for one in told if one.startswith("This is an early look")] != []
    assert [one for one in told if one.startswith("Against those who are held back (")] != []
    assert "may be none at all" in told[-1]
    early = report(client, **{"from": "2026-03-01"})
    assert_counted(early, counted_anew(parts, datetime.fromisoformat("2026-03-01T00:00:00Z")))
    assert early["told"][0] == (
        "The control group has been 40% since 2026-03-04; from 2026-03-01 until then others were in it, or nobody, which "
        "makes any difference look smaller."
    )


@pytest.mark.usefixtures("shop")
def test_with_a_main_currency_revenue_is_in_it_where_every_day_has_a_rate(client: TestClient, parts: Parts) -> None:
    by_currency = report(client)
    put_main(client)
    found = report(client)
    assert (found["main_currency"], found["groups"]) == ("EUR", by_currency["groups"])
    assert found["told"][-1] == ("Not everything has a sum in EUR: USD has no rate on 2026-03-05.")
    upload(client, parts, "day,currency,rate\n2026-03-05,USD,0.5\n")
    told = report(client)
    expected = counted_anew(parts, datetime.fromisoformat("2026-03-04T00:00:00Z"))
    for one in told["groups"]:
        own = expected[one["holdout"]]
        (revenue,) = one["revenue"]
        cents = sum(own["spent"]["EUR"]) + sum(own["spent"]["USD"]) / 2
        assert (revenue["currency"], revenue["per_customer"]) == (
            "EUR", pytest.approx(cents / 100 / own["customers"], abs=0.01),
        )  # fmt: skip
    assert told["told"][-1].startswith("It changes what a customer spends by ")


def test_without_a_control_group_nobody_is_read_and_it_says_that_it_cannot_tell_the_cause(
    client: TestClient, parts: Parts, statements: Statements
) -> None:
    tell(client, [order("1")])
    with statements(parts.database, at_most=7) as asked:
        found = report(client)
    assert not any("FROM customer" in one or "FROM credited_order" in one for one in asked)
    assert (found["control_group"], found["groups"], found["lift"], found["mismatch"]) == (0, [], None, None)
    (told,) = found["told"]
    assert told.startswith("There is no control group, so nothing tells what mail causes")


def test_of_nobody_there_is_a_sentence(client: TestClient) -> None:
    hold_back(client, 10)
    found = report(client)
    assert found["told"] == ["No customer has an address yet."]
    assert [one["rate"] for one in found["groups"]] == [None, None]
    client.post("/v1/identify", json={"userId": "ann", "traits": {"email": "ann@shop.example"}})
    assert report(client)["lift"] is None
    assert report(client)["told"][-1].startswith("One of the two groups is empty so far")


def test_what_cannot_be_asked_is_refused(client: TestClient) -> None:
    for asked, path in (({"event": " "}, "event"), ({"from": "2026-03-03"}, "from"), ({"from": "soon"}, "from")):
        wrong = client.get("/v1/reports/lift", params=asked)
        assert (wrong.status_code, wrong.json()["path"]) == (422, path)


@pytest.mark.usefixtures("shop")
def test_many_are_an_operation_with_the_same_report_and_its_picture(
    client: TestClient, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = report(client)
    drawn = client.get("/v1/reports/lift.svg").text
    monkeypatch.setattr(paged_report, "AT_ONCE", PEOPLE - 1)
    refused = client.get("/v1/reports/lift")
    assert (refused.status_code, refused.json()["path"]) == (409, "too_many")
    asked = client.post("/v1/reports/lift", json={"from": "2026-03-04"})
    assert (asked.status_code, asked.json()["kind"]) == (202, "report lift")
    picture = f"/v1/operations/{asked.json()['id']}/report.svg"
    assert client.get(picture).status_code == 409, "it is not counted yet"
    done = tour.done(client, parts, asked.json())
    assert (done["result"], done["done"], done["total"]) == (found, PEOPLE, PEOPLE)
    assert (client.get(picture).text, "control group (held back)" in drawn) == (drawn, True)


@pytest.mark.usefixtures("shop")
def test_the_terminal_shows_both_and_writes_them_for_a_spreadsheet(client: TestClient, keys: dict[str, str]) -> None:
    with Waypost(str(client.base_url), keys["support"], transport=client._transport) as waypost:  # type: ignore[arg-type]
        found = waypost.lift(since=str(date(2026, 3, 4)))
    print_lift(Console(file=(shown := StringIO()), width=200), found)
    assert ("control group (holdout)" in shown.getvalue(), "early look" in shown.getvalue()) == (True, True)
    header, *lines = lift_csv(found).splitlines()
    assert header.startswith("group,customers,converted,rate,low,high,currency,paying,per_customer")
    assert [line.split(",")[0] for line in lines] == [lift.CONTROL] * 2 + [lift.EVERYBODY_ELSE] * 2
    table = client.get("/v1/reports/lift", params={"format": "csv"}).text.splitlines()
    assert table[0].startswith("variant,holdout,customers,converted")
