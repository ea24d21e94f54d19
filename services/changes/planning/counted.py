"""How many become of each kind, and of each kind between each two places: added up page by page, kept as JSON."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from journeys.changes.outcomes import DANGEROUS, SOON, AlikeOutcomes, PlaceOutcome
from journeys.changes.sentences import warning

EXAMPLES = 5
"""Enrollments that are named of each change."""

TOLERANCE = 0.01
"""How much a harmless kind may have changed since it was counted, as a part of all who are under way."""

_CHANGE: TypeAdapter[AlikeOutcomes] = TypeAdapter(AlikeOutcomes)


@dataclass(slots=True)
class CountedChanges:
    """The counts so far. `soon` is how many act within SOON who did not before."""

    kinds: Counter[str] = field(default_factory=Counter[str])
    changes: dict[AlikeOutcomes, tuple[int, list[str]]] = field(
        default_factory=dict[AlikeOutcomes, tuple[int, list[str]]]
    )
    soon: int = 0

    def add(self, enrollment: str, outcome: PlaceOutcome, now: datetime) -> None:
        """One more enrollment, by its id."""
        self.kinds[outcome.kind] += 1
        count, examples = self.changes.get(outcome.change, (0, []))
        self.changes[outcome.change] = count + 1, [*examples, enrollment][:EXAMPLES]
        self.soon += acts_soon(outcome, now)

    def remove(self, enrollment: str, change: AlikeOutcomes, *, soon: bool) -> None:
        """It was counted under this change, and has to be counted anew."""
        self.kinds[change.kind] -= 1
        count, examples = self.changes.get(change, (0, []))
        self.changes[change] = count - 1, [one for one in examples if one != enrollment]
        self.soon -= soon

    def as_json(self) -> dict[str, Any]:
        """As a plan tells it; the most frequent change first."""
        found = [one for one in self.changes.items() if one[1][0]]
        ordered = sorted(found, key=lambda one: (-one[1][0], one[0].kind))
        told = [(warning(count, change), change) for change, (count, _) in ordered]
        return {
            "live": self.kinds.total(),
            "kinds": dict(+self.kinds),
            "changes": [_change(change, count, examples) for change, (count, examples) in ordered],
            "due_within_an_hour": self.soon,
            "warnings": [sentence for sentence, _ in told if sentence],
        }

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> "CountedChanges":
        """What `as_json` has written; nothing of nothing."""
        found = CountedChanges(kinds=Counter(kept.get("kinds", {})), soon=kept.get("due_within_an_hour", 0))
        for one in kept.get("changes", ()):
            own = {name: value for name, value in one.items() if name not in ("count", "examples")}
            change = _CHANGE.validate_python({**own, "was": own.pop("from")} if "from" in own else own)
            found.changes[change] = one["count"], list(one["examples"])
        return found


def acts_soon(outcome: PlaceOutcome, now: datetime) -> bool:
    """Whether it acts within SOON, and did not before."""
    before, after = outcome.acts
    acts = outcome.state is not None and not outcome.state.paused
    return acts and after != before and after is not None and after <= now + SOON


def _change(change: AlikeOutcomes, count: int, examples: list[str]) -> dict[str, Any]:
    told = {name: value for name, value in asdict(change).items() if value not in (None, ()) and name != "was"}
    return {"kind": told.pop("kind"), "from": asdict(change.was), **told, "count": count, "examples": examples}


def drifted(counted: Mapping[str, int], now: Mapping[str, int]) -> list[str]:
    """The kinds that have changed since they were counted: a dangerous one at all, a harmless one beyond TOLERANCE."""
    everybody = max(1, sum(counted.values()))
    kinds = sorted({*counted, *now})
    gap = {kind: abs(counted.get(kind, 0) - now.get(kind, 0)) for kind in kinds}
    return [kind for kind in kinds if gap[kind] > (0 if kind in DANGEROUS else TOLERANCE * everybody)]
