"""The parameters of both models that make one's own orders most likely (maximum likelihood)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from value import numerics
from value.bgnbd import BgNbd
from value.gamma_gamma import GammaGamma
from value.histories import Buyer
from value.numerics import CannotFit

FEWEST_REPEATS = 30
"""Customers with a repeat order below which a fit tells more of chance than of customers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersFit:
    """The model of orders, and the log-likelihood that it gives everybody's together."""

    model: BgNbd
    log_likelihood: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyFit:
    """The model of what orders are worth; it was learnt of `customers`, those with a repeat order that has a value."""

    model: GammaGamma
    customers: int


def fit_orders(buyers: Sequence[Buyer]) -> OrdersFit:
    """BG/NBD; raise CannotFit where there is too little to learn from, or nothing to compute with."""
    _check_enough(sum(one.repeat_orders > 0 for one in buyers))
    with_numbers = numerics.load()
    alike = Counter((one.repeat_orders, one.last, one.age) for one in buyers)
    x, last, age = (with_numbers.numpy.array(column, dtype=float) for column in zip(*alike, strict=True))
    count = with_numbers.numpy.array([*alike.values()], dtype=float)

    def minus(r: float, alpha: float, a: float, b: float) -> Any:
        return -(count * _log_orders(with_numbers, (x, last, age), BgNbd(r=r, alpha=alpha, a=a, b=b))).sum()

    mean_gap = float((count * age).sum() / max(1.0, (count * x).sum()))
    (r, alpha, a, b), likelihood = numerics.maximised(with_numbers, minus, (0.5, mean_gap, 1.0, 2.0))
    return OrdersFit(model=BgNbd(r=r, alpha=alpha, a=a, b=b), log_likelihood=likelihood)


def _log_orders(with_numbers: numerics.Numerics, seen: tuple[Any, Any, Any], model: BgNbd) -> Any:
    """The log-likelihood of each history: orders, week of the last, age (formula 6 of the paper)."""
    numpy, lgamma = with_numbers.numpy, with_numbers.special.gammaln
    (x, last, age), (r, alpha, a, b) = seen, (model.r, model.alpha, model.a, model.b)
    common = lgamma(r + x) - lgamma(r) + r * numpy.log(alpha)
    stays = lgamma(a + b) + lgamma(b + x) - lgamma(b) - lgamma(a + b + x) - (r + x) * numpy.log(alpha + age)
    repeats = numpy.maximum(x, 1)
    left = (
        numpy.log(a) - numpy.log(b + repeats - 1) - (r + x) * numpy.log(alpha + last)
        + lgamma(a + b) + lgamma(b + x) - lgamma(b) - lgamma(a + b + x)
    )  # fmt: skip
    return common + numpy.where(x > 0, numpy.logaddexp(stays, left), stays)


def fit_money(buyers: Sequence[Buyer]) -> MoneyFit:
    """Gamma-gamma over the customers with a repeat order that has a value; raise CannotFit as `fit_orders`."""
    priced = [(one.repeat_orders, one.mean) for one in buyers if one.repeat_orders and one.mean is not None]
    _check_enough(len(priced))
    with_numbers = numerics.load()
    numpy, lgamma = with_numbers.numpy, with_numbers.special.gammaln
    x, mean = (numpy.array(column, dtype=float) for column in zip(*priced, strict=True))

    def minus(p: float, q: float, gamma: float) -> Any:
        made = lgamma(p * x + q) - lgamma(p * x) - lgamma(q)
        return -(
            made + q * numpy.log(gamma) + (p * x - 1) * numpy.log(mean) + p * x * numpy.log(x)
            - (p * x + q) * numpy.log(gamma + mean * x)
        ).sum()  # fmt: skip

    (p, q, gamma), _ = numerics.maximised(with_numbers, minus, (2.0, 2.0, float(mean.mean())))
    return MoneyFit(model=GammaGamma(p=p, q=q, gamma=gamma), customers=len(priced))


def _check_enough(repeating: int) -> None:
    if repeating < FEWEST_REPEATS:
        raise CannotFit(f"{repeating} customers ordered again; a fit takes {FEWEST_REPEATS}")
