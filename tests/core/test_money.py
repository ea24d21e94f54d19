"""Money in whole units: exact, and divided without a cent lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from value import attribution, money


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        (12.34, "EUR", 1234),
        (0.1 + 0.2, "EUR", 30),
        (1_000_000.01, "EUR", 100_000_001),
        (1500, "JPY", 1500),
        (1.2345, "KWD", 1234),
        (2.675, "EUR", 268),  # the number that was written, not its binary neighbour
        (0.125, "unstated", 12),
        (1e15, "USD", 10**17),
    ],
)
def test_an_amount_is_so_many_of_the_smallest_unit(amount: float, currency: str, units: int) -> None:
    assert money.in_units(amount, currency) == units


def test_units_are_written_as_people_write_them() -> None:
    written = [money.amount_of(1234, currency) for currency in ("EUR", "JPY", "KWD")]
    assert written == [12.34, 1234.0, 1.234]


@given(worth=st.integers(0, 10**12), mails=st.integers(1, 40))
def test_each_model_credits_the_whole_order_and_no_unit_more(worth: int, mails: int) -> None:
    for name, divide in attribution.MODELS.items():
        credited = divide(worth, mails)
        assert (sum(credited), len(credited), min(credited) >= 0) == (worth, mails, True), name
    shares = attribution.MODELS["linear"](worth, mails)
    assert max(shares) - min(shares) <= 1


def test_who_is_credited() -> None:
    assert {name: divide(100, 3) for name, divide in attribution.MODELS.items()} == {
        "last": (0, 0, 100),
        "first": (100, 0, 0),
        "linear": (34, 33, 33),
    }
