"""The variants of one split beside each other: what each did, what the mails bring, whether one is the best.

It is told counts and amounts, and must not know where they come from. A rate never stands without its n.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from services.statistics import best_of, bootstrap, proportions, shares
from services.statistics.bootstrap import Amounts
from services.statistics.proportions import Interval, Proportion

CONFIDENCE = 0.95
"""Of the intervals that a report shows."""

Measure = Literal["conversion", "revenue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantCounts:
    """What is known of a variant: how many were given it, how many of them converted, and what each was worth.

    `amounts` are by currency, of each customer who spent something. `expected` is how many the weights would have sent
    to it.
    """

    name: str
    holdout: bool = False
    customers: int = 0
    converted: int = 0
    expected: float = 0.0
    amounts: Mapping[str, Amounts] = field(default_factory=dict[str, Amounts])

    @property
    def conversion(self) -> Proportion:
        """The share who converted."""
        return Proportion(count=self.converted, n=self.customers)

    def means(self, split: str, currency: str) -> list[float]:
        """Drawn means of the revenue per customer."""
        return bootstrap.means(self.amounts.get(currency, {}), self.customers, f"{split}|{self.name}|{currency}")


def together(those: Sequence[VariantCounts], name: str) -> VariantCounts:
    """Several variants as one."""
    currencies = {currency for one in those for currency in one.amounts}
    return VariantCounts(
        name=name,
        customers=sum(one.customers for one in those),
        converted=sum(one.converted for one in those),
        amounts={name: _added(one.amounts.get(name, {}) for one in those) for name in currencies},
    )


def _added(those: Iterable[Amounts]) -> Amounts:
    found: defaultdict[float, float] = defaultdict(float)
    for one in those:
        for amount, times in one.items():
            found[amount] += times
    return found


def mismatch(those: Sequence[VariantCounts]) -> float | None:
    """How often chance makes the shares of the variants as uneven; None where it cannot be told."""
    weighted = [one for one in those if one.expected > 0]
    return shares.chance([one.customers for one in weighted], [one.expected for one in weighted])


def fits(those: Sequence[VariantCounts]) -> bool:
    """Whether customers came to the variants as the weights say, as far as can be told."""
    found = mismatch(those)
    return found is None or found >= shares.MISMATCH


def currencies(those: Sequence[VariantCounts]) -> list[str]:
    """The currencies in which anybody spent something."""
    return sorted({name for one in those for name, amounts in one.amounts.items() if amounts})


def lift(
    split: str, those: Sequence[VariantCounts], held_back: str = "holdout", others: str = "everybody else"
) -> dict[str, Any] | None:
    """What everybody who is not held back does more than who is; None where nobody is, so nothing tells the cause."""
    held = [one for one in those if one.holdout and one.customers]
    rest = [one for one in those if not one.holdout and one.customers]
    if not held or not rest:
        return None
    back, sent = together(held, held_back), together(rest, others)
    return {**effect(split, sent, back), "n": back.customers, "of": sent.customers}


def effect(split: str, one: VariantCounts, other: VariantCounts) -> dict[str, Any]:
    """How much more the first does than the other, per customer, in conversion and in each currency."""
    found = proportions.difference(one.conversion, other.conversion, CONFIDENCE)
    more = one.conversion.rate - other.conversion.rate
    return {
        "than": other.name,
        "conversion": {"by": more, **_bounds(found)},
        "revenue": [_revenue_effect(split, one, other, name) for name in currencies([one, other])],
    }


def _revenue_effect(split: str, one: VariantCounts, other: VariantCounts, currency: str) -> dict[str, Any]:
    found = bootstrap.difference(one.means(split, currency), other.means(split, currency), CONFIDENCE)
    return {"currency": currency, "by": mean(one, currency) - mean(other, currency), **_bounds(found)}


def mean(one: VariantCounts, currency: str) -> float:
    """The revenue per customer; 0 of nobody."""
    return bootstrap.total(one.amounts.get(currency, {})) / one.customers if one.customers else 0.0


def figures(split: str, those: Sequence[VariantCounts]) -> list[dict[str, Any]]:
    """Each variant in numbers, in their order, with its chance to be the best at converting."""
    best = best_of.chances([one.conversion for one in those])
    return [_figures(split, one, chance) for one, chance in zip(those, best, strict=True)]


def _figures(split: str, one: VariantCounts, best: float) -> dict[str, Any]:
    return {
        "variant": one.name,
        "holdout": one.holdout,
        "customers": one.customers,
        "converted": one.converted,
        "rate": one.conversion.rate if one.customers else None,
        **_bounds(proportions.interval(one.conversion, CONFIDENCE)),
        "best": best,
        "revenue": [
            {
                "currency": currency,
                "paying": round(sum(one.amounts.get(currency, {}).values())),
                "per_customer": mean(one, currency),
                **_bounds(bootstrap.interval(one.means(split, currency), CONFIDENCE)),
            }
            for currency in currencies([one])
        ],
    }


def _bounds(found: Interval) -> dict[str, float]:
    return {"low": found.low, "high": found.high}


def ranked(those: Sequence[VariantCounts], by: Measure = "conversion") -> list[VariantCounts]:
    """The best first, as far as has been seen; by revenue where all of it is in one currency."""
    (currency, *_) = [*currencies(those), ""]
    value = (lambda one: one.conversion.rate) if by == "conversion" else (lambda one: mean(one, currency))
    return sorted(those, key=value, reverse=True)


def winner(
    split: str, those: Sequence[VariantCounts], by: Measure, confidence: float, look: int
) -> VariantCounts | None:
    """The variant that is better than each other one, with a confidence that all looks share; None where none is.

    The k-th look may be wrong half as often as the one before it, and each comparison with another variant as often
    less as there are comparisons: so a test of equal variants has a winner in at most 1 - `confidence`, however often
    it is looked at. There is none where the shares do not fit the weights, nor by revenue in several currencies.
    """
    if len(those) < 2 or not fits(those) or (by == "revenue" and len(currencies(those)) != 1):
        return None
    best, *others = ranked(those, by)
    level = 1 - (1 - confidence) / 2**look / len(others)
    return best if all(_better(split, best, one, by, level) for one in others) else None


def _better(split: str, one: VariantCounts, other: VariantCounts, by: Measure, level: float) -> bool:
    if by == "conversion":
        return proportions.difference(one.conversion, other.conversion, level).low > 0
    (currency,) = currencies([one, other])
    return bootstrap.difference(one.means(split, currency), other.means(split, currency), level).low > 0


def still_needed(those: Sequence[VariantCounts]) -> int | None:
    """How many more customers the smaller of the two best needs before their difference can be told from chance.

    None where it is none so far: nothing tells how many it would take.
    """
    first, second = ranked(those)[:2]
    enough = proportions.needed(first.conversion.rate, second.conversion.rate, CONFIDENCE)
    return None if enough is None else max(0, enough - min(first.customers, second.customers))
