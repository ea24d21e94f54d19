"""What a simulation tells: tables for a person, JSON for a machine, pictures for a meeting."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from journeys.language.definition import Journey
from journeys.rules.policy import Deferred, Skipped
from journeys.simulation.backtest import Lived, Totals
from pictures import charts
from pictures import map as maps
from pictures.charts import Mark, Span

QUIET = ("asked",)


def as_json(lived: Lived) -> dict[str, Any]:
    """One run: how it ended or where it stands, and its path."""
    state = lived.trace.state
    return {
        "entered_at": lived.event.at.isoformat(),
        "entered_by": lived.event.name,
        "key": lived.key,
        "status": "ended" if state.ended else "live",
        "reason": state.reason,
        "stage": state.stage,
        "step": state.position,
        "wakes_at": state.wakes_at.isoformat() if state.wakes_at else None,
        "path": [
            {"at": at.isoformat(), "what": what, "stage": stage, "step": step, "detail": dict(detail)}
            for at, what, stage, step, detail in path(lived)
        ],
    }


def path(lived: Lived) -> list[tuple[datetime, str, str, str | None, Mapping[str, Any]]]:
    """Everything that happened in one run, in order: decisions, verdicts, mails."""
    trace = lived.trace
    told: list[tuple[int, datetime, str, str, str | None, Mapping[str, Any]]] = []
    for one in trace.decisions:
        told.append((one.number, one.at, one.what, one.stage, one.step, one.detail))
    for ask, asked in trace.asked:
        if asked:
            detail = {"why": ask.why, "guards": [guard.as_json() for guard in asked]}
            told.append((ask.number, ask.at, "asked", ask.stage, ask.step, detail))
    for mail in trace.posted:
        told.append((mail.plan.number, mail.plan.at, *_mail(mail)))
    return [one[1:] for one in sorted(told, key=lambda one: one[0])]


def _mail(mail: Any) -> tuple[str, str, str, Mapping[str, Any]]:
    detail: dict[str, Any] = {"template": mail.template}
    what = "sent"
    if isinstance(mail.verdict, Skipped):
        what, detail["reason"] = "skipped", mail.verdict.reason
    elif isinstance(mail.verdict, Deferred):
        what, detail["reason"] = "deferred", mail.verdict.reason
        detail["until"] = mail.verdict.until.isoformat()
    return what, mail.plan.stage, mail.plan.step, detail


def tell(console: Console, lived: Lived, zone: str | None = None) -> None:
    """The path as a table."""
    table = Table("When (UTC)", "What", "Where", "Why", box=None, pad_edge=False)
    for at, what, stage, step, detail in path(lived):
        table.add_row(f"{at:%Y-%m-%d %H:%M}", what, Text(step or stage), Text(_why(what, detail)))
    console.print(table)
    state = lived.trace.state
    if state.ended:
        console.print(Text(f"Ended: {state.reason}", "bold"))
    else:
        wakes = f"; acts by itself at {state.wakes_at:%Y-%m-%d %H:%M} UTC" if state.wakes_at else ""
        console.print(Text(f"Stands in {state.stage}, {state.position or 'behind the last step'}{wakes}", "bold"))


def _why(what: str, detail: Mapping[str, Any]) -> str:
    if what == "asked":
        return "; ".join(f"{one['guard']} is {str(one['holds']).lower()}" for one in detail["guards"])
    if what == "moved":
        cause = "its guard alone" if detail["cause"] == "when" else detail.get("event") or detail["cause"]
        return f"→ {detail['to']}, by {cause}"
    return ", ".join(str(value) for key, value in detail.items() if key not in ("seq", "at"))


def tell_totals(console: Console, totals: Totals, second: Totals | None = None) -> None:
    """The numbers, a column for each version."""
    both = (totals, second) if second else (totals,)
    console.print(Text(f"{totals.customers:,} customers, {totals.enrolled:,} enrollments", "bold"))
    for title, name in (
        ("Stage at the end", "stages"), ("Ended", "ended"), ("Mail", "messages"), ("Skipped", "skipped"),
        ("Deferred", "deferred"), ("Not entered", "refused"),
    ):  # fmt: skip
        counters = [getattr(one, name) for one in both]
        keys = sorted({key for counter in counters for key in counter}, key=lambda key: (-counters[0][key], key))
        if keys:
            _table(console, title, [(key, [counter[key] for counter in counters]) for key in keys], bool(second))
    moves = sorted({key for one in both for key in one.movements}, key=lambda key: (-totals.movements[key], key))
    rows = [
        (f"{source or '(entry)'} → {target}", [one.movements[source, target] for one in both])
        for source, target in moves
    ]
    _table(console, "Movement", rows, bool(second))


def _table(console: Console, title: str, rows: Sequence[tuple[str, list[int]]], two: bool) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column(title, min_width=34)
    table.add_column("this" if two else "", justify="right")
    if two:
        table.add_column("against", justify="right")
    for key, counts in rows:
        table.add_row(Text(f"  {key}"), *(f"{count:,}" for count in counts))
    console.print(table)
    console.print()


# -- pictures ----------------------------------------------------------------------------------------------------------


def draw_totals(folder: Path, journey: Journey, totals: Totals, second: Totals | None) -> list[Path]:
    """The charts of a backtest, and the map with what flowed."""
    standing = {(stage, ""): count for stage, count in totals.stages.items()}
    flows = {way: count for way, count in totals.movements.items() if way[0]}
    drawn = {
        "map": maps.draw(journey, counts=standing, flows=flows),
        "mails": charts.bars(totals.mails_by_day, "Mails by template"),
        "stages": charts.areas(totals.stages_by_day(), list(journey.stages), "Customers by stage"),
    }
    if second is not None:
        keys = sorted({*totals.messages, *second.messages})
        rows = [(f"mails: {key}", totals.messages[key], second.messages[key]) for key in keys]
        stages = sorted({*totals.stages, *second.stages})
        rows += [(f"stage: {key}", totals.stages[key], second.stages[key]) for key in stages]
        drawn["compared"] = charts.compared(rows, ("this version", "the other"), "Two versions")
    return _write(folder, drawn)


def draw_path(folder: Path, journey: Journey, lives: Sequence[Lived], until: datetime) -> list[Path]:
    """Each run's path over time."""
    drawn: dict[str, str] = {}
    for index, lived in enumerate(lives, start=1):
        spans, marks = _spans(lived, until), _marks(lived)
        drawn[f"path-{index}"] = charts.path(spans, marks, f"One customer in {journey.name or journey.journey}")
    return _write(folder, drawn)


def _spans(lived: Lived, until: datetime) -> list[Span]:
    state, spans = lived.trace.state, list[Span]()
    assert state.entered_at is not None
    here, since = "", state.entered_at
    for one in lived.trace.decisions:
        here = here or one.stage
        if one.what == "moved":
            spans.append(Span(stage=one.stage, begins=since, ends=one.at))
            here, since = str(one.detail["to"]), one.at
    end = state.clock if state.ended and state.clock is not None else until
    return [*spans, Span(stage=here or state.stage, begins=since, ends=end)]


def _marks(lived: Lived) -> list[Mark]:
    kinds = {"sent": "send", "skipped": "skip", "converted": "event"}
    return [
        Mark(at=at, text=str(detail.get("template") or what), kind=kinds[what])
        for at, what, _, _, detail in path(lived)
        if what in kinds
    ]


def _write(folder: Path, drawn: Mapping[str, str]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{name}.svg" for name in drawn]
    for file, picture in zip(written, drawn.values(), strict=True):
        file.write_text(picture, encoding="utf-8")
    return written
