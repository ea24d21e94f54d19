"""Amounts of several currencies as a sum in one: by the rates of their days, exactly, or not at all.

A rate is what one unit of a currency is worth in the main one. Sums are of decimal numbers, and rounded once at their
end (halves of the smallest unit go to the even one), so a sum of rounded sums may differ by a unit from the whole.
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from value import money, orders

DayOfCurrency = tuple[str, str]
"""A currency and a day, as `2026-03-02`."""


def without_rate(
    amounts: Mapping[DayOfCurrency, int], rates: Mapping[DayOfCurrency, Decimal], main: str
) -> set[DayOfCurrency]:
    """Of the amounts that are not zero and not in the main currency: the days and currencies without a rate."""
    return {one for one, units in amounts.items() if units and one[0] != main and one not in rates}


def in_main(amounts: Mapping[DayOfCurrency, int], rates: Mapping[DayOfCurrency, Decimal], main: str) -> Decimal | None:
    """The sum of amounts (in the smallest units of their currencies) in the main currency; None where a rate lacks."""
    if without_rate(amounts, rates, main):
        return None
    worth = (_worth(units, one, rates, main) for one, units in amounts.items() if units)
    return sum(worth, Decimal(0)).quantize(Decimal(1).scaleb(-money.decimals(main)), ROUND_HALF_EVEN)


def _worth(units: int, of: DayOfCurrency, rates: Mapping[DayOfCurrency, Decimal], main: str) -> Decimal:
    amount = Decimal(units).scaleb(-money.decimals(of[0]))
    return amount if of[0] == main else amount * rates[of]


def by_currency_in_main(
    amounts: Mapping[DayOfCurrency, int], rates: Mapping[DayOfCurrency, Decimal], main: str
) -> dict[str, Decimal]:
    """What the amounts of each currency are worth in the main one, not rounded; there is a rate for each."""
    found: dict[str, Decimal] = {}
    for one, units in amounts.items():
        worth = _worth(units, one, rates, main) if units else Decimal(0)
        found[one[0]] = found.get(one[0], Decimal(0)) + worth
    return found


def told(missing: Iterable[DayOfCurrency]) -> list[tuple[str, int, str, str]]:
    """Each currency without a rate: on how many days, the first of them and the last."""
    days = dict[str, list[str]]()
    for currency, day in sorted(missing):
        days.setdefault(currency, []).append(day)
    return [(currency, len(found), found[0], found[-1]) for currency, found in days.items()]


def without_sum(main: str, missing: Iterable[DayOfCurrency]) -> str:
    """The sentence that says why there is no sum in the main currency."""
    gaps = [
        f"{'what names no currency' if currency == orders.UNSTATED else currency} has no rate on "
        + (first if days == 1 else f"{days:,} days ({first} to {last})")
        for currency, days, first, last in told(missing)
    ]
    return f"Not everything has a sum in {main}: {'; '.join(gaps)}."


def by_currency(amounts: Mapping[DayOfCurrency, int]) -> dict[str, int]:
    """The sums of the currencies, each for itself; what comes to nothing is left out."""
    found: dict[str, int] = {}
    for (currency, _), units in amounts.items():
        found[currency] = found.get(currency, 0) + units
    return {currency: units for currency, units in found.items() if units}
