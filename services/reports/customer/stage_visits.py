"""Where a customer has been as visits of stages: of each from when to when, its steps, its mails, and what is ahead."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from journeys.simulation.forecast import Action
from services.definitions.journey_versions import journeys
from store.queries.enrollment import decisions
from store.statuses import EnrollmentStatus
from store.tables.enrollments import Decision, Enrollment
from store.tables.messages import Message

DECISIONS = 500
"""Decisions that are read, the newest: years of most customers, in some milliseconds. What was before is not shown."""

LEAST_AHEAD = timedelta(days=30)
"""So far ahead is shown at least, where something is foreseen; else as far as one looks back."""

MAILED = ("planned", "deferred", "skipped", "accepted", "failed", "parked", "unknown")
"""Decisions that are told by their mail, which has a point of its own."""


@dataclass(slots=True, kw_only=True)
class StageVisit:
    """A visit of a stage, `until` None while it lasts; `lasts` is until when it is foreseen to last.

    `begun` is False where its beginning is not among what was read.
    """

    run: Enrollment
    journey: str
    stage: str
    label: str
    number: int
    since: datetime
    until: datetime | None = None
    lasts: datetime | None = None
    begun: bool = True
    steps: list[Decision] = field(default_factory=list[Decision])
    mails: list[Message] = field(default_factory=list[Message])
    ahead: list[Action] = field(default_factory=list[Action])


def of(
    session: Session,
    customer_id: str,
    runs: Sequence[Enrollment],
    mails: Iterable[Message],
    ahead: Mapping[str, Sequence[Action]],
    now: datetime,
) -> list[StageVisit]:
    """The visits in these runs, in the order in which they began; `ahead` is what comes next, by the run's id."""
    told = decisions.last_of_customer(session, customer_id, DECISIONS)
    by_run = defaultdict[str, list[Decision]](list)
    for one in told:
        by_run[one.enrollment_id or ""].append(one)
    found = [visit for run in runs for visit in _of_run(session, run, by_run[run.id])]
    named = {(one.run.id, one.number): one for one in found}
    for mail in mails:
        visit = named.get((mail.enrollment_id or "", mail.visit))
        if visit is not None:
            visit.mails.append(mail)
    first = min((one.since for one in found), default=now)
    _foresee(found, ahead, now + max(now - first, LEAST_AHEAD))
    return sorted(found, key=lambda one: one.since)


def _of_run(session: Session, run: Enrollment, told: Sequence[Decision]) -> Iterator[StageVisit]:
    """Its visits, one behind the other."""
    definition = journeys.definition(session, run.journey, run.version)
    open_one: StageVisit | None = None

    def begin(stage: str, at: datetime, number: int, begun: bool = True) -> StageVisit:
        known = definition.stages.get(stage)
        label = (known.label if known else None) or stage
        journey = definition.name or run.journey
        return StageVisit(run=run, journey=journey, stage=stage, label=label, number=number, since=at, begun=begun)

    for one in told:
        if open_one is None and one.entered_stage is None and one.stage:
            open_one = begin(one.stage, one.at, one.visit or 1, begun=False)
        if one.entered_stage is not None:
            number = (one.visit or 0) + (1 if one.what == "moved" else 0)
            if open_one is not None:
                open_one.until = one.at
                yield open_one
                number = max(number, open_one.number + 1)
            open_one = begin(one.entered_stage, one.at, number or 1)
        elif open_one is not None and one.step and one.what not in MAILED:
            open_one.steps.append(one)
    if open_one is not None:
        open_one.until = run.ended_at if run.status == EnrollmentStatus.ENDED else None
        yield open_one


def _foresee(visits: Sequence[StageVisit], ahead: Mapping[str, Sequence[Action]], until: datetime) -> None:
    """What is ahead of each visit that lasts: up to the action that leads elsewhere, and no further than `until`."""
    for visit in visits:
        if visit.until is not None:
            continue
        for action in ahead.get(visit.run.id, ()):
            if action.at > until:
                visit.lasts = until
                break
            if action.stage != visit.stage:
                break
            visit.ahead.append(action)
            visit.lasts = action.at
            if action.what in ("moved", "ended"):
                break
