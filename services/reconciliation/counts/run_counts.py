"""The counts that outlive the runs they count (goals, dates nobody could tell, variants), against what is on record.

Decisions tell of goals and dates, and the variants that customers have of the rest. Who was erased is counted still,
and so is whoever has become one with another; where a journey has such, only a count below what is on record differs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial

from sqlmodel import Session

from services.definitions.journey_versions import journeys
from services.experiments import looks
from services.reconciliation.counts.kept_counts import WrongCount, missing_counts
from services.reconciliation.differences import DifferenceKind
from store.queries.definitions import journeys as journey_rows
from store.queries.figures import counts
from store.queries.recounting import journey_recounts, run_recounts
from store.queries.recounting.journey_recounts import CountLabels, LabelCounts

_TOLD = {
    counts.CONVERTED: DifferenceKind.CONVERSION_COUNT,
    counts.DATE_UNKNOWN: DifferenceKind.UNKNOWN_DATE_COUNT,
}
"""Counts that decisions tell of, by their labels as they stand."""


def wrong_counts(session: Session, journey: str) -> list[WrongCount]:
    """Every count of a journey's runs that differs."""
    gone = journey_recounts.erased(session, journey) > 0
    told, wrong = run_recounts.told(session, journey), partial(_wrong, journey)
    found = [
        wrong(kind, name, missing_counts(_of(told, name), _kept(session, journey, name), at_least=gone))
        for name, kind in _TOLD.items()
    ]
    given = run_recounts.given(session, journey)
    gone = gone or run_recounts.have_merged(session, journey)
    kept = _kept(session, journey, counts.VARIANT_CONVERTED)
    missing = missing_counts(_labelled(_of(given, counts.VARIANT_CONVERTED)), kept, at_least=gone)
    found.append(wrong(DifferenceKind.VARIANT_CONVERSION_COUNT, counts.VARIANT_CONVERTED, missing))
    missing = _missing_variants(session, journey, _of(given, counts.ASSIGNED), at_least=gone)
    found.append(wrong(DifferenceKind.VARIANT_COUNT, counts.ASSIGNED, missing))
    return [one for one in found if one.missing]


def _wrong(journey: str, kind: DifferenceKind, name: str, missing: Mapping[CountLabels, int]) -> WrongCount:
    of = {"journey": journey, "name": name}
    return WrongCount(
        kind=kind, place=journey, table=journey_recounts.RUNS, names=("label",), missing=missing, fixed=of
    )


def _kept(session: Session, journey: str, name: str) -> LabelCounts:
    return journey_recounts.kept(session, journey_recounts.RUNS, journey, ("label",), name=name)


def _of(found: LabelCounts, name: str) -> LabelCounts:
    return Counter({labels[1:]: count for labels, count in found.items() if labels[0] == name})


def _labelled(variants: LabelCounts) -> LabelCounts:
    return Counter({(counts.of_variant(split, variant),): count for (split, variant), count in variants.items()})


# -- variants by the weights that they were given by -------------------------------------------------------------------


def _missing_variants(session: Session, journey: str, given: LabelCounts, *, at_least: bool) -> dict[CountLabels, int]:
    """Of each variant what is to be added, to the label of it by which most are counted.

    By which weights somebody was given a variant stands in the count alone, so variants are compared over all weights.
    """
    kept = _kept(session, journey, counts.ASSIGNED)
    weights, sums = _weights(kept), Counter[CountLabels]()
    for (label,), count in kept.items():
        split, variant, _ = label.split("|")
        sums[split, variant] += count
    found = dict[CountLabels, int]()
    for (split, variant), by in missing_counts(given, sums, at_least=at_least).items():
        known = weights.get((split, variant)) or _other(weights, split) or _published(session, journey, split, variant)
        found |= dict(_spread(kept, f"{split}|{variant}|", known, by))
    return found


def _weights(kept: LabelCounts) -> dict[tuple[str, str], str]:
    """The weights by which most were given a variant, by split and variant."""
    found = dict[tuple[str, str], str]()
    for (label,), _ in sorted(kept.items(), key=lambda one: one[1]):
        split, variant, by = label.split("|")
        found[split, variant] = by
    return found


def _other(weights: Mapping[tuple[str, str], str], split: str) -> str | None:
    """Those by which another variant of the split was given."""
    return next((by for (of, _), by in weights.items() if of == split), None)


def _published(session: Session, journey: str, split: str, variant: str) -> str:
    """Those of the newest version that has the split with this variant; the variant alone where none has it."""
    digests = journey_rows.firsts(session, journey, journey_rows.digests(session, journey))
    for digest in sorted(digests, key=lambda one: -digests[one]):
        for node in looks.splits(journeys.compiled(session, digest)):
            if node.key == split and variant in {one.name for one in node.variants}:
                return counts.of_variant(split, variant, {one.name: one.weight for one in node.variants}).split("|")[2]
    return f"{variant}=1"


def _spread(kept: LabelCounts, prefix: str, weights: str, by: int) -> Iterator[tuple[CountLabels, int]]:
    """What is missing goes to these weights; what is too much is taken from the labels that have most, down to 0."""
    if by > 0:
        yield (prefix + weights,), by
        return
    for labels, count in sorted(kept.items(), key=lambda one: -one[1]):
        if labels[0].startswith(prefix) and by < 0:
            take = max(by, -count)
            yield labels, take
            by -= take
