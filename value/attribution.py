"""Which of the mails that came before an order is credited with it: three answers, each for the whole order.

    last      the mail that came last; what is asked for where nothing is said
    first     the mail that came first
    linear    all of them alike, to the cent

Each divides what the order is worth now, so whoever takes money back takes back what was credited, and no cent more.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from value import money

AttributionModel = Literal["last", "first", "linear"]
"""Who is credited."""

Credits = tuple[int, ...]
"""What each mail is credited with, in the smallest units of the order's currency, in the order in which they came."""


def _last(worth: int, mails: int) -> Credits:
    return (*(0,) * (mails - 1), worth)


def _first(worth: int, mails: int) -> Credits:
    return (worth, *(0,) * (mails - 1))


MODELS: Mapping[AttributionModel, Callable[[int, int], Credits]] = {
    "last": _last,
    "first": _first,
    "linear": money.divided,
}
"""How each model divides what an order is worth among so many mails (one at least)."""
