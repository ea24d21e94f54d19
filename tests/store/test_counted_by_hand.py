"""Two customers counted by hand, on the night on which Berlin puts its clocks forward: everything that makes books wrong at once.

Midnight of the 29th of March 2026 is at 23:00 UTC of the 28th, that of the 30th at 22:00 UTC of the 29th.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.attribution import checking
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings
from services.operations import operations
from store.session import Database
from tests.store import bulk_shop
from tests.store.mailed_shop import customer_id, order, report, send

Ingest = Callable[..., Any]
END = datetime(2026, 4, 2, tzinfo=UTC)

Lines = dict[str, dict[str, tuple[float, float, float]]]
"""By template and currency what is credited by last, first and linear."""


def march(day: int, clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{day}T{clock}+00:00")


@pytest.fixture
def shop(database: Database, take: Ingest) -> None:
    """Ann had four mails around the two midnights, Bob one in between."""
    with database.writing() as session:
        installation_settings.save(session, InstallationSettings(timezone="Europe/Berlin"), march(20, "12:00"))
    take({"type": "identify", "userId": "ann"}, {"type": "identify", "userId": "bob"}, at=march(20, "12:00"))
    mails = (("a", 28, "22:59"), ("b", 28, "23:00"), ("c", 29, "21:59"), ("d", 29, "22:00"))
    for name, day, clock in mails:
        send(database, name, march(day, clock))
    send(database, "e", march(29, "12:00"), user="bob")
    take(order("2", 30, name="Order Refunded"), at=march(29, "20:00"))  # before its order
    take(order("1", 100), order("1", 100), order("1", 100, user="bob", currency="USD"), at=march(29, "23:00"))
    take(order("2", 80), order("3", None), order("4", -7), at=march(30, "10:00"))
    take({**order("1", 55, currency="USD"), "userId": None, "anonymousId": "phone"}, at=march(31, "08:00"))
    take({"type": "identify", "userId": "ann", "anonymousId": "phone"}, at=march(31, "09:00"))
    take(order("1", 40, user="bob", name="Order Refunded", currency="USD"), at=march(31, "10:00"))


def sent(database: Database, **days: Any) -> dict[str, int]:
    return {one["template"]: one["sent"] for one in report(database, END, **days)["mails"]}


def lines(database: Database, **days: Any) -> Lines:
    return {
        line["template"]: {
            one["currency"]: (one["last"], one["first"], one["linear"])
            for one in line["revenue"]
            if one["last"] or one["first"] or one["linear"]
        }
        for line in report(database, END, **days)["mails"]
    }


EVER: Lines = {
    "a-t": {"EUR": (0, 150, 37.5)},
    "b-t": {"EUR": (0, 0, 37.5)},
    "c-t": {"EUR": (0, 0, 37.5)},
    "d-t": {"EUR": (150, 0, 37.5)},
    "e-t": {"USD": (60, 60, 60)},
}


@pytest.mark.usefixtures("shop")
def test_each_order_is_credited_once_in_its_currency_less_what_was_taken_back(database: Database) -> None:
    """100 told thrice and by two profiles, 80 less the 30 that came first, nothing for the odd ones; Bob's 100 less 40."""
    assert lines(database) == EVER
    orders = report(database, END)["orders"]
    assert [(one["currency"], one["orders"], one["amount"], one["credited"]) for one in orders] == [
        ("EUR", 4, 150, 150), ("USD", 1, 60, 60),
    ]  # fmt: skip
    with database.writing() as session:
        assert checking.differences(session) == {}


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("since", "until", "names"),
    [(28, 28, "a"), (29, 29, "bce"), (30, 30, "d"), (28, 29, "abce"), (29, 30, "bcde"), (28, 30, "abcde")],
)
def test_a_mail_stands_on_its_day_of_the_house_also_on_the_day_of_23_hours(
    database: Database, since: int, until: int, names: str
) -> None:
    days = {"since": date(2026, 3, since), "until": date(2026, 3, until)}
    assert sent(database, **days) == {f"{name}-t": 1 for name in names}
    assert lines(database, **days) == {f"{name}-t": EVER[f"{name}-t"] for name in names}


@pytest.mark.usefixtures("shop")
def test_the_books_are_the_same_when_both_are_erased(database: Database) -> None:
    before = report(database, END)
    for user in ("ann", "bob"):
        with database.writing() as session:
            operation = operations.start(session, "erase", {"customer": customer_id(session, user)}, END)
        bulk_shop.work(database, operation, END)
    assert report(database, END) == before
    with database.writing() as session:
        assert checking.differences(session) == {}
