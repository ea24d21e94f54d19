"""Those under way in a journey whom a filter finds: a page of them, their ids, or groups of them that stand alike."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from store import bulk, dialect, keyset
from store.queries.listing.lists import Rows, Slice
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
    """A page in the order in which they were made, or (`since`) in which they entered; raise `keyset.BadCursor`."""
    lead = _lead(wanted)
    query = select(Enrollment).where(*_where(session, wanted, lead))
    order = [col(Enrollment.entered_at), col(Enrollment.id)] if lead == "since" else [col(Enrollment.id)]
    return keyset.page(session, query, order, which.cursor, which.limit, descending=which.descending)


def ids(session: Session, wanted: LiveFilter, after: str, limit: int) -> Sequence[str]:
    """The next ids of them, behind the id `after`."""
    lead = _lead(wanted)
    given = _where(session, wanted, "place" if lead == "since" else lead)
    query = select(Enrollment.id).where(*given, col(Enrollment.id) > after)
    return session.exec(query.order_by(col(Enrollment.id)).limit(limit)).all()


def among(session: Session, wanted: LiveFilter, ids: Collection[str]) -> Sequence[Enrollment]:
    """Those of these ids whom the filter finds now, in the order of their ids."""
    query = select(Enrollment).where(*_where(session, wanted, "id"), col(Enrollment.id).in_(ids))
    return session.exec(query.order_by(col(Enrollment.id))).all()


def alike(session: Session, wanted: LiveFilter, chosen: Collection[str] | None = None) -> Sequence[AlikeEnrollments]:
    """All of them in groups; those of `chosen` alone where some are. Without these it looks at each whom it finds."""
    parts: Sequence[Collection[str] | None] = [None] if chosen is None else list(bulk.parts(sorted(chosen)))
    lead = _lead(wanted) if chosen is None else "id"
    found: list[AlikeEnrollments] = []
    for part in parts:
        query: Any = select_columns(*_ALIKE, func.count()).where(*_where(session, wanted, lead))
        query = query if part is None else query.where(col(Enrollment.id).in_(part))
        rows: Any = session.connection().execute(query.group_by(*_ALIKE))
        found += [AlikeEnrollments(*row) for row in rows]
    return sorted(found, key=lambda one: (one.stage, one.step or "", one.version, one.paused_by or ""))


_Lead = Literal["stuck", "step", "paused", "version", "since", "place", "id"]

_LOOKED_UP: Mapping[_Lead, Collection[str]] = {
    "stuck": (),
    "step": ("step",),
    "paused": ("journey", "paused_by"),
    "version": ("journey", "status", "version"),
    "since": ("journey", "status", "entered_at"),
    "place": ("journey", "status", "stage"),
    "id": (),
}
"""What each index is looked up by; whatever else a filter says is compared with what that has found."""


def _lead(wanted: LiveFilter) -> _Lead:
    """The index that finds fewest: of the stuck, a step, the paused, a version, since a day, else a stage."""
    given: Sequence[tuple[_Lead, bool]] = (
        ("stuck", wanted.state == "stuck"),
        ("step", wanted.step is not None),
        ("paused", wanted.state == "paused"),
        ("version", wanted.version is not None),
        ("since", wanted.since is not None),
        ("place", True),
    )
    return next(lead for lead, says in given if says)


def _where(session: Session, wanted: LiveFilter, lead: _Lead) -> list[Any]:
    beside, looked_up = dialect.of(session).beside, _LOOKED_UP[lead]

    def column(name: str) -> Any:
        own = getattr(Enrollment, name)
        return own if name in looked_up else beside(own)

    given = {"stage": wanted.stage, "step": wanted.step, "version": wanted.version}
    found = [column("journey") == wanted.journey, column("status") == dialect.as_it_is(EnrollmentStatus.LIVE)]
    found += [column(name) == value for name, value in given.items() if value is not None]
    if wanted.state == "paused":
        found.append(column("paused_by").is_not(None))
    if wanted.state == "stuck":
        found.append(col(Enrollment.stuck).is_not(None))
    if wanted.since is not None:
        found.append(column("entered_at") >= wanted.since)
    return found
