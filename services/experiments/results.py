"""What the variants of a journey's splits did: kept counts and the amounts of those who converted, made a report."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from journeys.program.nodes import SplitNode
from journeys.program.program import Program
from services.experiments import comparison, looks, sentences
from services.experiments.comparison import VariantCounts
from services.installation import installation_settings
from store.queries import counts, currency_rates, experiments
from store.tables.splits import Experiment
from value import exchange, goal_revenue, money
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
    spent = _spent(session, journey)
    main = installation_settings.load(session).main_currency if spent else None
    missing, amounts = _in_main(session, spent, main) if main is not None else ({}, {})
    found: defaultdict[str, dict[str, VariantCounts]] = defaultdict(dict)
    for split, variant in {*customers, *expected}:
        by_currency = _by_currency(spent.get((split, variant), ()))
        found[split][variant] = VariantCounts(
            name=variant,
            customers=customers[split, variant],
            converted=converted.get(counts.of_variant(split, variant), 0),
            expected=expected[split, variant],
            amounts=by_currency if main is None or missing.get(split) else {main: amounts.get((split, variant), [])},
        )
    return CountedSplits(variants=found, currency=main, missing=missing)


Spent = Mapping[tuple[str, str], Sequence[Mapping[DayOfCurrency, int]]]
"""By split and variant what each customer who spent something did spend, by currency and day."""


def _spent(session: Session, journey: str) -> Spent:
    found: defaultdict[tuple[str, str], list[Mapping[DayOfCurrency, int]]] = defaultdict(list)
    for split, variant, kept in experiments.revenue(session, journey):
        by_day = goal_revenue.by_day(kept)
        if any(by_day.values()):
            found[split, variant].append(by_day)
    return found


def _by_currency(those: Sequence[Mapping[DayOfCurrency, int]]) -> dict[str, list[float]]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for by_day in those:
        for currency, units in exchange.by_currency(by_day).items():
            found[currency].append(money.amount_of(units, currency))
    return dict(found)


def _in_main(
    session: Session, spent: Spent, main: str
) -> tuple[Mapping[str, set[DayOfCurrency]], Mapping[tuple[str, str], list[float]]]:
    """By split what has no rate, and by split and variant what each customer spent in the main currency."""
    wanted = {one for those in spent.values() for by_day in those for one in by_day if one[0] != main}
    rates = currency_rates.known(session, main, wanted)
    missing, amounts = defaultdict[str, set[DayOfCurrency]](set), defaultdict[tuple[str, str], list[float]](list)
    for (split, variant), those in spent.items():
        for by_day in those:
            missing[split] |= exchange.without_rate(by_day, rates, main)
            worth = exchange.in_main(by_day, rates, main)
            amounts[split, variant] += [float(worth)] if worth else []
    return missing, amounts


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
