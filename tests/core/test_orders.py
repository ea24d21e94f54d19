"""What customers bought, folded from their order events: counted once, taken back, and nothing unreadable is zero."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from value import orders, purchases
from value.orders import CANCELLED, COMPLETED, REFUNDED
from value.purchases import KEPT, NONE, Purchases

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
Happened = tuple[str, datetime, Mapping[str, Any]]
COFFEE = {"product_id": "p1", "name": "Ground coffee", "category": "coffee", "price": 8.5, "quantity": 2}
CUP = {"sku": "cup", "price": "3", "category": "china"}


def order(number: str, total: Any = 20.0, day: int = 0, **more: Any) -> Happened:
    return COMPLETED, START + timedelta(days=day), {"order_id": number, "total": total, "currency": "EUR", **more}


def back(number: str, name: str = REFUNDED, day: int = 5, **more: Any) -> Happened:
    return name, START + timedelta(days=day), {"order_id": number, "currency": "EUR", **more}


def folded(happened: Sequence[Happened]) -> Purchases:
    known = NONE
    for seq, (name, at, properties) in enumerate(happened, start=1):
        known = purchases.fold(known, name, at, properties, seq)
        assert Purchases.from_json(known.as_json()) == known
    return known


def worths(happened: Sequence[Happened]) -> list[float | None]:
    return [one.worth for one in folded(happened).counted()]


def test_an_order_that_is_told_twice_counts_once() -> None:
    assert worths([order("a"), order("a"), order("b", 5)]) == [20.0, 5.0]


def test_orders_without_an_id_are_each_their_own() -> None:
    nameless = (COMPLETED, START, {"total": 3})
    assert worths([nameless, nameless]) == [3.0, 3.0]


def test_a_cancelled_order_is_none_whenever_that_is_told() -> None:
    assert worths([order("a"), back("a", CANCELLED)]) == []
    assert worths([back("a", CANCELLED), order("a"), order("b", 5)]) == [5.0]


def test_a_refund_takes_back_its_amount_and_the_whole_order_where_it_names_none() -> None:
    assert worths([order("a"), back("a", total=5)]) == [15.0]
    assert worths([order("a"), back("a", total=-5), back("a", value="2.5")]) == [12.5]
    assert worths([order("a"), back("a")]) == []
    assert worths([order("a"), back("a", total=50)]) == []


def test_a_refund_in_another_currency_takes_nothing_of_this_one() -> None:
    assert worths([order("a"), back("a", total=5, currency="USD")]) == [20.0]


def test_a_refund_that_names_no_order_takes_back_nothing_and_is_told() -> None:
    said = {"total": 5}
    assert folded([order("a"), (REFUNDED, START, said)]) == folded([order("a")])
    assert list(orders.unreadable(REFUNDED, said)) == [("order_id", "(missing)")]


def test_products_that_came_back_are_no_longer_bought() -> None:
    sold, returned = order("a", products=[COFFEE, CUP]), back("a", total=8.5, products=[{**COFFEE, "quantity": 1}])
    (kept,) = folded([sold, returned]).counted()
    assert [(one.product, one.quantity, one.amount) for one in purchases.net_lines(kept)] == [
        ("p1", 1.0, 8.5), ("cup", 1, 3.0),
    ]  # fmt: skip


@pytest.mark.parametrize("total", [None, "", "a lot", -3, True, float("nan")])
def test_an_order_without_an_amount_is_an_order_and_not_worth_zero(total: Any) -> None:
    assert worths([order("a", total)]) == [None]


def test_a_free_order_is_worth_zero() -> None:
    assert worths([order("a", 0)]) == [0.0]


def test_amounts_of_two_currencies_are_never_summed() -> None:
    known = folded([order("a", 20), order("b", 10, day=1), order("c", 7, day=1, currency="usd")])
    day = date(2026, 1, 1)
    assert known.days("EUR") == {day: 20.0, day + timedelta(days=1): 10.0}
    assert known.days("USD") == {day: None, day + timedelta(days=1): 7.0}
    assert purchases.main_currency([known]) == "EUR"
    assert purchases.main_currency([NONE]) == "unstated"


def test_what_cannot_be_read_is_told_by_its_path() -> None:
    said = {
        "order_id": {"no": "id"}, "total": -1, "currency": "euros",
        "products": ["coffee", {"price": 3}, {**COFFEE, "price": "dear"}, {**CUP, "quantity": -2}],
    }  # fmt: skip
    assert list(orders.unreadable(COMPLETED, said)) == [
        ("amount", -1.0), ("order_id", {"no": "id"}), ("currency", "euros"), ("products", "coffee"),
        ("products", {"price": 3}), ("products.price", "dear"), ("products.quantity", -2),
    ]  # fmt: skip
    assert list(orders.unreadable(COMPLETED, {"products": "coffee"})) == [
        ("amount", "(missing)"), ("products", "coffee"),
    ]  # fmt: skip
    assert (
        list(orders.unreadable(COMPLETED, {"order_id": 7, "total": "3", "currency": " eur ", "products": None})) == []
    )


def test_a_line_whose_price_cannot_be_read_is_bought_and_not_worth_zero() -> None:
    (line,) = orders.read(COMPLETED, {"products": [{**COFFEE, "price": "dear"}]}).lines
    assert (line.quantity, line.amount) == (2, None)


def test_what_an_order_lists_beyond_twenty_lines_is_counted() -> None:
    (kept,) = folded([order("a", products=[{"name": f"n{one}"} for one in range(25)])]).counted()
    assert (len(kept.lines), kept.left_out) == (20, 5)


def test_beyond_forty_orders_the_older_are_only_added_up() -> None:
    many = [order(str(day), 2.0, day=day, products=[COFFEE]) for day in range(KEPT + 10)]
    known = folded(many)
    assert (len(known.orders), known.earlier.count, len(known.earlier.days)) == (KEPT, 10, 10)
    assert len(known.days("EUR")) == KEPT + 10
    assert known.earlier.sums == {"EUR": 20.0}
    assert (known.earlier.first_at, known.earlier.last_at) == (START, START + timedelta(days=9))
    coffee = known.earlier.categories["coffee"]
    assert (coffee.count, coffee.quantity, coffee.sums) == (10, 20, {"EUR": 170.0})


def test_an_order_that_is_told_years_late_is_added_to_what_is_older() -> None:
    many = [order(str(day), 2.0, day=day) for day in range(KEPT)]
    late = (COMPLETED, START - timedelta(days=1_500), {"order_id": "late", "total": 9, "currency": "EUR"})
    known = folded([*many, late])
    assert (len(known.orders), known.earlier.count, known.earlier.sums) == (KEPT, 1, {"EUR": 9.0})
    assert worths([*many[:3], late])[0] == 9.0


def test_events_of_other_names_change_nothing() -> None:
    assert folded([("Page Viewed", START, {"total": 5})]) == NONE
    assert NONE.as_json() == {}


def test_of_two_profiles_an_order_that_both_tell_counts_once() -> None:
    one = folded([order("a"), (COMPLETED, START, {"total": 1})])
    other = folded([(COMPLETED, START, {"total": 2}), order("a"), back("a", total=4)])
    both = purchases.combined(one, other, 2)
    assert sorted(one.worth or 0 for one in both.counted()) == [1.0, 2.0, 16.0]
    assert sorted(both.orders) == ["#2", "#3", "a"]


happenings = st.lists(
    st.one_of(
        st.builds(order, st.sampled_from("abcd"), st.sampled_from([1, 20.5]), st.integers(0, 9)),
        st.builds(lambda number, total: back(number, total=total), st.sampled_from("abcd"), st.sampled_from([0.5, 3])),
        st.builds(lambda number: back(number, CANCELLED), st.sampled_from("abcd")),
    ),
    max_size=8,
    unique_by=lambda one: (one[0], one[2]["order_id"]),
)


@given(happenings, st.randoms())
def test_the_order_in_which_events_come_changes_nothing(happened: list[Happened], chance: Any) -> None:
    other = list(happened)
    chance.shuffle(other)
    assert folded(happened).counted() == folded(other).counted()


@given(happenings, st.integers(0, 8))
def test_two_profiles_together_are_one_customer(happened: list[Happened], at: int) -> None:
    both = purchases.combined(folded(happened[:at]), folded(happened[at:]), renumbered=at)
    assert both.counted() == folded(happened).counted()
