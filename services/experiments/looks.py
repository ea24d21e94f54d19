"""When a split that decides itself is looked at."""

from datetime import datetime

from sqlmodel import Session

from journeys.program.nodes import DecideRule, SplitNode
from journeys.program.program import Program
from store.queries.definitions import experiments
from store.tables.splits import Experiment


def splits(program: Program) -> list[SplitNode]:
    """The splits of a program, by their ids."""
    return sorted((one for one in program.nodes.values() if isinstance(one, SplitNode)), key=lambda one: one.key)


def begin(session: Session, program: Program, now: datetime) -> None:
    """What a publish makes of the looks: a split that decides itself from now on, by another rule, or no more."""
    known = experiments.of_journey(session, program.journey) if splits(program) else {}
    for node in splits(program):
        rule, kept = node.decide, known.get(node.key)
        if rule is None and (kept is None or kept.next_look_at is None):
            continue
        kept = kept or Experiment(journey=program.journey, split=node.key, began_at=now)
        undecided = kept.winner is None and node.winner is None
        kept.next_look_at = next_after(kept, rule) if rule is not None and undecided else None
        session.add(kept)


def next_after(kept: Experiment, rule: DecideRule) -> datetime:
    """The instant of the next look: the first comes `after` so long, each further one when twice as much is over."""
    return kept.began_at + rule.after * 2**kept.looks
