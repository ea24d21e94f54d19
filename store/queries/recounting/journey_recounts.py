"""What a journey's rows say, and what is kept of it: one journey at a time, in one state of the database.

The empty journey is that of messages which belong to none: broadcasts', and those that ask to confirm.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlmodel import Session, SQLModel, col, func, select

from store import bulk
from store.log_buckets import bucket_of
from store.queries.figures import counts, series
from store.queries.figures.message_counts import MessageKind, day_of
from store.statuses import EnrollmentStatus
from store.tables.enrollments import Decision, Enrollment, Movement, RunCount, StageCount
from store.tables.message_counts import MessageCount, MessageDayCount
from store.tables.messages import Message
from store.tables.series import DayCount

CountLabels = tuple[str, ...]
LabelCounts = Counter[CountLabels]
"""How many there are by the columns of a count's key, without the journey and the shard."""

TOLD = ("entered", "moved", "ended", "migrated")
"""Decisions that tell who came, went on and left."""

AT_ONCE = 1_000
"""Rows of a long answer that are read at once."""


@dataclass(slots=True)
class ToldDays:
    """What decisions and ended runs tell of the days of a journey: by name, day and label, as the series keep it.

    `seconds` are those spent before moves, by source and target. `unsure` says that some decision of a move does not
    tell since when its stage was stood in, as those of imports did not at first.
    """

    days: LabelCounts = field(default_factory=Counter[CountLabels])
    seconds: LabelCounts = field(default_factory=Counter[CountLabels])
    unsure: bool = False

    def stay(self, stage: str, since: datetime, at: datetime, day: str) -> None:
        """A stage in which somebody stood `since` was left `at`, on this day."""
        label = f"{stage}|{bucket_of((at - since).total_seconds())}"
        self.days[series.STAYED, day, label] += 1
        self.days[series.STAYED, series.EVER, label] += 1


def add(
    session: Session,
    table: type[SQLModel],
    missing: Mapping[tuple[Any, ...], tuple[int, ...]],
    names: Sequence[str],
    columns: Sequence[str],
) -> None:
    """Add what is missing to these columns of kept counts; `names` are the columns of the keys."""
    bulk.increment(session, table, missing, names, columns)


def kept(
    session: Session,
    table: type[SQLModel],
    journey: str,
    names: tuple[str, ...],
    column: str = "count",
    **where: str,
) -> LabelCounts:
    """A kept count of a journey by these columns, or another column of it: the sums over its shards."""
    columns = SQLModel.metadata.tables[str(table.__tablename__)].c
    by = [columns[name] for name in names]
    here = [columns[name] == value for name, value in {"journey": journey, **where}.items()]
    query = sqlalchemy.select(*by, func.sum(columns[column])).where(*here).group_by(*by)
    return _counted(session.connection().execute(query))


def kept_days(session: Session, journey: str, names: Collection[str]) -> LabelCounts:
    """The series of a journey that have these names, by name, day and label."""
    by: Any = (DayCount.name, DayCount.day, DayCount.label)
    query = sqlalchemy.select(*by, func.sum(DayCount.count)).group_by(*by)
    here = query.where(col(DayCount.journey) == journey, col(DayCount.name).in_(names))
    return _counted(session.connection().execute(here))


def kept_kinds(session: Session, journey: str) -> tuple[LabelCounts, int]:
    """Messages of a journey by kind that have rows, as they are counted; and how many more are gone."""
    by: Any = tuple(getattr(MessageCount, name) for name in MessageKind._fields[1:])
    query: Any = sqlalchemy.select(*by, func.sum(MessageCount.count), func.sum(MessageCount.gone)).group_by(*by)
    found, gone = Counter[CountLabels](), 0
    rows: Any = session.connection().execute(query.where(col(MessageCount.journey) == journey))
    for *labels, count, left in rows:
        found[tuple(labels)] += int(count) - int(left)
        gone += int(left)
    return _without_zeros(found), gone


def erased(session: Session, journey: str) -> int:
    """How many of its enrollments were erased with their customers."""
    return sum(counts.runs(session, journey, counts.ERASED).values())


# -- what the rows say -------------------------------------------------------------------------------------------------


def places(session: Session, journey: str) -> LabelCounts:
    """Live enrollments by stage and step (empty: resting behind the last one)."""
    step: Any = func.coalesce(Enrollment.step, "")
    query: Any = select(Enrollment.stage, step, func.count()).group_by(col(Enrollment.stage), step)
    here = query.where(col(Enrollment.journey) == journey, col(Enrollment.status) == EnrollmentStatus.LIVE)
    return _counted(session.connection().execute(here))


