"""Those under way in a journey whom a filter finds: a page of them, their ids, or groups of them that stand alike."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from store import bulk, dialect, keyset
from store.queries.lists import Rows, Slice
from store.statuses import EnrollmentStatus
from store.tables.enrollments import Enrollment

LiveState = Literal["any", "paused", "stuck"]
"""Everybody; those who keep their place; those whose every wake ends in an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFilter:
    """Whom somebody looks for in a journey; None lets all through. `since` is when they entered, at the earliest."""

    journey: str
    stage: str | None = None
    step: str | None = None
    version: int | None = None
    state: LiveState = "any"
    since: datetime | None = None


class AlikeEnrollments(NamedTuple):
    """So many who stand alike: definition, version, stage, step (None: resting), and who paused them."""

    digest: str
    version: int
    stage: str
    step: str | None
    paused_by: str | None
    size: int


_ALIKE: Any = (Enrollment.digest, Enrollment.version, Enrollment.stage, Enrollment.step, Enrollment.paused_by)


def page(session: Session, wanted: LiveFilter, which: Slice) -> Rows:
    """A page in the order in which they were made; raise `keyset.BadCursor`."""
    query = select(Enrollment).where(*_where(session, wanted))
    return keyset.page(session, query, [col(Enrollment.id)], which.cursor, which.limit, descending=which.descending)


def ids(session: Session, wanted: LiveFilter, after: str, limit: int) -> Sequence[str]:
    """The next ids of them, behind the id `after`."""
    query = select(Enrollment.id).where(*_where(session, wanted), col(Enrollment.id) > after)
    return session.exec(query.order_by(col(Enrollment.id)).limit(limit)).all()


def among(session: Session, wanted: LiveFilter, ids: Collection[str]) -> Sequence[Enrollment]:
    """Those of these ids whom the filter finds now, in the order of their ids."""
    query = select(Enrollment).where(*_where(session, wanted), col(Enrollment.id).in_(ids))
    return session.exec(query.order_by(col(Enrollment.id))).all()


def alike(session: Session, wanted: LiveFilter, chosen: Collection[str] | None = None) -> Sequence[AlikeEnrollments]:
    """All of them in groups; those of `chosen` alone where some are. Without these it looks at each whom it finds."""
    parts: Sequence[Collection[str] | None] = [None] if chosen is None else list(bulk.parts(sorted(chosen)))
    found: list[AlikeEnrollments] = []
    for part in parts:
        query: Any = select_columns(*_ALIKE, func.count()).where(*_where(session, wanted))
        query = query if part is None else query.where(col(Enrollment.id).in_(part))
        rows: Any = session.connection().execute(query.group_by(*_ALIKE))
        found += [AlikeEnrollments(*row) for row in rows]
    return sorted(found, key=lambda one: (one.stage, one.step or "", one.version, one.paused_by or ""))


def _where(session: Session, wanted: LiveFilter) -> list[Any]:
    """By the index that finds fewest: of the stuck, of a step, else of a stage of the journey."""
    beside = dialect.of(session).beside
    lead = "stuck" if wanted.state == "stuck" else "step" if wanted.step is not None else "place"
    given = {"journey": wanted.journey, "status": EnrollmentStatus.LIVE, "stage": wanted.stage}
    found: list[Any] = [
        (getattr(Enrollment, name) if lead == "place" else beside(getattr(Enrollment, name))) == value
        for name, value in given.items()
        if value is not None
    ]
    if wanted.step is not None:
        found.append((col(Enrollment.step) if lead == "step" else beside(col(Enrollment.step))) == wanted.step)
    if wanted.version is not None:
        found.append(Enrollment.version == wanted.version)
    if wanted.state == "paused":
        found.append(col(Enrollment.paused_by).is_not(None))
    if wanted.state == "stuck":
        found.append(col(Enrollment.stuck).is_not(None))
    if wanted.since is not None:
        found.append(col(Enrollment.entered_at) >= wanted.since)
    return found
