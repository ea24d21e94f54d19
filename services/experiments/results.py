"""What the variants of a journey's splits did: kept counts and the amounts of those who converted, made a report."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from journeys.program.nodes import SplitNode
from journeys.program.program import Program
from services.experiments import comparison, looks, sentences
from services.experiments.comparison import VariantCounts
from store.queries import counts, experiments
from store.queries.experiments import Amounts
from store.tables.splits import Experiment


def of_program(session: Session, program: Program) -> list[dict[str, Any]]:
    """Every split of a program as an experiment, in the order written; what it returns is JSON."""
    nodes = looks.splits(program)
    if not nodes:
        return []
    known, counted = experiments.of_journey(session, program.journey), everything_counted(session, program.journey)
    return [_shown(node, counted[node.key], known.get(node.key)) for node in nodes]


def variants(session: Session, node: SplitNode, journey: str) -> list[VariantCounts]:
    """What the variants that a split has today did."""
    return in_order(node, everything_counted(session, journey)[node.key])


def everything_counted(session: Session, journey: str) -> Mapping[str, Mapping[str, VariantCounts]]:
    """By split and variant, those included that an edit removed."""
    customers, expected = _assigned(counts.runs(session, journey, counts.ASSIGNED))
    converted = counts.runs(session, journey, counts.VARIANT_CONVERTED)
    amounts: Amounts = experiments.amounts(session, journey)
    found: defaultdict[str, dict[str, VariantCounts]] = defaultdict(dict)
    for split, variant in {*customers, *expected}:
        found[split][variant] = VariantCounts(
            name=variant,
            customers=customers[split, variant],
            converted=converted.get(counts.of_variant(split, variant), 0),
            expected=expected[split, variant],
            amounts={name: list(each) for name, each in amounts.get((split, variant), {}).items()},
        )
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


def _shown(node: SplitNode, counted: Mapping[str, VariantCounts], kept: Experiment | None) -> dict[str, Any]:
    those = in_order(node, counted)
    lift, needed = comparison.lift(node.key, those), comparison.still_needed(those) if len(those) > 1 else None
    return {
        "split": node.key,
        "confidence": comparison.CONFIDENCE,
        "variants": comparison.figures(node.key, those),
        "lift": lift,
        "needed": needed,
        "mismatch": comparison.mismatch(those),
        "winner": node.winner or (kept.winner if kept else None),
        "decided_at": kept.decided_at if kept and not node.winner else None,
        "decided_by": kept.by if kept and not node.winner else None,
        "next_look_at": kept.next_look_at if kept else None,
        "told": sentences.told(those, lift, needed),
    }
