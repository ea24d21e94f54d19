"""Counts on a map: figures; or, on a page, links to those who are counted, which follow the counts as they change."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from pictures import svg
from pictures.shapes import Edge
from pictures.svg import label, tag

LIVE = "*"
"""The name of the count of everybody who is under way: no stage has it."""

SIZE = 11.0
"""Pixels of a count's letters."""


def named(standing: Mapping[tuple[str, str], int], flows: Mapping[Edge, int]) -> dict[str, str]:
    """Every count as it is shown, by the name under which a page follows it: of everybody, a stage, a step, a way.

    A stage's key has neither a space nor `>`, so no two names are the same.
    """
    counts: dict[str, int] = {LIVE: sum(standing.values())}
    for (stage, step), count in standing.items():
        counts[stage] = counts.get(stage, 0) + count
        if step:
            counts[f"{stage} {step}"] = count
    counts |= {f"{source}->{target}": count for (source, target), count in flows.items()}
    return {name: f"{count:,}" for name, count in counts.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class MapCounts:
    """How many stand at each stage and step ("" is resting), and how many moved; None: nothing is counted.

    `listed` is the address of the list of those who are under way; without it the counts are figures and no links.
    """

    standing: Mapping[tuple[str, str], int] | None = None
    flows: Mapping[Edge, int] | None = None
    listed: str | None = None

    def of_stage(self, stage: str) -> int:
        """How many stand in a stage."""
        return sum(count for (key, _), count in (self.standing or {}).items() if key == stage)

    def width_of_stage(self, stage: str) -> float:
        """Pixels that the count of a stage takes in its head; 0 where nothing is counted."""
        return svg.width_of(f"{self.of_stage(stage):,}", SIZE) if self.standing is not None else 0.0

    def width_of_step(self, stage: str, step: str | None) -> float:
        """Pixels that the count of a step takes; 0 where nobody stands there."""
        count = self._of_step(stage, step)
        return svg.width_of(f"{count:,}", SIZE) if count else 0.0

    def at_stage(self, x: float, y: float, stage: str) -> str:
        """The count of a stage, which ends at this place."""
        if self.standing is None:
            return ""
        return self._count(x, y, self.of_stage(stage), {"stage": stage}, stage, stage)

    def at_step(self, x: float, y: float, stage: str, step: str | None) -> str:
        """The count of a step; where nobody stands there, only what a page shows once somebody does."""
        count = self._of_step(stage, step)
        if step is None or not (count or (self.listed and self.standing is not None)):
            return ""
        return self._count(x, y, count, {"stage": stage, "step": step}, f"{stage} {step}", step)

    def on_way(self, edge: Edge) -> str | None:
        """How many went a way; None where nobody did."""
        return f"{self.flows[edge]:,}" if self.flows and edge in self.flows else None

    def name_of_way(self, edge: Edge) -> str | None:
        """Under which a page follows how many went it."""
        return "->".join(edge) if self.listed else None

    def _of_step(self, stage: str, step: str | None) -> int:
        return (self.standing or {}).get((stage, step), 0) if step else 0

    def _count(self, x: float, y: float, count: int, place: Mapping[str, str], name: str, where: str) -> str:
        shown = {"class_": "count", "text_anchor": "end"}
        if self.listed is None:
            return label(x, y, f"{count:,}", **shown)
        figure = label(x, y, f"{count:,}", data_count=name, **shown)
        kind = "figure" if "step" not in place else "figure of-step" + ("" if count else " nobody")
        return tag(
            "a", figure, href=f"{self.listed}?{urlencode(place)}", class_=kind, aria_label=f"{count:,} at {where}"
        )
