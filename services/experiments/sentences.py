"""An experiment in plain sentences, for whoever reads no statistics: of a split, or of the control group."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.experiments import comparison
from services.experiments.comparison import CONFIDENCE, VariantCounts
from services.statistics import proportions
from value import money


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What is called how: by what customers were divided, and what is done to those who are not held back."""

    nobody: str
    uneven: str
    one: str
    cause: str
    nobody_held_back: str


SPLIT = Wording(
    nobody="Nobody has come to this split yet.",
    uneven="Customers did not come to the variants as the weights say",
    one="variant",
    cause="the split",
    nobody_held_back=(
        "No variant holds anybody back, so this compares variants with each other and cannot tell what would have "
        "happened without them."
    ),
)

CONTROL_GROUP = Wording(
    nobody="No customer has an address yet.",
    uneven="Customers are not in the two groups as the size of the control group says",
    one="group",
    cause="marketing mail",
    nobody_held_back="One of the two groups is empty so far, so nothing tells what mail causes.",
)


def told(
    those: Sequence[VariantCounts], lift: dict[str, Any] | None, needed: int | None, wording: Wording = SPLIT
) -> list[str]:
    """What the numbers say, the most important first."""
    if not any(one.customers for one in those):
        return [wording.nobody]
    return [*_warned(those, wording), *_compared(those), *_early(those, needed, wording), _caused(lift, wording)]


def _warned(those: Sequence[VariantCounts], wording: Wording) -> Iterator[str]:
    if not comparison.fits(those):
        yield (
            f"{wording.uneven} (by chance in {comparison.mismatch(those):.2g} of such tests): something loses those of "
            f"one {wording.one}. Do not trust the comparison before it is found."
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


def _early(those: Sequence[VariantCounts], needed: int | None, wording: Wording) -> Iterator[str]:
    if len(those) > 1 and needed != 0:
        many = "nobody can say how many more" if needed is None else f"about {needed:,} more"
        yield (
            f"This is an early look: it takes {many} customers in a {wording.one} to tell such a difference from "
            "chance, and a difference that shows before often goes away again."
        )


def _caused(lift: dict[str, Any] | None, wording: Wording) -> str:
    if lift is None:
        return wording.nobody_held_back
    found = lift["conversion"]
    return (
        f"Against those who are held back ({lift['n']:,} customers), {wording.cause} changes conversion by "
        f"{points(found['by'])} points ({CONFIDENCE:.0%}: {points(found['low'])} to {points(found['high'])})"
        f"{_verdict(found)}."
    )


def worth(lift: Mapping[str, Any]) -> Iterator[str]:
    """What it changes of the revenue per customer, a sentence for each currency."""
    for found in lift["revenue"]:
        by, low, high = (money.figure(found[name], found["currency"], "+") for name in ("by", "low", "high"))
        yield (
            f"It changes what a customer spends by {by} {found['currency']} ({CONFIDENCE:.0%}: {low} to {high})"
            f"{_verdict(found)}."
        )


def _verdict(found: Mapping[str, Any]) -> str:
    return "" if found["low"] > 0 or found["high"] < 0 else ", which may be none at all"


def _share(one: VariantCounts) -> str:
    return f"{one.name} converts {one.conversion.rate:.1%} of {one.customers:,}"


def points(share: float) -> str:
    """A difference of shares in points: 0.031 is +3.1."""
    return f"{share * 100:+.1f}"
