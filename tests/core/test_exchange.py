"""Sums over currencies: exact, by the rates of the days, or none."""

from decimal import Decimal

from value import exchange

MONDAY, TUESDAY = "2026-03-02", "2026-03-03"
RATES = {("USD", MONDAY): Decimal("0.9215"), ("USD", TUESDAY): Decimal("0.9188"), ("JPY", MONDAY): Decimal("0.0062")}


def test_each_amount_is_worth_what_its_day_says() -> None:
    amounts = {("USD", MONDAY): 10_000, ("USD", TUESDAY): 10_000, ("JPY", MONDAY): 1_000, ("EUR", TUESDAY): 150}
    assert exchange.in_main(amounts, RATES, "EUR") == Decimal("191.73")  # 92.15 + 91.88 + 6.20 + 1.50


def test_the_sum_is_rounded_once_at_its_end() -> None:
    """A cent of a dollar is 0.9215 cents: a thousand of them are 9.22, and not 10 or 9.2."""
    rates = {("USD", f"day {number}"): Decimal("0.9215") for number in range(1_000)}
    assert exchange.in_main(dict.fromkeys(rates, 1), rates, "EUR") == Decimal("9.22")
    assert exchange.in_main({("EUR", MONDAY): 7}, {}, "JPY") is None
    assert exchange.in_main({("USD", MONDAY): 50}, {("USD", MONDAY): Decimal(1)}, "JPY") == Decimal("0")


def test_without_a_rate_of_one_day_there_is_no_sum_and_the_gap_is_told() -> None:
    amounts = {("USD", MONDAY): 1, ("GBP", MONDAY): 1, ("GBP", TUESDAY): 1, ("CHF", TUESDAY): 0}
    missing = exchange.without_rate(amounts, RATES, "EUR")
    assert missing == {("GBP", MONDAY), ("GBP", TUESDAY)}
    assert exchange.in_main(amounts, RATES, "EUR") is None
    assert exchange.told(missing) == [("GBP", 2, MONDAY, TUESDAY)]
