"""BG/NBD: how often a customer orders, and whether they still do.

After Fader, Hardie and Lee, "Counting Your Customers" the Easy Way, Marketing Science 24 (2005). While alive a customer
orders at a rate of their own (gamma: shape r, scale 1/alpha), and behind each repeat order is lost with a chance of
their own (beta: a, b). Times are weeks. Everything here is a formula in closed form; a fit is `fitting`.
"""

from dataclasses import dataclass
from math import exp, log

from value.histories import Buyer

MOST_TERMS = 20_000
"""Of the series: its largest terms are those about the number of orders, and ours have fewer."""

TINY = 1e-12
"""A term that adds less than this part of the sum ends the series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BgNbd:
    """The four parameters, per week."""

    r: float
    alpha: float
    a: float
    b: float


def alive(model: BgNbd, who: Buyer) -> float:
    """The chance (0 to 1) that the customer is still one; 1 of whoever ordered once: loss follows a repeat order."""
    return 1 / (1 + _odds_lost(model, who))


def expected_orders(model: BgNbd, who: Buyer, ahead: float) -> float:
    """How many orders are expected within so many weeks (formula 10 of the paper)."""
    shape, lost = model.r + who.repeat_orders, model.b + who.repeat_orders
    shorter = _beside_zero(model.a - 1)
    total = _beside_zero(shorter + lost)
    share = ahead / (model.alpha + who.age + ahead)
    found, scale = _series(shape, lost, total, share)
    spent = found * exp(scale + shape * log(1 - share))
    return max(0.0, total / shorter * (1 - spent)) / (1 + _odds_lost(model, who))


def _odds_lost(model: BgNbd, who: Buyer) -> float:
    """The chance to be lost over the chance to be alive."""
    if not who.repeat_orders:
        return 0.0
    waited = log((model.alpha + who.age) / (model.alpha + who.last))
    return model.a / (model.b + who.repeat_orders - 1) * exp(min(700.0, (model.r + who.repeat_orders) * waited))


def _series(one: float, other: float, below: float, at: float) -> tuple[float, float]:
    """Gauss's hypergeometric function for 0 <= `at` < 1, and the logarithm of what it is to be multiplied with."""
    term = total = 1.0
    scale = 0.0
    for n in range(MOST_TERMS):
        term *= (one + n) * (other + n) / ((below + n) * (n + 1)) * at
        total += term
        if abs(term) < TINY * abs(total):
            break
        if abs(total) > 1e200:
            term, total, scale = term / 1e200, total / 1e200, scale + log(1e200)
    return total, scale


def _beside_zero(value: float) -> float:
    """A value; where it is zero, one so near that the formula, which has a limit there and no value, comes to it."""
    return value if abs(value) > 1e-6 else 1e-6