def ended(session: Session, journey: str) -> LabelCounts:
    """Ended enrollments by reason."""
    reason: Any = func.coalesce(Enrollment.reason, "")
    query: Any = select(reason, func.count()).group_by(reason)
    here = query.where(col(Enrollment.journey) == journey, col(Enrollment.status) == EnrollmentStatus.ENDED)
    return _counted(session.connection().execute(here))


def messages(session: Session, journey: str) -> tuple[LabelCounts, LabelCounts]:
    """Messages by kind; and by the day they were planned, template, status and reason."""
    columns: Any = (*(getattr(Message, name) for name in MessageKind._fields[1:]), Message.planned_at)
    query = sqlalchemy.select(*columns).where(col(Message.journey) == journey)
    kinds, days = Counter[CountLabels](), Counter[CountLabels]()
    for *values, planned_at in session.connection().execute(query.execution_options(yield_per=AT_ONCE)):
        kind = MessageKind(journey, *(str(one or "") for one in values))
        kinds[kind[1:]] += 1
        days[day_of(planned_at), kind.template, kind.status, kind.reason] += 1
    return kinds, days


def told(session: Session, journey: str) -> ToldDays:
    """What the decisions tell of movements, ends and stays, and the ended runs of their last stay.

    Whoever was let in and has not waked has no decision yet, and came to the stage in which they stand.
    """
    zone = series.zone_of(session)
    columns: Any = (Decision.what, Decision.at, Decision.stage, Decision.detail)
    of_journey = col(Decision.enrollment_id) == col(Enrollment.id), col(Enrollment.journey) == journey
    query = sqlalchemy.select(*columns).where(
        *of_journey, col(Decision.what).in_(TOLD), col(Decision.stage).is_not(None)
    )
    found = ToldDays()
    rows: Any = session.connection().execute(query.execution_options(yield_per=AT_ONCE))
    for what, at, stage, detail in rows:
        day = series.day_of(at, zone)
        for name, label in _told(what, stage, detail):
            found.days[name, day, label] += 1
        if what == "moved" and "since" in detail:
            since = datetime.fromisoformat(detail["since"])
            found.seconds[stage, str(detail["to"])] += int((at - since).total_seconds())
            found.stay(stage, since, at, day)
        found.unsure = found.unsure or (what == "moved" and "since" not in detail)
    rows = session.connection().execute(_not_begun(journey))
    for stage, at in rows:
        found.days[series.MOVED, series.day_of(at, zone), f"->{stage}"] += 1
    rows = session.connection().execute(_last_stays(journey).execution_options(yield_per=AT_ONCE))
    for stage, since, at in rows:
        found.stay(stage, since, at, series.day_of(at, zone))
    return found


def _not_begun(journey: str) -> Any:
    entered = select(Decision.id).where(Decision.enrollment_id == Enrollment.id, Decision.what == "entered").exists()
    columns: Any = (Enrollment.stage, Enrollment.entered_at)
    return sqlalchemy.select(*columns).where(col(Enrollment.journey) == journey, col(Enrollment.wakes) == 0, ~entered)


def _last_stays(journey: str) -> Any:
    columns: Any = (Enrollment.stage, Enrollment.stage_since, Enrollment.ended_at)
    ended = col(Enrollment.status) == EnrollmentStatus.ENDED, col(Enrollment.ended_at).is_not(None)
    return sqlalchemy.select(*columns).where(col(Enrollment.journey) == journey, *ended)


def _told(what: str, stage: str, detail: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if what == "entered":
        yield series.MOVED, f"->{stage}"
    elif what == "moved":
        yield series.MOVED, f"{stage}->{detail['to']}"
    elif what == "ended":
        yield series.LEFT, f"{stage}|{detail.get('reason') or ''}"
    elif detail["from"]["stage"] != detail["to"]["stage"]:
        yield series.MOVED, f"{detail['from']['stage']}->{detail['to']['stage']}"


def _counted(rows: Any) -> LabelCounts:
    found = Counter[CountLabels]()
    for *labels, count in rows:
        found[tuple(str(one) for one in labels)] += int(count or 0)
    return _without_zeros(found)


def _without_zeros(found: LabelCounts) -> LabelCounts:
    return Counter({labels: count for labels, count in found.items() if count})


STAGES, RUNS, MOVES, DAYS, KINDS, KIND_DAYS = StageCount, RunCount, Movement, DayCount, MessageCount, MessageDayCount
"""The tables of the counts that are compared."""
