"""The lifecycle in numbers: who stands where, how customers move, how long they stay.

All of it is counts that are kept, not scanned for.
"""

from typing import Any

from sqlmodel import Session

from services.definitions.journey_versions import journeys as definitions
from services.reports.lifecycle import lifecycle_series
from store.queries.definitions import journeys
from store.queries.figures import counts
from store.tables.definitions import Journey

_UNMEASURED = {"n": 0, "p25_days": None, "median_days": None, "p75_days": None}
"""The quartiles of a stage whose stays were not kept one by one."""


def lifecycle(session: Session, journey: str | None = None) -> dict[str, Any]:
    """Customers per stage and movements between stages, of one journey, or of the lifecycle journey."""
    key = journey or next(iter(journeys.lifecycle_keys(session)), None)
    if key is None:
        return {"journey": None, "stages": {}, "places": [], "steps": [], "movements": {}, "time_in_stage": {}}
    places = _places(session, key)
    order = {one["stage"]: number for number, one in enumerate(places)}
    steps = [
        {"stage": stage, "step": step or None, "count": count}
        for (stage, step), count in sorted(
            counts.steps(session, key).items(), key=lambda one: (order.get(one[0][0], len(order)), one[0])
        )
    ]
    quartiles = lifecycle_series.time_in_stage(session, key)
    stays = {
        stage: {"left": left, "mean_days": round(seconds / left / 86_400, 3), **_UNMEASURED, **quartiles.get(stage, {})}
        for stage, (left, seconds) in counts.stays(session, key).items()
    }
    return {
        "journey": key,
        "stages": {one["stage"]: one["count"] for one in places if one["count"]},
        "places": places,
        "steps": steps,
        "movements": counts.movements(session, key),
        "time_in_stage": stays,
    }


def _places(session: Session, key: str) -> list[dict[str, Any]]:
    """Every stage in the order of the journey, empty ones too; behind them those of former versions with somebody."""
    standing = counts.stages(session, key)
    written = definitions.definition(session, key).stages if session.get(Journey, key) is not None else {}
    places = [
        {
            "stage": name,
            "label": one.label,
            "phase": one.phase,
            "mailable": one.mailable,
            "count": standing.pop(name, 0),
        }
        for name, one in written.items()
    ]
    former = {"label": None, "phase": None, "mailable": True}
    return places + [{"stage": name, **former, "count": count} for name, count in sorted(standing.items())]


def on_the_map(session: Session, key: str) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
    """How many stand at each stage and step, and how many moved from stage to stage."""
    flows = {tuple(way.split("->", 1)): count for way, count in counts.movements(session, key).items()}
    return counts.steps(session, key), {(way[0], way[1]): count for way, count in flows.items() if way[0]}
