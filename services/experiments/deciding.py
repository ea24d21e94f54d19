"""How an experiment ends: by a person's word, or by itself at a look that is sure enough. Both are for ever."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.program.nodes import SplitNode
from journeys.program.program import Program
from services.access import audit_log
from services.errors import InvalidInput, NotFound, Refused
from services.experiments import comparison, looks, results
from store.queries.definitions import experiments
from store.tables.splits import Experiment

ITSELF = "itself"
"""Who decided it, where no person did."""


def decide(session: Session, program: Program, split: str, winner: str, by: str, now: datetime) -> Experiment:
    """Take a variant for the winner: whoever comes to the split from now on gets it.

    Raise NotFound where the journey has no such split, InvalidInput where it has no such variant, Refused where it is
    decided already for another one.
    """
    node = next((one for one in looks.splits(program) if one.key == split), None)
    if node is None:
        raise NotFound(f"the journey {program.journey!r} has no split {split!r}")
    names = [one.name for one in node.variants]
    if winner not in names:
        raise InvalidInput(f"the split {split!r} has no variant {winner!r}; it has {', '.join(names)}", "winner")
    if node.winner is not None:
        raise Refused(f"the definition decides the split {split!r}: its winner is {node.winner!r}")
    kept = experiments.of_journey(session, program.journey).get(split)
    kept = kept or Experiment(journey=program.journey, split=split, began_at=now)
    if kept.winner not in (None, winner):
        raise Refused(f"the split {split!r} is decided already, for {kept.winner!r}; write `winner:` in the definition")
    return kept if kept.winner == winner else _closed(session, kept, winner, by, {}, now)


def look(session: Session, program: Program | None, kept: Experiment, now: datetime) -> None:
    """Look at one whose time has come; `program` is the live one of its journey, None where that is live no more."""
    node = next((one for one in looks.splits(program) if one.key == kept.split), None) if program else None
    if node is None or node.decide is None or node.winner is not None:
        kept.next_look_at = None
        session.add(kept)
        return
    kept.looks += 1
    kept.next_look_at = looks.next_after(kept, node.decide)
    those = results.variants(session, node, kept.journey)
    best = comparison.winner(node.key, those, node.decide.by, node.decide.confidence, kept.looks)
    if best is None:
        session.add(kept)
    else:
        _closed(session, kept, best.name, ITSELF, _why(node, those, kept.looks), now)


def _why(node: SplitNode, those: list[comparison.VariantCounts], count: int) -> Mapping[str, Any]:
    assert node.decide is not None
    seen = {one.name: {"customers": one.customers, "converted": one.converted} for one in those}
    return {"by": node.decide.by, "confidence": node.decide.confidence, "look": count, "variants": seen}


def _closed(
    session: Session, kept: Experiment, winner: str, by: str, why: Mapping[str, Any], now: datetime
) -> Experiment:
    kept.winner, kept.decided_at, kept.by, kept.why, kept.next_look_at = winner, now, by, dict(why), None
    session.add(kept)
    after = {"split": kept.split, "winner": winner, **why}
    audit_log.record(session, by, "decided", "journey", kept.journey, now, None, after)
    return kept
