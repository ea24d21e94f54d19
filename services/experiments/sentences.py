"""An experiment in plain sentences, for whoever reads no statistics."""

from collections.abc import Iterator, Sequence
from typing import Any

from services.experiments import comparison
from services.experiments.comparison import CONFIDENCE, VariantCounts
from services.statistics import proportions


def told(those: Sequence[VariantCounts], lift: dict[str, Any] | None, needed: int | None) -> list[str]:
    """What the numbers say, the most important first."""
    if not any(one.customers for one in those):
        return ["Nobody has come to this split yet."]
    return [*_warned(those), *_compared(those), *_early(those, needed), _caused(those, lift)]


def _warned(those: Sequence[VariantCounts]) -> Iterator[str]:
    if not comparison.fits(those):
        yield (
            "Customers did not come to the variants as the weights say (by chance in "
            f"{comparison.mismatch(those):.2g} of such tests): something loses those of one variant. Do not trust the "
            "comparison before it is found."
        )


def _compared(those: Sequence[VariantCounts]) -> Iterator[str]:
    if len(those) < 2:
        return
    first, second = comparison.ranked(those)[:2]
    found = proportions.difference(first.conversion, second.conversion, CONFIDENCE)
    by = first.conversion.rate - second.conversion.rate
    verdict = f"so {first.name} is better" if found.excludes_zero else "so it may be chance"
    yield (
        f"{_share(first)}, {_share(second)}: a difference of {points(by)} points "
        f"({CONFIDENCE:.0%}: {points(found.low)} to {points(found.high)}), {verdict}."
    )


def _early(those: Sequence[VariantCounts], needed: int | None) -> Iterator[str]:
    if len(those) > 1 and needed != 0:
        many = "nobody can say how many more" if needed is None else f"about {needed:,} more"
        yield (
            f"This is an early look: it takes {many} customers in a variant to tell such a difference from chance, and "
            "a difference that shows before often goes away again."
        )


def _caused(those: Sequence[VariantCounts], lift: dict[str, Any] | None) -> str:
    if lift is None:
        return (
            "No variant holds anybody back, so this compares variants with each other and cannot tell what would have "
            "happened without them."
        )
    found = lift["conversion"]
    verdict = "" if found["low"] > 0 or found["high"] < 0 else ", which may be none at all"
    return (
        f"Against those who are held back ({lift['n']:,} customers), the split changes conversion by "
        f"{points(found['by'])} points ({CONFIDENCE:.0%}: {points(found['low'])} to {points(found['high'])}){verdict}."
    )


def _share(one: VariantCounts) -> str:
    return f"{one.name} converts {one.conversion.rate:.1%} of {one.customers:,}"


def points(share: float) -> str:
    """A difference of shares in points: 0.031 is +3.1."""
    return f"{share * 100:+.1f}"
