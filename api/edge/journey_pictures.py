"""How a journey does, drawn: for the API's call and for the pages, which have the same pictures."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sqlmodel import Session

from pictures import axes, intervals, movements, series
from pictures.svg import Theme
from services.definitions.journey_versions import journeys as definitions
from services.reports.lifecycle import lifecycle_report, lifecycle_series, picture_facts
from services.reports.measures.periods import PeriodLength

JourneyPicture = Literal["series", "movements", "split"]
"""Stages over time, ways between them, or the variants of a split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPicture:
    """Which picture: of a series its days and their length, of a split its id (None: the first)."""

    picture: JourneyPicture = "series"
    split: str | None = None
    since: date | None = None
    until: date | None = None
    by: PeriodLength = "day"
    width: float = axes.WIDE
    theme: Theme = "auto"


def draw(session: Session, key: str, wanted: WantedPicture, now: datetime) -> str:
    """The picture as SVG; raise NotFound, InvalidInput of days."""
    width, theme = wanted.width, wanted.theme
    if wanted.picture == "split":
        one = picture_facts.experiment(session, key, wanted.split)
        told = " ".join(one["told"])
        return intervals.draw(one["variants"], f"{key}: {one['split']}", told, width=width, theme=theme)
    definitions.get(session, key)
    found = lifecycle_report.lifecycle(session, key)
    if wanted.picture == "movements":
        ways = picture_facts.stage_flows(session, found)
        name = f"{key}: movements between stages"
        return movements.draw(ways.flows, ways.order, name, ways.told, width=width, theme=theme)
    found["series"] = lifecycle_series.lifecycle_series(session, key, wanted.since, wanted.until, wanted.by, now)
    stages = picture_facts.stage_series(found)
    name = f"{key}: customers by stage"
    return series.draw(stages.periods, stages.order, name, stages.told, width=width, theme=theme)
