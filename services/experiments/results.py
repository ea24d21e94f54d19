"""What the variants of a journey's splits did: kept counts and kept sums, made a report."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from journeys.program.nodes import SplitNode
from journeys.program.program import Program
from services.experiments import comparison, looks, sentences
from services.experiments.comparison import VariantCounts
from services.installation import installation_settings
from services.statistics.bootstrap import Amounts
from store.queries.definitions import experiments
from store.queries.figures import counts, currency_rates, variant_revenue
from store.tables.splits import Experiment
from value import exchange, money
from value.exchange import DayOfCurrency


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedSplits:
    """What was counted of the splits of a journey: by split and variant, those included that an edit removed.

    `currency` is the main one of the settings, `missing` the currencies and days without a rate in it, by split.
    """

    variants: Mapping[str, Mapping[str, VariantCounts]]
    currency: str | None
    missing: Mapping[str, set[DayOfCurrency]]


def of_program(session: Session, program: Program) -> list[dict[str, Any]]:
    """Every split of a program as an experiment, in the order written; what it returns is JSON."""
    nodes = looks.splits(program)
    if not nodes:
        return []
    known, counted = experiments.of_journey(session, program.journey), everything_counted(session, program.journey)
    return [_shown(node, counted, known.get(node.key)) for node in nodes]


def variants(session: Session, node: SplitNode, journey: str) -> list[VariantCounts]:
    """What the variants that a split has today did."""
    return in_order(node, everything_counted(session, journey).variants.get(node.key, {}))


def everything_counted(session: Session, journey: str) -> CountedSplits:
    """Customers, conversions and amounts of every variant of a journey.

    Amounts are in the main currency alone where all those of a split have a sum there, else by currency.
    """
    customers, expected = _assigned(counts.runs(session, journey, counts.ASSIGNED))
    converted = counts.runs(session, journey, counts.VARIANT_CONVERTED)
    paid = variant_revenue.paid(session, journey)
    main = installation_settings.load(session).main_currency if paid else None
    missing, in_main = _in_main(session, journey, paid, main) if main is not None else ({}, {})
    found: defaultdict[str, dict[str, VariantCounts]] = defaultdict(dict)
    for split, variant in {*customers, *expected}:
        together = main is not None and not missing.get(split)
        found[split][variant] = VariantCounts(
            name=variant,
            customers=customers[split, variant],
            converted=converted.get(counts.of_variant(split, variant), 0),
            expected=expected[split, variant],
            amounts=in_main.get((split, variant), {}) if together else _by_currency(paid.get((split, variant), {})),
        )
    return CountedSplits(variants=found, currency=main, missing=missing)


Paid = Mapping[str, Sequence[tuple[int, int]]]
"""By currency buckets of customers who paid about as much: how many, and what they paid together."""


def _by_currency(paid: Paid) -> dict[str, Amounts]:
    return {
        currency: {money.amount_of(units, currency) / times: times for times, units in buckets}
        for currency, buckets in paid.items()
    }


def _in_main(
    session: Session, journey: str, paid: Mapping[tuple[str, str], Paid], main: str
) -> tuple[Mapping[str, set[DayOfCurrency]], Mapping[tuple[str, str], Mapping[str, Amounts]]]:
    """By split what has no rate, and by split and variant what its customers spent in the main currency.

    The sum is that of each day at its rate. How it is spread over customers is told by what they paid in each currency,
    at the mean of the rates, as if whoever paid in two had paid about as much in each.
    """
    if {currency for those in paid.values() for currency in those} <= {main}:
        return {}, {arm: _by_currency(those) for arm, those in paid.items()}
    by_day, paying = variant_revenue.by_day(session, journey), variant_revenue.paying(session, journey)
    rates = currency_rates.known(session, main, {one for those in by_day.values() for one in those if one[0] != main})
    missing, found = defaultdict[str, set[DayOfCurrency]](set), dict[tuple[str, str], Mapping[str, Amounts]]()
    for arm, amounts in by_day.items():
        missing[arm[0]] |= exchange.without_rate(amounts, rates, main)
        whole = exchange.in_main(amounts, rates, main)
        if whole is not None:
            worth = exchange.by_currency_in_main(amounts, rates, main)
            found[arm] = {main: _spread(paid.get(arm, {}), worth, whole, paying.get(arm, 0))}
    return missing, found


def _spread(paid: Paid, worth: Mapping[str, Decimal], whole: Decimal, paying: int) -> Amounts:
    """What so many customers paid in each currency as amounts of the main one, which add up to the whole."""
    sums, times = sum(worth.values()), sum(one for buckets in paid.values() for one, _ in buckets)
    rounded, each = whole / sums if sums else Decimal(1), Decimal(times) / paying if paying else Decimal(1)
    found: defaultdict[float, float] = defaultdict(float)
    for currency, buckets in paid.items():
        units = sum(one for _, one in buckets)
        rate = worth[currency] * rounded / units if units else Decimal(0)
        for one, brought in buckets:
            found[float(brought * rate / one * each)] += float(one / each)
    return found


def _assigned(labels: Mapping[str, int]) -> tuple[Counter[tuple[str, str]], defaultdict[tuple[str, str], float]]:
    """Customers by split and variant, and how many the weights of their day would have sent there."""
    customers, expected = Counter[tuple[str, str]](), defaultdict[tuple[str, str], float](float)
    for label, count in labels.items():
        split, variant, by = label.split("|")
        customers[split, variant] += count
        weights = {name: int(weight) for name, weight in (one.split("=") for one in by.split(","))}
        for name, weight in weights.items():
            expected[split, name] += count * weight / sum(weights.values())
    return customers, expected


def in_order(node: SplitNode, counted: Mapping[str, VariantCounts]) -> list[VariantCounts]:
    """The variants that the split has, in the order written; nobody was given one that is not counted."""
    return [
        VariantCounts(
            name=one.name,
            holdout=one.holdout,
            customers=known.customers,
            converted=known.converted,
            expected=known.expected,
            amounts=known.amounts,
        )
        for one in node.variants
        for known in [counted.get(one.name, VariantCounts(name=one.name))]
    ]


def _shown(node: SplitNode, counted: CountedSplits, kept: Experiment | None) -> dict[str, Any]:
    those = in_order(node, counted.variants.get(node.key, {}))
    lift, needed = comparison.lift(node.key, those), comparison.still_needed(those) if len(those) > 1 else None
    missing = counted.missing.get(node.key)
    return {
        "split": node.key,
        "main_currency": counted.currency,
        "confidence": comparison.CONFIDENCE,
        "variants": comparison.figures(node.key, those),
        "lift": lift,
        "needed": needed,
        "mismatch": comparison.mismatch(those),
        "winner": node.winner or (kept.winner if kept else None),
        "decided_at": kept.decided_at if kept and not node.winner else None,
        "decided_by": kept.by if kept and not node.winner else None,
        "next_look_at": kept.next_look_at if kept else None,
        "told": [
            *sentences.told(those, lift, needed),
            *(sentences.worth(lift) if lift else ()),
            *([exchange.without_sum(counted.currency, missing)] if counted.currency and missing else ()),
        ],
    }
