"""Amounts of money as whole numbers of the smallest unit of their currency (ISO 4217), and how such a sum is divided.

Sums of cents are exact in any order; those of floating numbers are not. What is divided adds up to what there was.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

_NONE = ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
_THREE = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]

DECIMALS: Mapping[str, int] = {**dict.fromkeys(_NONE, 0), **dict.fromkeys(_THREE, 3)}
"""Decimals of the currencies that have not two (ISO 4217, list one)."""


def decimals(currency: str) -> int:
    """How many decimals amounts of a currency have; two where it is unstated or unknown."""
    return DECIMALS.get(currency, 2)


def in_units(amount: float, currency: str) -> int:
    """An amount in the smallest units of its currency: 12.34 EUR is 1234. Halves of a unit go to the even one."""
    exact = Decimal(repr(amount)).scaleb(decimals(currency))
    return int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))


def amount_of(units: int, currency: str) -> float:
    """Smallest units as the amount that people write: 1234 of EUR is 12.34."""
    return float(Decimal(units).scaleb(-decimals(currency)))


def figure(amount: float, currency: str | None, sign: str = "") -> str:
    """An amount with the decimals of its currency, which is not named: `1,234.50`, `1,234`; `sign` may be a plus."""
    return f"{amount:{sign},.{decimals(currency or '')}f}"


def told(amount: float, currency: str | None) -> str:
    """An amount as people read it, with the decimals of its currency: `1,234.50 EUR`, `1,234 JPY`."""
    return f"{figure(amount, currency)} {currency or ''}".rstrip()


def divided(units: int, shares: int) -> tuple[int, ...]:
    """A sum in so many equal shares, by the largest remainder: the first ones have a unit more. They add up to it."""
    each, left = divmod(units, shares)
    return tuple(each + (place < left) for place in range(shares))
