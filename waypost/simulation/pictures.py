"""Pictures of a simulation, as SVG files: the map, mails and stages over time, the path of one customer."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from journeys.language.definition import Definition
from journeys.simulation.backtest import SimulatedEnrollment, Totals
from journeys.simulation.paths import path
from pictures import charts, day_columns
from pictures import map as maps
from pictures.charts import Mark, StageStay


def draw_totals(folder: Path, journey: Definition, totals: Totals, second: Totals | None) -> list[Path]:
    """The charts of a backtest, and the map with what flowed."""
    standing = {(stage, ""): count for stage, count in totals.stages.items()}
    flows = {way: count for way, count in totals.movements.items() if way[0]}
    drawn = {
        "map": maps.draw(journey, counts=standing, flows=flows),
        "mails": day_columns.draw(totals.mails_by_day, "Mails by template"),
        "stages": charts.areas(totals.stages_by_day(), list(journey.stages), "Customers by stage"),
    }
    if second is not None:
        keys = sorted({*totals.messages, *second.messages})
        rows = [(f"mails: {key}", totals.messages[key], second.messages[key]) for key in keys]
        stages = sorted({*totals.stages, *second.stages})
        rows += [(f"stage: {key}", totals.stages[key], second.stages[key]) for key in stages]
        drawn["compared"] = charts.compared(rows, ("this version", "the other"), "Two versions")
    return _write(folder, drawn)


def draw_path(
    folder: Path, journey: Definition, enrollments: Sequence[SimulatedEnrollment], until: datetime
) -> list[Path]:
    """Each run's path over time."""
    drawn: dict[str, str] = {}
    for index, enrollment in enumerate(enrollments, start=1):
        spans, marks = _spans(enrollment, until), _marks(enrollment)
        drawn[f"path-{index}"] = charts.path(spans, marks, f"One customer in {journey.name or journey.journey}")
    return _write(folder, drawn)


def _spans(enrollment: SimulatedEnrollment, until: datetime) -> list[StageStay]:
    state, spans = enrollment.trace.state, list[StageStay]()
    assert state.entered_at is not None
    here, since = "", state.entered_at
    for one in enrollment.trace.decisions:
        here = here or one.stage
        if one.what == "moved":
            spans.append(StageStay(stage=one.stage, begins=since, ends=one.at))
            here, since = str(one.detail["to"]), one.at
    end = state.clock if state.ended and state.clock is not None else until
    return [*spans, StageStay(stage=here or state.stage, begins=since, ends=end)]


def _marks(enrollment: SimulatedEnrollment) -> list[Mark]:
    kinds = {"sent": "send", "skipped": "skip", "converted": "event"}
    return [
        Mark(at=at, text=str(detail.get("template") or what), kind=kinds[what])
        for at, what, _, _, detail in path(enrollment)
        if what in kinds
    ]


def _write(folder: Path, drawn: Mapping[str, str]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{name}.svg" for name in drawn]
    for file, picture in zip(written, drawn.values(), strict=True):
        file.write_text(picture, encoding="utf-8")
    return written
